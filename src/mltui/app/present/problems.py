"""A wrong `mltui.yaml`: every problem with its place and the line itself, ready to be mended."""

from __future__ import annotations

from collections.abc import Sequence

from mltui.app.present.line import EMPTY, Line, wrapped
from mltui.app.present.moment import Moment
from mltui.errors import Problem
from mltui.text.glyphs import glyph
from mltui.text.width import shorten_end


def problems(
    found: Sequence[Problem], text: str, width: int, moment: Moment, *, has_runs: bool
) -> list[Line]:
    """The problems, in the file's order; the old runs stay to be looked at."""
    count = "a problem" if len(found) == 1 else f"{len(found)} problems"
    sign = glyph("failed", unicode=moment.unicode)
    lines = [Line(((f" {sign} mltui.yaml has {count}", "state-failed"),)), EMPTY]
    source = text.splitlines()
    for number, problem in enumerate(found):
        place = problem.file
        if problem.line:
            place += f":{problem.line}:{problem.column}"
        lines.append(Line(((f"   {place}", "accent"),), key=("problem", str(number))))
        lines += wrapped(problem.message, width - 1, "", "   ")
        if 0 < problem.line <= len(source):
            written = source[problem.line - 1]
            indent = len(written) - len(written.lstrip())
            shown = shorten_end(written.strip(), width - 8)
            lines.append(Line(((f"     {shown}", "dim"),)))
            column = problem.column - 1 - indent
            if 0 <= column < width - 8:
                pointer = "^" if not moment.unicode else "▲"
                lines.append(Line(((" " * (5 + column) + pointer, "state-warning"),)))
        if problem.hint:
            lines += wrapped(problem.hint, width - 1, "good", "   ")
        lines.append(EMPTY)
    lines.append(Line((("   It is read again when you save it", "dim"),)))
    if has_runs:
        lines.append(Line((("   Earlier runs can still be looked at", "dim"),)))
    return lines
