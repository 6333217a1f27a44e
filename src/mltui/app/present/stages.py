"""What each line of the stage list says, in the cells it has.

Narrow lists drop columns, never the state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mltui.app.present.entries import Entry, path_text
from mltui.app.present.facts import Facts
from mltui.app.present.line import Line, Part
from mltui.app.present.moment import Moment, clock_time, short_duration
from mltui.app.present.need import main_metric, short_need
from mltui.app.runview import ACTIVE, RunView
from mltui.pipeline.rows import StageRow, State, Verdict
from mltui.text.format import format_bytes, format_clock, format_duration, format_number
from mltui.text.glyphs import glyph, mark
from mltui.text.width import cell_width, fit, shorten_middle

_OPTIONAL = ("state", "tries", "memory", "cpu", "started", "key")
_TITLES = {
    "round": "round",
    "note": "gate",
    "time": "time",
    "state": "state",
    "tries": "tries",
    "memory": "memory",
    "cpu": "cpu",
    "started": "started",
    "key": "key",
}
_LEAST_NAME = 16
"""A name keeps at least so many cells before a column is added."""


def stage_lines(
    found: list[Entry], view: RunView, facts: Facts, width: int, moment: Moment
) -> list[Line]:
    """The entries as lines of `width` cells, their columns as wide as their content."""
    cells = [_cells(entry, view, facts, moment, width >= 56) for entry in found]
    columns = _columns(cells, width - 1)
    if "state" in columns:
        cells = [_without_echo(dict(each)) for each in cells]
    longest = max((e.depth * 2 + cell_width(e.title) for e in found if e.row), default=0)
    width -= 1  # a blank before whatever stands to the right
    spare = width - 4 - sum(size + 2 for size in columns.values()) - longest
    # Names stay near their figures on a wide screen: eyes travel badly over empty cells.
    name_width = width - 4 - sum(size + 2 for size in columns.values()) - max(spare - 4, 0)
    lines: list[Line] = []
    for entry, values in zip(found, cells, strict=True):
        if entry.kind == "section":
            lines.append(_section(entry, columns, name_width, labelled=not lines))
        else:
            lines.append(
                _line(_timed(entry, facts, moment), values, columns, name_width, view, moment)
            )
    return lines


def _timed(entry: Entry, facts: Facts, moment: Moment) -> Entry:
    """A monitor's line says when it is due, which changes with the clock."""
    if entry.mark != "monitor" or facts.serving is None:
        return entry
    from mltui.app.present.serving import monitor_status

    found = monitor_status(facts.serving.monitors[entry.title], moment.now)
    note = facts.expected.get(entry.title) or found.note
    return replace(entry, mark=found.mark, role=found.role, note=note)


def _cells(
    entry: Entry, view: RunView, facts: Facts, moment: Moment, roomy: bool
) -> Mapping[str, Part]:
    row = entry.row
    if row is None:
        return {}
    cells: dict[str, Part] = {}
    if row.path:
        cells["round"] = (f"~{path_text(row)}", "" if row.round > 1 else "dim")
    note = _note(entry, row, facts, moment)
    if note[0]:
        cells["note"] = note
    pending = view.pending.get(row.instance)
    cells["time"] = (pending, "accent") if pending else _time(row, facts, moment, roomy)
    cells["state"] = (row.state.value, _role(row))
    if row.attempt > 1:
        cells["tries"] = (str(row.attempt), "state-warning")
    if row.usage.peak_memory_bytes is not None:
        cells["memory"] = (format_bytes(row.usage.peak_memory_bytes), "dim")
    if row.usage.cpu_s is not None:
        cells["cpu"] = (format_duration(row.usage.cpu_s), "dim")
    if row.started_at is not None:
        cells["started"] = (clock_time(row.started_at), "dim")
    if row.key:
        cells["key"] = (row.key.removeprefix("sha256:")[:8], "dim")
    return cells


def _note(entry: Entry, row: StageRow, facts: Facts, moment: Moment) -> Part:
    if row.state is State.FAILED and row.failure is not None:
        return row.failure.value, "state-failed"
    if entry.note:
        return entry.note, "dim"
    if row.state is State.PENDING and row.reason:
        return "waits", "state-warning"
    gate = facts.gate(row.stage)
    if gate is not None or row.gate is not None:
        metric = main_metric(gate) if gate is not None else next(iter(row.metrics), None)
        value = row.metrics.get(metric) if metric else None
        if row.gate is not None and value is not None:
            passed = row.gate is Verdict.PASSED
            sign = glyph("succeeded" if passed else "failed", unicode=moment.unicode)
            role = "dim" if passed else "state-warning"
            return f"{sign} {format_number(value)}", role
        if gate is not None:
            return short_need(gate, facts.params, unicode=moment.unicode), "dim"
    curve = facts.curves.get(row.instance)
    if curve and row.state is State.RUNNING and moment.unicode:
        from mltui.app.widgets.curve import sparkline

        return sparkline(list(curve), 8), "accent"
    return ("stale", "state-warning") if row.stale else ("", "")


