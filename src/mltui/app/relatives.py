"""From a thing to what belongs to it: `J`. Stage, run, container, image, pod, owner, node, build.

Loaded when first asked for. What is one step away is offered; a single one is gone to at once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mltui.actions.listed import DOCKER
from mltui.app.finding import READ_S
from mltui.live.cells import plain
from mltui.live.kube.listing import known

if TYPE_CHECKING:
    from mltui.app.lists import Lists
    from mltui.app.workbench import Workbench
    from mltui.live.kind import Kind


@dataclass(frozen=True)
class Relative:
    """Somewhere to go."""

    text: str
    go: Callable[[], Awaitable[object]]


async def go_to_relative(bench: Workbench) -> None:
    """Go to a relative of what is selected; of several, the one chosen."""
    found = relatives(bench)
    if not found:
        bench.notice("nothing else is known to belong to it", bad=True)
        return
    index: int | None = 0
    if len(found) > 1:
        index = await bench.context.choose("Go to what?", [each.text for each in found])
    if index is not None:
        await found[index].go()
        bench.frame.show()


def relatives(bench: Workbench) -> list[Relative]:
    """What belongs to what is selected."""
    listed = bench.listed
    if listed is None:
        return _of_stage(bench)
    kind, chosen = listed.acted()
    return _of_row(bench, listed, kind, chosen[0]) if chosen else []


def _of_stage(bench: Workbench) -> list[Relative]:
    row, context = bench.stages.row, bench.context
    if row is None:
        return []
    found: list[Relative] = []

    async def run() -> None:
        context.show_runs()

    async def build() -> None:
        context.show_tab("build")

    async def line() -> None:
        file, number = position or ("", 0)
        await context.edit(file, number)

    engine, name = row.engine, row.object or ""
    if name and engine == "docker":
        found.append(_in_list(bench, "containers", (name,), f"container {name[:12]}", labels=True))
    elif name and engine == "kubernetes":
        found.append(_in_list(bench, "jobs", (name,), f"job {name}", labels=True))
    if row.run:
        found.append(Relative(f"run {row.run}, among the others", run))
    if row.build:
        found.append(Relative("the build of its environment", build))
    position = bench.selection.position
    if position is not None:
        found.append(Relative(f"{position[0]}:{position[1]}", line))
    return found


def _of_row(bench: Workbench, lists: Lists, kind: Kind[Any], row: Any) -> list[Relative]:
    found: list[Relative] = []
    for each in kind.relations:
        keys = tuple(each.keys(row))
        if keys:
            count = f" ({len(keys)})" if len(keys) > 1 else ""
            text = f"{each.title.lower()}{count}"
            found.append(_in_list(bench, each.kind, keys, text, labels=each.by_label))
    place = getattr(row, "place", None)
    if place is not None and place.stage:
        stage = place.stage.partition("~")[0].partition("[")[0]
        if stage in bench.context.stage_names:
            found.append(Relative(f"stage {plain(place.stage)}", _stage(bench, stage)))
    owner, _, name = getattr(row, "owner", "").partition("/")
    owners = known(owner.lower()) or known(f"{owner.lower()}s")
    if name and owners is not None:
        found.append(_in_list(bench, owners.name, (name,), f"{owner} {name}", labels=True))
    if node := getattr(row, "node", ""):
        found.append(_in_list(bench, "nodes", (node,), f"node {node}", labels=True))
    if lists.is_kube and kind.name != "pods" and kind.watched is not None and kind.watched.pods:

        async def pods() -> None:
            lists.kube_enter([row])

        found.append(Relative("its pods", pods))
    return found


def _stage(bench: Workbench, name: str) -> Callable[[], Awaitable[object]]:
    async def go() -> None:
        bench.listing.leave()
        bench.context.leave_runs()
        bench.context.select_stage(name)

    return go


def _in_list(
    bench: Workbench, kind: str, names: Sequence[str], text: str, *, labels: bool
) -> Relative:
    """Rows of another list, by key or by what they are called."""

    async def go() -> None:
        lists = await bench.listing.lists()
        source = lists.docker if kind in DOCKER else lists.kube
        told, table = await source.peek(kind, READ_S)
        wanted = set(names)
        keys = [
            key
            for key, row in table.rows.items()
            if (told.label(row) if labels else key) in wanted or key in wanted
        ]
        if not keys:
            bench.notice(f"{text} is not there any more", bad=True)
            return
        await bench.listing.opened(kind)
        pane = lists.pane
        pane.grid.cursor_key = keys[0]
        pane.grid.marks = frozenset(keys[1:] and keys)

    return Relative(plain(text), go)
