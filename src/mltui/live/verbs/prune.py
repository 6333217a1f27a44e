"""Prune: what nobody uses, shown with what it frees, then removed: exactly what was shown.

Docker's own prune decides again when it acts, and may take what came since. Here each shown thing
is removed by its identity; what is in use by then stays. Source: Docker Engine API, "Get data usage
information".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mltui.errors import Conflict, MltuiError, Unreachable
from mltui.live.cells import plain
from mltui.live.daemon import Daemon, message_of, status_of
from mltui.live.kinds._container import read_listed as read_container
from mltui.live.kinds._docker import labels_of
from mltui.live.kinds.images import read_listed as read_image
from mltui.live.kinds.networks import read_network
from mltui.live.kinds.volumes import read_volume
from mltui.live.verbs._verb import Question, Ref, counted
from mltui.live.verbs.remove import VERB as REMOVE
from mltui.text import format_bytes

KINDS = ("containers", "images", "volumes", "networks", "build cache")
_SHOWN = 12
_OURS = "mltui.name"
"""Label of a stage's container: its outputs may not be collected yet, and `mltui gc` sees to it."""


@dataclass(frozen=True, slots=True)
class Item:
    """A thing that would go."""

    ref: Ref
    size_bytes: int | None
    """None: not known."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What would go, and what that frees."""

    kind: str
    items: tuple[Item, ...]
    frees_bytes: int
    """At least: layers shared only by images that go together are not counted."""
    note: str = ""
    """What stays, and why."""

    @property
    def title(self) -> str:
        """`3 containers`, `build cache of 5 steps`."""
        if self.kind == "build cache":
            return f"the build cache of {counted(len(self.items), 'step')}"
        return counted(len(self.items), self.kind.removesuffix("s"))

    def question(self, place: str) -> Question:
        """What to ask before."""
        is_at_least = self.kind == "images"
        frees = f"{'at least ' * is_at_least}{format_bytes(self.frees_bytes)}"
        lost = " What is in them is lost." if self.kind == "volumes" else ""
        ordered = sorted(self.items, key=lambda item: -(item.size_bytes or 0))
        lines = [_line(item) for item in ordered[:_SHOWN]]
        if len(ordered) > _SHOWN:
            lines.append(f"and {len(ordered) - _SHOWN} more")
        if self.note:
            lines.append(self.note)
        sentence = f"Remove {self.title} that nothing uses on {place}? It frees {frees}.{lost}"
        return Question(sentence, "Remove", detail=tuple(lines))


def _line(item: Item) -> str:
    size = "" if item.size_bytes is None else f"  {format_bytes(item.size_bytes)}"
    return f"{plain(item.ref.name)}{size}"


async def preview(daemon: Daemon, kind: str, *, everything: bool = False) -> Preview:
    """What pruning a kind would remove. DockerError, Unreachable.

    `everything`: also images that have names and volumes that somebody named. KeyError for a kind
    that can't be pruned.
    """
    find: Callable[[Mapping[str, Any], bool], Preview] = {
        "containers": _containers,
        "images": _images,
        "volumes": _volumes,
        "build cache": _build_cache,
        "networks": lambda usage, everything: _networks(usage),
    }[kind]
    usage = dict(await daemon.usage()) if kind != "networks" else {}
    if kind == "networks":
        usage["Networks"] = await daemon.get("/networks")
        usage["Containers"] = await daemon.get("/containers/json", {"all": "1"})
    return find(usage, everything)


def _made(kind: str, items: Sequence[Item], note: str = "") -> Preview:
    return Preview(kind, tuple(items), sum(item.size_bytes or 0 for item in items), note)


def _containers(usage: Mapping[str, Any], everything: bool) -> Preview:
    items, ours = [], 0
    for raw in usage.get("Containers") or ():
        row = read_container(raw)
        if row.state not in ("created", "exited", "dead"):
            continue
        if _OURS in labels_of(raw):
            ours += 1
            continue
        ref = Ref("containers", "container", row.id, row.name, row.created_at)
        items.append(Item(ref, int(raw.get("SizeRw") or 0)))
    stay = "stays" if ours == 1 else "stay"
    note = f"{counted(ours, 'container')} of mltui's runs {stay}: `mltui gc`" if ours else ""
    return _made("containers", items, note)


def _images(usage: Mapping[str, Any], everything: bool) -> Preview:
    items = []
    for raw in usage.get("Images") or ():
        row = read_image(raw)
        if int(raw.get("Containers") or 0) > 0 or (row.names and not everything):
            continue
        shared = max(0, int(raw.get("SharedSize") or 0))
        ref = Ref("images", "image", row.id, row.name, row.created_at, names=row.names)
        items.append(Item(ref, max(0, int(raw.get("Size") or 0) - shared)))
    return _made("images", items, "" if everything else "images with a name stay")


def _volumes(usage: Mapping[str, Any], everything: bool) -> Preview:
    items, kept = [], 0
    for raw in usage.get("Volumes") or ():
        row = read_volume(raw)
        if int((raw.get("UsageData") or {}).get("RefCount") or 0) != 0:
            continue
        if not row.is_anonymous and not everything:
            kept += 1
            continue
        items.append(Item(Ref("volumes", "volume", row.name, row.name, row.created_at),
                          row.size_bytes))  # fmt: skip
    note = f"{counted(kept, 'volume')} that somebody named stay" if kept else ""
    return _made("volumes", items, note)


def _networks(usage: Mapping[str, Any]) -> Preview:
    used: set[str] = set()
    for raw in usage["Containers"]:
        found = (raw.get("NetworkSettings") or {}).get("Networks") or {}
        used |= set(found) | {str((each or {}).get("NetworkID")) for each in found.values()}
    items = []
    for raw in usage["Networks"]:
        row = read_network(raw)
        if row.is_built_in or row.scope != "local" or {row.name, row.id} & used:
            continue
        items.append(Item(Ref("networks", "network", row.id, row.name, row.created_at), None))
    return _made("networks", items)


def _build_cache(usage: Mapping[str, Any], everything: bool) -> Preview:
    items = [
        Item(Ref("build cache", "step", str(raw.get("ID")), str(raw.get("Description") or "?")),
             0 if raw.get("Shared") else int(raw.get("Size") or 0))
        for raw in usage.get("BuildCache") or ()
        if not raw.get("InUse")
    ]  # fmt: skip
    return _made("build cache", items)


async def prune(daemon: Daemon, shown: Preview) -> str:
    """Remove what a preview showed; what is in use by now stays, and is counted in the answer.

    Unreachable; then some may be gone. MltuiError where the daemon refuses.
    """
    if shown.kind == "build cache":
        try:
            done = await daemon.post("/build/prune", {"all": "1"})
        except MltuiError as error:
            if not status_of(error):
                raise
            raise MltuiError(
                f"{daemon.name} does not prune its build cache: {message_of(error)}"
            ) from error
        return f"freed {format_bytes(int(done.get('SpaceReclaimed') or 0))} of build cache"
    removed, freed, stay = 0, 0, 0
    for item in shown.items:
        try:
            await REMOVE.act(daemon, item.ref)
        except Unreachable:
            raise
        except Conflict as error:
            stay += "gone already" not in str(error)
            continue
        except MltuiError:
            stay += 1
            continue
        removed += 1
        freed += item.size_bytes or 0
    word = shown.kind.removesuffix("s")
    text = f"removed {counted(removed, word)}"
    if shown.kind != "networks":
        text += f", freed {format_bytes(freed)}"
    if stay:
        text += f"; {stay} in use by now {'stays' if stay == 1 else 'stay'}"
    return text
