"""The stage list: which lines there are, from top to bottom.

One line a stage, with its newest round; older rounds and `for_each` items unfold below it. What
each line says stands in `stages`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mltui.app.present.facts import Facts
from mltui.app.present.moment import short_duration
from mltui.app.runview import ACTIVE, RunView
from mltui.pipeline.rows import StageRow, State

if TYPE_CHECKING:
    from mltui.live.cells import Column

PHASES = ("data", "training", "inference")
SHOWN_ITEMS = 6
"""So many items of a `for_each` stage unfold by themselves when some failed or run."""

Fits = Callable[[str, str, str], bool]
"""Whether a name, a state and a phase are what a person asked for."""
Key = tuple[str, ...]
"""What the cursor is on: ("stage", name), ("item", name, item), ("round", name, path) …"""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line before it has cells."""

    kind: str
    """section, stage, item, round, more, service or monitor."""
    key: Key | None
    title: str
    row: StageRow | None = None
    depth: int = 0
    fold: bool | None = None
    """Whether what is below it is unfolded; None: there is nothing below."""
    note: str = ""
    mark: str = ""
    """Of a service or monitor that was deployed: its glyph's name."""
    role: str = ""


@dataclass(frozen=True, slots=True)
class _Listed:
    """What filters ask of stages; a bare word is a name or a state."""

    columns: tuple[Column[tuple[str, str, str]], ...]

    @property
    def text(self) -> Callable[[tuple[str, str, str]], str]:
        """Not the phase: `train` is a stage and no phase."""
        return lambda each: f"{each[0]}\n{each[1]}"


@dataclass(slots=True)
class Folding:
    """What a person unfolded or folded; everything else follows the rule below."""

    unfolded: dict[str, bool] = field(default_factory=dict)

    def is_open(self, stage: str, default: bool) -> bool:
        """Whether the lines below a stage are shown."""
        return self.unfolded.get(stage, default)


def entries(view: RunView, facts: Facts, folding: Folding, needle: str = "") -> list[Entry]:
    """The lines of the list, top to bottom; with a `needle`, those that fit (`live.matching`)."""
    fits = _fitting(needle)
    sections: dict[str, list[Entry]] = {phase: [] for phase in PHASES}
    for stage, rounds in view.stages().items():
        lines = _of_stage(view, facts, folding, stage, rounds, fits)
        if lines:
            sections.setdefault(rounds[-1].phase, []).extend(lines)
    sections["inference"].extend(_served(facts, fits))
    found: list[Entry] = []
    for phase, lines in sections.items():
        if lines:
            found.append(Entry("section", None, phase.upper()))
            found.extend(lines)
    return found


def _fitting(needle: str) -> Fits | None:
    """None: everything fits."""
    if not needle:
        return None
    from mltui.live.cells import Column
    from mltui.live.matching import matcher

    columns = (
        Column[tuple[str, str, str]]("name", "stage", lambda each: each[0]),
        Column[tuple[str, str, str]]("state", "state", lambda each: each[1]),
        Column[tuple[str, str, str]]("phase", "phase", lambda each: each[2]),
    )
    keep = matcher(needle, _Listed(columns))
    return None if keep is None else lambda *each: keep(each)


def _served(facts: Facts, fits: Fits | None) -> list[Entry]:
    """Services and monitors: those of the file, and those that still run without it."""
    spec, serving = facts.spec, facts.serving
    services = dict.fromkeys(
        [*(spec.services if spec else ()), *(serving.services if serving else ())]
    )
    monitors = dict.fromkeys(
        [*(spec.monitors if spec else ()), *(serving.monitors if serving else ())]
    )
    found = []
    for name in services:
        note, mark_, role = "", "", ""
        if serving is not None and name in serving.services:
            from mltui.app.present.serving import service_status

            status = service_status(serving.services[name], facts.expected.get(name, ""))
            mark_, role, note = status
        elif spec is not None and spec.services[name].replicas > 1:
            note = f"{spec.services[name].replicas} replicas"
        if fits is None or fits(name, mark_ or "not deployed", "inference"):
            found.append(
                Entry("service", ("service", name), name, note=note, mark=mark_, role=role)
            )
    for name in monitors:
        note, mark_ = "", ""
        if serving is not None and name in serving.monitors:
            mark_ = "monitor"
        elif spec is not None:
            note = f"every {short_duration(spec.monitors[name].every_s)}"
        if fits is None or fits(name, mark_ or "not deployed", "inference"):
            found.append(Entry("monitor", ("monitor", name), name, note=note, mark=mark_))
    return found


def _of_stage(
    view: RunView,
    facts: Facts,
    folding: Folding,
    stage: str,
    rounds: list[StageRow],
    fits: Fits | None,
) -> list[Entry]:
    newest = rounds[-1]
    items = view.items(newest)
    matching = []
    if fits is not None:
        matching = [
            row for row in items if fits(f"{stage}[{row.item}]", row.state.value, row.phase)
        ]
        if not matching and not fits(stage, newest.state.value, newest.phase):
            return []
    key = ("stage", stage)
    if items:
        urgent = [row for row in items if _is_urgent(row)]
        is_open = folding.is_open(stage, bool(urgent) or bool(matching))
        done = sum(row.state.is_done for row in items)
        lines = [Entry("stage", key, stage, newest, fold=is_open, note=f"{done}/{len(items)}")]
        if is_open:
            shown = matching or _shown_items(items, urgent, chosen=stage in folding.unfolded)
            lines += [
                Entry("item", ("item", stage, row.item or ""), row.item or "", row, depth=1)
                for row in shown
            ]
            if len(shown) < len(items):
                more = f"{len(items) - len(shown)} more"
                lines.append(Entry("more", ("more", stage), more, depth=1))
        return lines
    if len(rounds) == 1:
        return [Entry("stage", key, stage, newest)]
    is_open = folding.is_open(stage, False)
    lines = [Entry("stage", key, stage, newest, fold=is_open)]
    if is_open:
        lines += [
            Entry(
                "round", ("round", stage, path_text(row)), f"round {path_text(row)}", row, depth=1
            )
            for row in reversed(rounds[:-1])
        ]
    return lines


def _shown_items(items: list[StageRow], urgent: list[StageRow], chosen: bool) -> list[StageRow]:
    if chosen or len(items) <= SHOWN_ITEMS:
        return items
    return urgent[:SHOWN_ITEMS]


def _is_urgent(row: StageRow) -> bool:
    return row.state in ACTIVE or row.state in (State.FAILED, State.UNKNOWN)


def row_of(view: RunView, key: Hashable | None) -> StageRow | None:
    """The row that a line of the list stands for."""
    if not isinstance(key, tuple) or len(key) < 2:
        return None
    kind, stage = key[0], key[1]
    newest = view.newest(stage)
    if kind in ("stage", "more") or newest is None:
        return newest if kind in ("stage", "more") else None
    if kind == "item":
        return next((row for row in view.items(newest) if row.item == key[2]), None)
    if kind == "round":
        return next((row for row in view.rounds(stage) if path_text(row) == key[2]), None)
    return None


def key_of(view: RunView, row: StageRow) -> Key:
    """The line that stands for a row."""
    if row.item is not None:
        return ("item", row.stage, row.item)
    newest = view.newest(row.stage)
    if newest is not None and newest.path != row.path:
        return ("round", row.stage, path_text(row))
    return ("stage", row.stage)


def path_text(row: StageRow) -> str:
    """The rounds of the loops around it: `2`, `2:1`."""
    return ":".join(map(str, row.path))
