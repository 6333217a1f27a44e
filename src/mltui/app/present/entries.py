"""The stage list: which lines there are, from top to bottom.

One line a stage, with its newest round; older rounds and `for_each` items unfold below it. What
each line says stands in `stages`.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from mltui.app.present.facts import Facts
from mltui.app.present.moment import short_duration
from mltui.app.runview import ACTIVE, RunView
from mltui.pipeline.rows import StageRow, State

PHASES = ("data", "training", "inference")
SHOWN_ITEMS = 6
"""So many items of a `for_each` stage unfold by themselves when some failed or run."""

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


@dataclass(slots=True)
class Folding:
    """What a person unfolded or folded; everything else follows the rule below."""

    unfolded: dict[str, bool] = field(default_factory=dict)

    def is_open(self, stage: str, default: bool) -> bool:
        """Whether the lines below a stage are shown."""
        return self.unfolded.get(stage, default)


def entries(view: RunView, facts: Facts, folding: Folding, needle: str = "") -> list[Entry]:
    """The lines of the list, top to bottom."""
    sections: dict[str, list[Entry]] = {phase: [] for phase in PHASES}
    for stage, rounds in view.stages().items():
        lines = _of_stage(view, facts, folding, stage, rounds, needle)
        if lines:
            sections.setdefault(rounds[-1].phase, []).extend(lines)
    sections["inference"].extend(_served(facts, needle))
    found: list[Entry] = []
    for phase, lines in sections.items():
        if lines:
            found.append(Entry("section", None, phase.upper()))
            found.extend(lines)
    return found


def _served(facts: Facts, needle: str) -> list[Entry]:
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
        if needle in name:
            found.append(
                Entry("service", ("service", name), name, note=note, mark=mark_, role=role)
            )
    for name in monitors:
        note, mark_ = "", ""
        if serving is not None and name in serving.monitors:
            mark_ = "monitor"
        elif spec is not None:
            note = f"every {short_duration(spec.monitors[name].every_s)}"
        if needle in name:
            found.append(Entry("monitor", ("monitor", name), name, note=note, mark=mark_))
    return found


def _of_stage(
    view: RunView,
    facts: Facts,
    folding: Folding,
    stage: str,
    rounds: list[StageRow],
    needle: str,
) -> list[Entry]:
    newest = rounds[-1]
    items = view.items(newest)
    matching = [row for row in items if needle and needle in f"{stage}[{row.item}]"]
    if needle and needle not in stage and not matching:
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