def _time(row: StageRow, facts: Facts, moment: Moment, roomy: bool) -> Part:
    if row.state in ACTIVE and row.started_at is not None:
        what = "build " if row.state is State.BUILDING and not roomy else ""
        return what + format_clock(moment.now - row.started_at), "state-running"
    if row.state is State.CACHED:
        return "cached", "dim"
    if row.state in (State.SUCCEEDED, State.FAILED) and row.started_at is not None:
        ended = row.ended_at if row.ended_at is not None else moment.now
        return format_duration(ended - row.started_at), "" if row.state.is_done else _role(row)
    if row.state in (State.PENDING, State.READY):
        expected = facts.expected_s(row.stage)
        if expected is not None and expected >= 1 and roomy:
            return f"about {short_duration(expected)}", "stale"
    return ("" if roomy else row.state.value), _role(row)


def _role(row: StageRow) -> str:
    return mark(row.state.value).role


def _columns(cells: list[Mapping[str, Part]], width: int) -> dict[str, int]:
    """Which columns there are, in order, and how wide."""

    def widest(name: str) -> int:
        return max((cell_width(c[name][0]) for c in cells if name in c), default=0)

    columns = {"round": widest("round"), "note": min(widest("note"), 14 if width < 56 else 24)}
    columns["time"] = max(widest("time"), 6)
    if not columns["round"]:
        del columns["round"]
    if not columns["note"]:
        del columns["note"]
    room = width - 4 - _LEAST_NAME - sum(size + 2 for size in columns.values())
    for name in _OPTIONAL:
        size = max(widest(name), len(_TITLES[name]) if widest(name) else 0)
        if size and size + 2 <= room:
            columns[name] = size
            room -= size + 2
    if "state" in columns:  # beside the time, as the word that belongs to it
        size = columns.pop("state")
        order = list(columns)
        place = order.index("time")
        columns = {
            name: (size if name == "state" else columns[name])
            for name in (*order[:place], "state", *order[place:])
        }
    return columns


def _without_echo(cells: dict[str, Part]) -> dict[str, Part]:
    """The time's cell says what the state is where there is no column for that."""
    if cells.get("time", ("", ""))[0] == cells.get("state", ("", ""))[0]:
        cells["time"] = ("", "")
    return cells


_LEFT = frozenset({"state", "note", "key"})


def _section(entry: Entry, columns: Mapping[str, int], name_width: int, labelled: bool) -> Line:
    if not labelled or not any(name in columns for name in _OPTIONAL):
        return Line(((f" {entry.title}", "section"),))
    text = fit(f" {entry.title}", name_width + 4)
    for name, size in columns.items():
        align = "left" if name in _LEFT else "right"
        label = _TITLES[name] if len(_TITLES[name]) <= size else ""
        text += "  " + fit(label, size, align="left" if align == "left" else "right")
    return Line(((text, "section"),))


def _line(
    entry: Entry,
    values: Mapping[str, Part],
    columns: Mapping[str, int],
    name_width: int,
    view: RunView,
    moment: Moment,
) -> Line:
    indent = "  " * entry.depth
    row = entry.row
    if entry.kind == "more":
        return Line(((f"   {indent}  … {entry.title}", "dim"),), key=entry.key)
    if row is None and entry.mark:
        shape = mark(entry.mark)
        sign = shape.glyph if moment.unicode else shape.ascii
        note = entry.note if moment.unicode else entry.note.replace("·", "-")
        shown_as = (sign, entry.role or shape.role)
        return Line(
            ((" ", ""), shown_as, (" ", ""), (entry.title, "")),
            ((f"{note} ", entry.role),),
            entry.key,
        )
    if row is None:
        waiting = glyph("waiting", unicode=moment.unicode)
        note = f"{entry.note} · not deployed" if entry.note else "not deployed"
        if name_width + sum(columns.values()) < 40:
            note = "not deployed"
        note = note if moment.unicode else note.replace("·", "-")
        left = ((f" {waiting} {entry.title}", "dim"),)
        return Line(left, ((f"{note} ", "stale"),), entry.key)
    state = "running" if row.instance in view.pending else row.state.value
    shape = mark(state)
    fold = ""
    if entry.fold or (entry.fold is not None and entry.note):
        fold = ("▾" if entry.fold else "▸") if moment.unicode else ("v" if entry.fold else ">")
    title = shorten_middle(entry.title, name_width - len(indent) - (2 if fold else 0))
    name = indent + title
    faded = row.state in (State.PENDING, State.READY, State.SKIPPED)
    role = "dim" if faded else ("strong" if row.state in ACTIVE else "")
    if row.state is State.FAILED:
        role = "state-failed"
    shown = (shape.glyph if moment.unicode else shape.ascii, shape.role)
    parts: list[Part] = [(" ", ""), shown, (" ", ""), (name, role)]
    parts.append((fit(f" {fold}" if fold else "", name_width + 1 - cell_width(name)), "dim"))
    for column, size in columns.items():
        text, cell_role = values.get(column, ("", ""))
        align = "left" if column in _LEFT else "right"
        cell = fit(text, size, align="left" if align == "left" else "right", shorten="end")
        parts.append((f"  {cell}", cell_role))
    return Line(tuple(parts), key=entry.key)
