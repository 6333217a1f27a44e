"""Words and figures as they appear on a line: glyphs, widths, durations, sizes.

Both the screen and the CLI show the same states and the same numbers, and the CLI must not pay
for importing a screen library; so this package needs only the standard library, and of it nothing
that takes milliseconds: `dataclasses` (with `inspect`) and `typing` would each take as long as
`mltui ls` has to start. A test holds that.
"""

from __future__ import annotations

from mltui.text.format import (
    format_age,
    format_bytes,
    format_clock,
    format_count,
    format_duration,
    format_number,
)
from mltui.text.glyphs import MARKS, Mark, glyph, mark, unicode_ok
from mltui.text.width import cell_width, fit, printable, shorten_end, shorten_middle

__all__ = [
    "MARKS",
    "Mark",
    "cell_width",
    "fit",
    "format_age",
    "format_bytes",
    "format_clock",
    "format_count",
    "format_duration",
    "format_number",
    "glyph",
    "mark",
    "printable",
    "shorten_end",
    "shorten_middle",
    "unicode_ok",
]
