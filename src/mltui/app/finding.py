"""Goes to a thing by its name, whatever kind it is: `:web` Enter.

Called for what is typed on the `:` line and is no command. What is on screen is looked at first,
then the stages, then pods and containers; those are read once where they were not yet.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mltui.errors import MltuiError

if TYPE_CHECKING:
    from mltui.app.workbench import Workbench
    from mltui.live.kind import Kind
    from mltui.live.table import Table

READ_S = 3.0
"""So long a list may take to be read for this."""
MOST = 12
"""So many are offered to choose from."""


@dataclass(frozen=True, slots=True)
class Found:
    """A thing with this name: a stage, or a row of a list."""

    kind: str
    """Of the list, or `stage`."""
    key: str
    label: str
    title: str

    @property
    def text(self) -> str:
        """`pod web-5d8f`."""
        return f"{self.title} {self.label}"


def closeness(name: str, typed: str) -> int | None:
    """How well a name fits: 0 the same, 1 begins so, 2 has it; None: not."""
    name, typed = name.lower(), typed.lower()
    if name == typed:
        return 0
    if name.startswith(typed):
        return 1
    return 2 if typed in name else None


def best(candidates: Iterable[Found], typed: str) -> list[Found]:
    """The things that fit best, all equally well."""
    ranked = [(closeness(each.label, typed), each) for each in candidates]
    ranks = [rank for rank, _ in ranked if rank is not None]
    return [each for rank, each in ranked if ranks and rank == min(ranks)]


def rows_of(kind: Kind[Any], table: Table[Any]) -> list[Found]:
    """All rows of a table."""
    found = table.rows.items()
    return [Found(kind.name, key, kind.label(row), kind.title) for key, row in found]


async def go_to(bench: Workbench, typed: str) -> bool:
    """Go to the thing of this name; of several, the one chosen. False when there is none."""
    shown = on_screen(bench)
    found = best(shown, typed)
    if not found:
        with suppress(MltuiError, TimeoutError):
            found = best(await _elsewhere(bench), typed)
    if not found:
        return False
    chosen = found[0]
    if len(found) > 1:
        offered = found[:MOST]
        words = [each.text for each in offered]
        index = await bench.context.choose(f"Which {typed!r}?", words)
        if index is None:
            return True
        chosen = offered[index]
    await _open(bench, chosen)
    return True


def on_screen(bench: Workbench) -> list[Found]:
    """What is listed now; on the pipeline, its stages."""
    listed = bench.listed
    if listed is not None and listed.pane.table is not None:
        return rows_of(listed.kind, listed.pane.table)
    return _stages(bench)


def _stages(bench: Workbench) -> list[Found]:
    return [Found("stage", name, name, "stage") for name in bench.context.stage_names]


async def _elsewhere(bench: Workbench) -> list[Found]:
    """Stages, pods of the places one looks at, containers of the Docker host."""
    lists = await bench.listing.lists()
    found = _stages(bench) if bench.listed is not None else []
    for name, source in (("pods", lists.kube), ("containers", lists.docker)):
        if bench.listed is not None and lists.kind.name == name:
            continue
        with suppress(MltuiError, TimeoutError):
            kind, table = await source.peek(name, READ_S)
            found += rows_of(kind, table)
    return found


async def _open(bench: Workbench, chosen: Found) -> None:
    """Put the cursor on it; what has a log shows it."""
    if chosen.kind == "stage":
        bench.listing.leave()
        bench.context.leave_runs()
        bench.context.select_stage(chosen.label)
        return
    listed = bench.listed
    if listed is None or listed.kind.name != chosen.kind:
        await bench.listing.opened(chosen.kind)
        listed = bench.listed
    if listed is None:
        return
    pane = listed.pane
    if pane.showing:
        listed.back()
    if pane.grid.model.index_of(chosen.key) is None:
        pane.filter("")
    pane.grid.marks = frozenset()
    pane.grid.cursor_key = chosen.key
    if listed.kind.has_logs:
        listed.view("log")
    bench.frame.show()
