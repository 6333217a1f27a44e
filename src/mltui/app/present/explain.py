"""The Explain pane: why it ran or was taken from the cache, part by part."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mltui.app.present.line import EMPTY, Line, Part, line, wrapped
from mltui.pipeline.rows import StageRow
from mltui.text.width import cell_width, fit, shorten_middle

if TYPE_CHECKING:
    from mltui.runs.explain import Change, Explanation


def explain_lines(found: Explanation, row: StageRow, width: int) -> list[Line]:
    """The sentence first, then what it rests on."""
    verb = "Cached" if found.cached else ("Ran" if row.attempt else "Not run")
    note = found.note or ("its key is new" if not found.cached else "")
    role = "" if found.cached or not row.attempt else "strong"
    lines = wrapped(f"{verb}: {note}" if note else verb, width - 1, role, " ")
    if found.compared and not found.cached:
        lines.append(line((f" compared with {found.compared}", "dim")))
    if found.stale:
        lines += wrapped(f"stale: {found.stale}", width - 1, "state-warning", " ")
    if found.because:
        lines.append(EMPTY)
        size = min(max(cell_width(change.part) for change in found.because), 24)
        for change in found.because:
            lines += _change(change, size, width)
    if row.key:
        lines += [EMPTY, line((" key  ", "dim"), (row.key[:16], "dim"))]
    if found.remarks:
        lines.append(EMPTY)
        for remark in found.remarks:
            lines += wrapped(remark, width - 1, "dim", " ")
    return lines


def _change(change: Change, size: int, width: int) -> list[Line]:
    """`params.c   1 → 10`; what is long goes on two lines."""
    name = (f" {fit(change.part, size)}  ", "strong")
    before = change.before if change.before is not None else "not there"
    after = change.after if change.after is not None else "not there"
    room = width - size - 5
    lines: list[Line] = []
    if cell_width(before) + cell_width(after) + 3 <= room:
        parts: tuple[Part, ...] = (name, (before, "dim"), (" → ", "dim"), (after, "accent"))
        lines.append(Line(parts))
    else:
        indent = " " * (size + 3)
        lines.append(Line((name, (shorten_middle(" ".join(before.split()), room), "dim"))))
        lines.append(
            Line(
                ((f"{indent}→ ", "dim"), (shorten_middle(" ".join(after.split()), room), "accent"))
            )
        )
    for detail in change.detail[:20]:
        lines.append(line((f"{' ' * (size + 3)}{detail}", "")))
    if len(change.detail) > 20:
        more = f"… and {len(change.detail) - 20} more"
        lines.append(line((f"{' ' * (size + 3)}{more}", "dim")))
    return lines
