"""The family of an object, live: what owns it up to the top, and all that this owns, to containers.

Called by the app (`T` on any object) and by `mltui describe -o tree`. Each sort of member has a
watch of its own, which reads only what can be of the family; a change in any of them and the rows
are put together anew. A Service and a node own nothing: their pods are those that they choose.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from mltui.errors import MltuiError
from mltui.live.cells import Cell, Column, age_column, plain
from mltui.live.kind import Kind, Watched
from mltui.live.kinds import kube_kinds
from mltui.live.kinds.kube._object import count_cell, marked
from mltui.live.kinds.kube._pod import ContainerStates, MemberPod, Pod, read_member
from mltui.live.kinds.kube.pods import KIND as PODS_KIND
from mltui.live.kube.cluster import Cluster, Clusters, status_of
from mltui.live.kube.feed import View
from mltui.live.kube.one import One, find_one
from mltui.live.kube.place import Place
from mltui.live.kube.reaching import selector_of
from mltui.live.table import Table
from mltui.live.verbs._verb import Ref

_CHOOSERS = ("services", "nodes")
_MAKERS = ("deployments", "statefulsets", "daemonsets", "replicasets", "cronjobs", "jobs")
_ANSWER_S = 20.0
_IN_CONTAINER = ("shell", "port-forward")
"""What is done in a container; the rest is done to its pod."""

MEMBERS: Kind[Any] = Kind(
    name="member pods",
    title="pod",
    engine="kubernetes",
    columns=PODS_KIND.columns,
    key=lambda row: row.key,
    label=lambda row: row.name,
    watched=Watched(PODS_KIND.watched.resource, Pod, read_member)
    if PODS_KIND.watched is not None else None,
)  # fmt: skip
"""Pods with their containers' states, which lists of ten thousand do without."""


@dataclass(frozen=True, slots=True)
class TreeRow:
    """A member of the family, or a container of one."""

    key: str
    order: int
    depth: int
    of: str
    """The name of its kind; `containers` for a container."""
    title: str
    name: str
    context: str
    namespace: str
    uid: str = ""
    state: str = "unknown"
    word: str = ""
    count: str = ""
    """`2/3`."""
    restarts: int | None = None
    created_at: float | None = None
    error: str = ""
    owner: str = ""
    pod: str = ""
    """Of a container."""
    part: str = ""
    """The stage and run, or the service, of mltui's that it is of."""
    is_asked: bool = False
    """The one whose family it is."""
    opens_log: bool = False
    """Enter leads to its log, and not to a page about it."""

    @property
    def is_running(self) -> bool:
        """For a shell."""
        return self.state == "running"

    @property
    def ref(self) -> Ref:
        """For pages about it."""
        return Ref(
            self.of, self.title, self.key, self.name, self.created_at, context=self.context,
            namespace=self.namespace, uid=self.uid, owner=self.owner,
        )  # fmt: skip


