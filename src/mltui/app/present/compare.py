"""Runs side by side, as lines: what differs, section by section, a column a run."""

from __future__ import annotations

from collections.abc import Sequence

from mltui.app.present.line import EMPTY, Line, Part, line, wrapped
from mltui.logs.sanitize import safe
from mltui.runs.compare import Comparison, Row, cell
from mltui.runs.curves import Curves
from mltui.text.width import cell_width, fit

_TITLES = {
    "run": "Run",
    "params": "Params",
    "metrics": "Metrics",
    "code": "Code",
    "environments": "Environments",
    "inputs": "Inputs",
    "outputs": "Outputs",
    "durations": "Time",
}
_LEAST = 8
_HIGH = 10
"""Lines of a plot."""
_ROLES = tuple(f"source-{number}" for number in range(1, 7))
"""Of curves, by their place; a letter at the end of each tells them apart without colours."""


def compare_lines(found: Comparison, width: int, *, everything: bool, unicode: bool) -> list[Line]:
    """The comparison. `everything`: also what is the same in all runs."""
    rows = [row for row in found.rows if everything or not row.is_same]
    if not rows:
        return [line((" these runs are the same in all that is compared", ""))]
    count = len(found.runs)
    shown = {id(row): [_text(row, place, unicode) for place in range(count)] for row in rows}
    names = max(cell_width(row.name) for row in rows)
    columns = [
        max([len(f"run {run.number}"), *(cell_width(shown[id(row)][place]) for row in rows)])
        for place, run in enumerate(found.runs)
    ]
    name_width = min(names, max(_LEAST, width // 3))
    room = max(_LEAST, (width - name_width - 2) // count - 2)
    columns = [min(size, room) for size in columns]
    heads = "".join(
        "  " + fit(f"run {run.number}", size) for run, size in zip(found.runs, columns, strict=True)
    )
    lines = [line((" " * (name_width + 1), ""), (heads, "strong"))]
    section = ""
    for row in rows:
        if row.section != section:
            section = row.section
            lines += [EMPTY, line((f" {_TITLES[section]}", "section"))]
        parts: list[Part] = [(f" {fit(row.name, name_width)}", "" if not row.is_same else "dim")]
        for place, size in enumerate(columns):
            role = "strong" if row.best == place else "dim" if row.is_same else ""
            parts.append((f"  {fit(shown[id(row)][place], size, shorten='end')}", role))
        lines.append(Line(tuple(parts)))
        for detail in row.detail[:8]:
            lines += wrapped(safe(detail), width - 2, "dim", "     ")
        if len(row.detail) > 8:
            lines.append(line((f"     and {len(row.detail) - 8} more", "dim")))
    return lines


def curve_lines(
    found: Sequence[Curves], numbers: Sequence[int], width: int, *, unicode: bool
) -> list[Line]:
    """The curves of these runs, those of one metric over one another; a role and a letter a run."""
    from mltui.app.widgets.curve import overlay

    lines: list[Line] = []
    for one in found:
        if lines:
            lines.append(EMPTY)
        runs = [number for number in numbers if number in one.by_run]
        legend: list[Part] = [(f" {safe(one.name)}", "section")]
        for place, number in enumerate(runs):
            legend += [(f"   {chr(97 + place)} ", _ROLES[place % len(_ROLES)])]
            legend += [(f"run {number}", "")]
        lines.append(Line(tuple(legend)))
        drawn = overlay(
            [one.by_run[number] for number in runs], min(width - 2, 100), _HIGH, unicode=unicode
        )
        for pieces in drawn:
            parts: list[Part] = [(" ", "")]
            parts += [
                (text, "dim" if owner is None else _ROLES[owner % len(_ROLES)])
                for text, owner in pieces
            ]
            lines.append(Line(tuple(parts)))
    return lines


def _text(row: Row, place: int, unicode: bool) -> str:
    text = safe(cell(row, place))
    return text if unicode else text.replace("–", "-")
