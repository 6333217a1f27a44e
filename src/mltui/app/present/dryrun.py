"""What a run would do: what runs and why, what is cached, what depends, how long it takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mltui.app.present.line import EMPTY, Line, Part, line, wrapped
from mltui.app.present.story import about
from mltui.text.glyphs import glyph, unicode_ok
from mltui.text.width import cell_width, fit

if TYPE_CHECKING:
    from mltui.runs.dryrun import Planned

_GLYPHS = {"run": "running", "cached": "cached", "depends": "waiting"}
MAX_LINES = 24


def dry_run_lines(found: Sequence[Planned], width: int) -> list[Line]:
    """A sum and a line a stage; nobody has to press a key to know what Enter will do."""
    unicode = unicode_ok()
    names = min(max((cell_width(p.instance.label) for p in found), default=4), 24)
    lines: list[Line] = [line((_sum(found), "strong")), EMPTY]
    for planned in found[:MAX_LINES]:
        will = glyph(_GLYPHS.get(planned.will, "unknown"), unicode=unicode)
        role = "accent" if planned.will == "run" else "dim"
        took = f"about {about(planned.estimate_s)}" if planned.estimate_s else ""
        reason = (
            f"{planned.will}, {planned.because}" if planned.will == "cached" else planned.because
        )
        reason = f"depends {reason}" if planned.will == "depends" else reason
        room = width - names - 6 - 12
        before = " " * (names + 4)
        first, *rest = wrapped(reason, room + len(before), "dim", before) or [EMPTY]
        parts: list[Part] = [
            (f"{will} ", role),
            (fit(planned.instance.label, names), "" if planned.will == "run" else "dim"),
            (f"  {fit(first.text.strip(), room)}", "dim"),
            (f"  {took:>10}", ""),
        ]
        lines += [Line(tuple(parts)), *rest]
    if len(found) > MAX_LINES:
        lines.append(line((f"  … and {len(found) - MAX_LINES} more", "dim")))
    remarks: list[Line] = []
    for planned in found:
        if planned.more_rounds:
            rounds = "round" if planned.more_rounds == 1 else "rounds"
            gate = f"the gate on {planned.instance.stage} may ask for up to"
            remarks += wrapped(f"{gate} {planned.more_rounds} more {rounds}", width, "dim")
    return [*lines, EMPTY, *remarks] if remarks else lines


def _sum(found: Sequence[Planned]) -> str:
    counts = {will: sum(p.will == will for p in found) for will in _GLYPHS}
    words = []
    if counts["run"]:
        words.append(f"{counts['run']} to run")
    if counts["cached"]:
        words.append(f"{counts['cached']} cached")
    if counts["depends"]:
        words.append(f"{counts['depends']} depend on what these leave")
    text = ", ".join(words) or "nothing to do"
    if len(words) == 1 and counts["cached"]:
        text = f"nothing to compute: all {counts['cached']} are cached"
    known = [p.estimate_s for p in found if p.will != "cached"]
    if known and all(each is not None for each in known):
        text += f"; about {about(sum(each or 0.0 for each in known))}"
    elif any(known):
        text += f"; more than {about(sum(each or 0.0 for each in known))}"
    return text