class Family:
    """The live table; belongs to one event loop. `open` first, `close` at the end."""

    def __init__(self, clusters: Clusters) -> None:
        self._clusters = clusters
        self._views: list[View] = []
        self._chain: list[One] = []
        self.place = Place("")
        """Where it is; without a namespace for a family that is of none."""
        self.table: Table[TreeRow] = Table("family", heard=self._heard)

    async def open(self, cluster: Cluster, kind: Kind[Any], row: Any) -> None:
        """Find the top, then watch all. MltuiError when the object can't be read."""
        one = await self._look(cluster, kind.name, row.name, row.namespace)
        self._chain = [one]
        while (above := await self._owner(cluster, self._chain[0])) is not None:
            self._chain.insert(0, above)
        top = self._chain[0]
        self.place = Place(cluster.name, top.row.namespace)
        wanted = [(each.kind, f"metadata.name={each.row.name}") for each in self._chain]
        wanted += list(_below(top))
        known = {each.kind.name for each in self._chain}
        for each, selector in wanted:
            if each.name == "pods":
                each = MEMBERS
            elif selector == "" and each.name in known and each.name == top.kind.name:
                continue
            view = View(each, self._clusters, selector)
            self._views.append(view)
            view.table.listen(lambda changes: self._grow())
            view.go((self.place,))

    async def settled(self) -> None:
        """Wait until every sort was listed, or is known not to answer, or time is up."""
        tried = asyncio.Event()
        ends = [view.table.listen(lambda changes: tried.set()) for view in self._views]
        with suppress(TimeoutError):
            async with asyncio.timeout(_ANSWER_S):
                while not self._is_settled:
                    tried.clear()
                    await tried.wait()
        for end in ends:
            end()
        self._grow()

    @property
    def _is_settled(self) -> bool:
        return all(view.table.is_settled for view in self._views)

    async def close(self) -> None:
        """End the watches."""
        self.table.close()
        await asyncio.gather(*(view.close() for view in self._views))
        self._views.clear()

    @property
    def kinds(self) -> list[Kind[Any]]:
        """Of its members."""
        found = [PODS_KIND if view.kind is MEMBERS else view.kind for view in self._views]
        return list({kind.name: kind for kind in found}.values())

    def thing(self, row: TreeRow) -> tuple[Kind[Any], Any] | None:
        """The object that a row shows, as verbs take it: its kind and that kind's row.

        A container is its pod as if it had this one only, and what is done in one. None: gone.
        """
        key = row.key.rpartition("#")[0] if row.of == "containers" else row.key
        for view in self._views:
            found = view.table.get(key)
            if found is None:
                continue
            if view.kind is not MEMBERS:
                return view.kind, found
            if row.of != "containers":
                return PODS_KIND, found
            alone = msgspec.structs.replace(
                found, containers=(row.name,), init_containers=(), restarts=row.restarts or 0
            )
            return replace(PODS_KIND, actions=_IN_CONTAINER), alone
        return None

    async def _look(self, cluster: Cluster, word: str, name: str, namespace: str) -> One:
        return await find_one(self._clusters, word, name, context=cluster.name, namespace=namespace)

    async def _owner(self, cluster: Cluster, one: One) -> One | None:
        """What controls it; None at the top, or where that can't be read."""
        owners = (one.raw.get("metadata") or {}).get("ownerReferences") or ()
        chosen = next((each for each in owners if each.get("controller")), None)
        owner = chosen or next(iter(owners), None)
        if owner is None:
            return None
        group, slash, _ = str(owner.get("apiVersion") or "").partition("/")
        low = str(owner.get("kind") or "").lower()
        known = next((k.name for k in kube_kinds().values() if k.title.replace(" ", "") == low), "")
        word = known or (f"{low}.{group}" if slash else low)
        try:
            found = await self._look(cluster, word, str(owner.get("name") or ""), one.row.namespace)
        except MltuiError as error:
            if status_of(error) in (403, 404):
                return None
            raise
        return found if found.row.uid == owner.get("uid") else None

    def _heard(self) -> float | None:
        return self._views[0].table.fresh_at if self._views else None

    def _grow(self) -> None:
        if not (self._is_settled or self.table.is_loaded):
            return
        rows = [row for view in self._views for row in _rows_of(view)]
        tree = grow([(each.kind.name, each.row.key) for each in self._chain], rows)
        self.table.replace({row.key: row for row in tree})


def _rows_of(view: View) -> Iterator[tuple[str, Any]]:
    name = "pods" if view.kind is MEMBERS else view.kind.name
    for row in view.table.rows.values():
        yield name, row


def _below(top: One) -> Iterator[tuple[Kind[Any], str]]:
    """Kinds below an object, each with a selector of what can be of it."""
    kinds = kube_kinds()
    spec = top.raw.get("spec") or {}
    pods = kinds["pods"]
    match top.kind.name:
        case "services":
            chosen = ",".join(f"{k}={v}" for k, v in sorted((spec.get("selector") or {}).items()))
            if chosen:
                yield pods, chosen
        case "nodes":
            yield pods, f"spec.nodeName={top.row.name}"
        case "deployments":
            selector = selector_of(spec.get("selector"))
            yield kinds["replicasets"], selector
            yield pods, selector
            if "mltui.hosted" in ((top.raw.get("metadata") or {}).get("labels") or {}):
                # The monitors of a service go with it.
                for each in (kinds["cronjobs"], kinds["jobs"], pods):
                    yield each, "mltui.schedule"
        case "statefulsets" | "daemonsets" | "replicasets" | "jobs":
            yield pods, selector_of(spec.get("selector"))
        case "cronjobs":
            yield kinds["jobs"], ""
            yield pods, "batch.kubernetes.io/job-name"
        case "pods" | "events" | "endpoints" | "configmaps" | "secrets" | "namespaces" | "roles":
            return
        case _:
            for name in _MAKERS:
                yield kinds[name], ""
            yield pods, ""


