"""One line of a log as a strip: its colours kept, hits and selection marked.

`LogPane` asks for the lines of a page; only those are decoded, and some pages of them kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.selection import Selection
from textual.strip import Strip

from mltui.app.widgets.paint import LineBuilder
from mltui.app.widgets.roles import RoleStyles
from mltui.logs.lines import Lines
from mltui.logs.sanitize import PLAIN, Colour, Sgr, Span, clean

_KEPT_LINES = 1000
_MAX_HITS = 200  # marked in one line

Hit = tuple[int, int, str]  # first and last (left out) character, role


@lru_cache(maxsize=512)
def sgr_style(sgr: Sgr) -> Style:
    """The Rich style of what SGR asked for."""
    return Style(
        color=_colour(sgr.fg),
        bgcolor=_colour(sgr.bg),
        bold=sgr.bold or None,
        dim=sgr.dim or None,
        italic=sgr.italic or None,
        underline=sgr.underline or None,
        reverse=sgr.reverse or None,
    )


def _colour(colour: Colour) -> Color | None:
    if colour is None:
        return None
    return Color.from_ansi(colour) if isinstance(colour, int) else Color.from_rgb(*colour)


class LinePainter:
    """Strips of whole lines of *lines*; `clear` when styles or what is marked change."""

    def __init__(self, lines: Lines, roles: RoleStyles) -> None:
        self.lines = lines
        self.pattern: re.Pattern[bytes] | None = None
        """Whose matches are marked."""
        self.current: int | None = None
        """The line of the hit gone to last; it stands out."""
        self.base = Style.null()
        self._roles = roles
        self._strips: dict[int, Strip] = {}

    def clear(self) -> None:
        """Forget all lines."""
        self._strips.clear()

    def forget(self, line: int) -> None:
        """This line may read otherwise now."""
        self._strips.pop(line, None)

    def forget_from(self, line: int) -> None:
        """This line and those after it may read otherwise now."""
        for known in [each for each in self._strips if each >= line]:
            del self._strips[known]

    def rows_of(self, line: int, width: int) -> int:
        """Rows that *line* takes when wrapped at *width* cells."""
        return max(-(-self.strip(line).cell_length // max(width, 1)), 1)

    def prefetch(self, wanted: Sequence[int]) -> None:
        """Read these lines at once where they are not known."""
        missing = [line for line in wanted if line not in self._strips]
        if not missing:
            return
        if len(self._strips) > _KEPT_LINES:
            self._strips.clear()
            missing = list(wanted)
        for line, raw in zip(missing, self.lines.read(missing), strict=True):
            self._strips[line] = self._paint(line, raw)

    def strip(self, line: int, selection: Selection | None = None) -> Strip:
        """All of *line*, unpadded. With a *selection* that touches it, that is shown too."""
        if selection is not None and (span := selection.get_span(line)) is not None:
            return self._paint(line, self.lines.read([line])[0], span)
        found = self._strips.get(line)
        if found is None:
            if len(self._strips) > _KEPT_LINES:
                self._strips.clear()
            found = self._strips[line] = self._paint(line, self.lines.read([line])[0])
        return found

    def _paint(self, line: int, raw: bytes, selected: tuple[int, int] | None = None) -> Strip:
        spans = clean(raw)
        base = self.base
        if line == self.current:
            base = self._roles.on(base, "cursor")
        hits: list[Hit] = []
        if self.pattern is not None:
            role = "match-current" if line == self.current else "match"
            text = "".join(span.text for span in spans)
            hits = [(start, end, role) for start, end in _matches(self.pattern, text)]
        if selected is not None:
            start, end = selected
            size = sum(len(span.text) for span in spans)
            hits = [(start, size if end < 0 else end, "selected")]
        builder = LineBuilder()
        for text, sgr, role in _split(spans, hits):
            style = base if sgr is PLAIN or sgr == PLAIN else base + sgr_style(sgr)
            builder.add(text, self._roles.on(style, role))
        strip = builder.strip()
        return strip if strip.cell_length else Strip([Segment("", base)], 0)


def _matches(pattern: re.Pattern[bytes], text: str) -> list[tuple[int, int]]:
    """Character ranges of *pattern* in *text*; the pattern is over its UTF-8."""
    data = text.encode()
    found: list[tuple[int, int]] = []
    for match in pattern.finditer(data):
        if match.end() > match.start():
            found.append(match.span())
            if len(found) == _MAX_HITS:
                break
    if len(data) != len(text):
        found = [
            (len(data[:start].decode("utf-8", "ignore")), len(data[:end].decode("utf-8", "ignore")))
            for start, end in found
        ]
    return found


def _split(spans: list[Span], hits: list[Hit]) -> Iterator[tuple[str, Sgr, str]]:
    """The spans cut where hits begin and end."""
    place, waiting = 0, iter(hits)
    start, end, role = next(waiting, (1 << 60, 1 << 60, ""))
    for text, sgr in spans:
        done = 0
        while done < len(text):
            here = place + done
            while here >= end:
                start, end, role = next(waiting, (1 << 60, 1 << 60, ""))
            inside = start <= here
            stop = min((end if inside else start) - place, len(text))
            yield text[done:stop], sgr, role if inside else ""
            done = stop
        place += len(text)