def grow(chain: Sequence[tuple[str, str]], found: Iterable[tuple[str, Any]]) -> list[TreeRow]:
    """The rows in the order of the tree. Pure.

    chain: kind and key of each ancestor from the top, the asked one last; found: rows of any kinds
    by the kind's name. Of two rows of one object the one with containers is taken.
    """
    by_key: dict[str, tuple[str, Any]] = {}
    for name, row in found:
        if row.key not in by_key or isinstance(row, MemberPod):
            by_key[row.key] = (name, row)
    if not chain or chain[0][1] not in by_key:
        return []
    owned: dict[tuple[str, str], list[str]] = {}
    for key, (_, row) in by_key.items():
        owned.setdefault((row.namespace, row.owner), []).append(key)
    kinds = kube_kinds()
    out: list[TreeRow] = []
    asked, seen = chain[-1][1], set[str]()
    choosing = chain[0][0] in _CHOOSERS
    stack = [(chain[0][1], 0)]
    while stack:
        key, depth = stack.pop()
        if key in seen:
            continue
        seen.add(key)
        name, row = by_key[key]
        out.append(_member(name, row, len(out), depth, is_asked=key == asked))
        if isinstance(row, MemberPod):
            out += _containers(row, len(out), depth + 1)
        kind = kinds.get(name)
        api = kind.watched.resource.kind if kind is not None and kind.watched is not None else ""
        if choosing and depth == 0:
            below = [each for each in by_key if each != key]
        elif api:
            below = owned.get((row.namespace, f"{api}/{row.name}"), [])
        else:  # a custom kind: its owner references say its own word
            mine = [k for k in owned if k[0] == row.namespace and k[1].endswith(f"/{row.name}")]
            below = [each for k in mine for each in owned[k] if each != key]
        below = sorted(below, key=lambda each: _rank(by_key[each][1]), reverse=True)
        stack += [(each, depth + 1) for each in below]
    return out


def _rank(row: Any) -> tuple[bool, float, str]:
    """Old ReplicaSets, which want none, last; else the newest first."""
    is_old = getattr(row, "wanted", 1) == 0
    return is_old, -(row.created_at or 0.0), row.name


def _member(name: str, row: Any, order: int, depth: int, *, is_asked: bool) -> TreeRow:
    kind = kube_kinds().get(name)
    word = getattr(row, "word", "") or getattr(row, "status", "")
    ready, wanted = getattr(row, "ready", None), getattr(row, "wanted", None)
    if isinstance(row, MemberPod):
        wanted = len(row.containers)
    count = f"{ready}/{wanted}" if isinstance(ready, int) and wanted is not None else ""
    return TreeRow(
        row.key, order, depth, name, kind.title if kind is not None else name.partition(".")[0],
        row.name, row.context, row.namespace, row.uid,
        state=getattr(row, "state", "") or "dim", word=word, count=count,
        restarts=row.restarts if isinstance(row, MemberPod) else None,
        created_at=row.created_at, error=getattr(row, "error", ""), owner=row.owner,
        is_asked=is_asked, part=row.place.text, opens_log=name == "pods",
    )  # fmt: skip


def _containers(row: MemberPod, order: int, depth: int) -> Iterator[TreeRow]:
    each: ContainerStates
    for index, each in enumerate(row.states):
        yield TreeRow(
            f"{row.key}#{each[0]}", order + index, depth, "containers",
            "init container" if each[0] in row.init_containers else "container", each[0],
            row.context, row.namespace, row.uid, state=each[1], word=each[2], restarts=each[3],
            error=each[4], pod=row.name, opens_log=True,
        )  # fmt: skip


def tree_text(rows: Iterable[TreeRow]) -> str:
    """As `mltui describe -o tree` prints it."""
    lines = []
    for row in sorted(rows, key=lambda row: row.order):
        name = f"{'  ' * row.depth}{row.title}/{plain(row.name)}"
        more = f"  {row.restarts} restarts" if row.restarts else ""
        more += f"  {plain(row.part)}" if row.part else ""
        why = f"  {plain(row.error)}" if row.error else ""
        lines.append(f"{name}  {_state(row).text}{f' {row.count}' * bool(row.count)}{more}{why}")
    return "\n".join(lines) + "\n"


def _state(row: TreeRow) -> Cell:
    return marked(row.state, row.word) if row.word else Cell("", "dim")


def _name(row: TreeRow) -> Cell:
    role = "strong" if row.is_asked else "dim" if row.of == "containers" else ""
    return Cell(f"{'  ' * row.depth}{row.title}/{plain(row.name)}", role)


TREE: Kind[TreeRow] = Kind(
    name="tree",
    title="member",
    engine="kubernetes",
    columns=(
        Column("name", "OBJECT", _name, min=24, flex=4, max=100, priority=200,
               sort=lambda r: r.order, help="what it is, below what owns it"),
        Column("state", "STATE", _state, min=12, flex=1, max=28, priority=190, shorten="end"),
        Column("ready", "READY", lambda r: Cell(r.count), width=6, align="right", priority=180),
        Column("restarts", "↻", lambda r: count_cell(r.restarts, warns=True), width=3,
               align="right", priority=150),
        Column("part", "PART OF", lambda r: Cell(plain(r.part), "dim"), min=8, flex=2, max=30,
               priority=100, help="the stage and run, or service, it is of"),
        age_column(),
    ),
    key=lambda row: row.key,
    label=lambda row: row.name,
    has_logs=True,
    empty="it is not there any more",
)  # fmt: skip
"""An object's family."""
