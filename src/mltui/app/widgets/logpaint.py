"""The rows of one line of a log as strips: its colours kept, hits and selection marked.

`LogScene` asks for the lines of a page; only those are decoded, and some pages of them kept. What
stands above a line (a restart, a loss) and below it (what is folded) are rows of the line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import lru_cache

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.selection import Selection
from textual.strip import Strip

from mltui.app.widgets.logbody import LineBody, Times
from mltui.app.widgets.paint import LineBuilder
from mltui.app.widgets.roles import RoleStyles
from mltui.logs.fold import Fold
from mltui.logs.lines import Lines
from mltui.logs.sanitize import PLAIN, Colour, Sgr, Span
from mltui.text import format_count, shorten_end

_KEPT_LINES = 1000
_MAX_HITS = 200  # marked in one line
_MAX_INNER = 200  # lines of a field

Hit = tuple[int, int, str]  # first and last (left out) character, role
Below = Callable[[int], tuple[Fold, int, bool]]


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
    """Rows of lines of *lines*; `clear` when styles or what is marked change."""

    def __init__(self, lines: Lines, roles: RoleStyles, body: LineBody) -> None:
        self.lines = lines
        self.body = body
        self.patterns: tuple[tuple[re.Pattern[bytes], str], ...] = ()
        """Whose matches are marked, and how; where two meet the first one is."""
        self.current: int | None = None
        """The line of the hit gone to last; it stands out."""
        self.chosen: tuple[int, int] | None = None
        """First and last line of what the keyboard selects."""
        self.below: Below | None = None
        """What is folded below a line."""
        self.marks: Callable[[int], Sequence[str]] = lambda line: ()
        """What is said above a line."""
        self.bare: Collection[int] = ()
        """Lines of which that alone is shown."""
        self.is_beside: Callable[[int], bool] = lambda line: False
        """Whether a line is shown for those around it only."""
        self.opened: set[int] = set()
        """Lines of which a field of several lines is shown whole."""
        self.opens_all = False
        """It is of every line."""
        self._deep: set[int] = set()
        self.base = Style.null()
        self.width = 0
        self.wrap = False
        self.left = 0
        """Cells that lines are moved to the left, where they don't wrap."""
        self.unicode = True
        self._roles = roles
        self._rows: dict[int, list[Strip]] = {}
        self._lengths: dict[int, int] = {}

    def clear(self) -> None:
        """Forget all lines."""
        self._rows.clear()
        self._deep.clear()
        self._lengths.clear()

    def forget_from(self, line: int) -> None:
        """This line and those after it may read otherwise now."""
        for known in [each for each in self._rows if each >= line]:
            del self._rows[known]

    def forget(self, line: int) -> None:
        """This line may read otherwise now."""
        self._rows.pop(line, None)

    def rows_of(self, line: int) -> int:
        """Rows that *line* takes."""
        return len(self.rows(line))

    def length(self, line: int) -> int:
        """Cells of all of *line*."""
        self.rows(line)
        return self._lengths.get(line, 0)

    def prefetch(self, wanted: Sequence[int]) -> None:
        """Read these lines at once where they are not known."""
        missing = [line for line in wanted if line not in self._rows]
        if not missing:
            return
        self._make_room()
        missing = [line for line in wanted if line not in self._rows]
        for line, raw in zip(missing, self.lines.read(missing), strict=True):
            self._rows[line] = self._painted(line, raw)

    def _make_room(self) -> None:
        if len(self._rows) > _KEPT_LINES:
            self.clear()

    def rows(self, line: int, selection: Selection | None = None) -> list[Strip]:
        """*line* as rows of the page's width. With a *selection* that touches it, that is shown."""
        if selection is not None and (span := selection.get_span(line)) is not None:
            return self._paint(line, self.lines.read([line])[0], span)
        found = self._rows.get(line)
        if found is None:
            self._make_room()
            found = self._rows[line] = self._painted(line, self.lines.read([line])[0])
        return found

    def _painted(self, line: int, raw: bytes) -> list[Strip]:
        if self.body.measure(raw):
            self._rows.clear()  # columns have moved
        return self._paint(line, raw)

    def text(self, line: int, raw: bytes) -> str:
        """What *line* reads like, without colours."""
        prefix = "".join(text for text, _ in self._prefix(line, raw))
        return prefix + "".join(span.text for span in self.body.text(raw)[0])

    def heading(self) -> Strip:
        """The names of columns, above the page."""
        builder = LineBuilder()
        builder.add(self.body.heading(), self._roles.on(self.base, "header"))
        strip = builder.strip()
        return strip.crop(self.left, self.left + self.width).extend_cell_length(
            self.width, self.base
        )

    def is_deep(self, line: int) -> bool:
        """Whether *line* has a field of several lines, folded or not."""
        self.rows(line)
        return line in self._deep

    def mark_rows(self, line: int) -> int:
        """Rows above the line's own."""
        return len(self.marks(line))

    def _prefix(self, line: int, raw: bytes) -> list[tuple[str, str]]:
        above = None
        if self.body.times is Times.SINCE:
            before = self.lines.previous(line)
            if before is not None:
                above = self.body.time_of(before, self.lines.read([before])[0])
        return self.body.prefix(line, raw, above)

    def _paint(self, line: int, raw: bytes, selected: tuple[int, int] | None = None) -> list[Strip]:
        spans, marks = self.body.text(raw)
        base = self.base
        chosen = self.chosen
        if chosen is not None and chosen[0] <= line <= chosen[1]:
            base = self._roles.on(base, "selected")
        elif line == self.current:
            base = self._roles.on(base, "cursor")
        if self.is_beside(line):
            base, marks = self._roles.on(base, "dim"), []
        hits: list[Hit] = marks
        if self.patterns:
            text = "".join(span.text for span in spans)
            hits = self._hits(text, line == self.current, marks)
        builder = LineBuilder()
        prefix = self._prefix(line, raw)
        shift = sum(len(text) for text, _ in prefix)
        if selected is not None:
            start, end = selected
            size = shift + sum(len(span.text) for span in spans)
            hits = [(start, size if end < 0 else end, "selected")]
            spans = [Span("".join(text for text, _ in prefix), PLAIN), *spans]
        else:
            for text, role in prefix:
                builder.add(text, self._roles.on(base, role))
        for text, sgr, role in _split(spans, hits):
            style = base if sgr is PLAIN or sgr == PLAIN else base + sgr_style(sgr)
            builder.add(text, self._roles.on(style, role))
        strip = builder.strip()
        if not strip.cell_length:
            strip = Strip([Segment("", base)], 0)
        self._lengths[line] = strip.cell_length
        rows = self._laid_out(line, strip, base)
        if line not in self.bare:
            rows += self._inner_rows(line, raw, base)
        return rows

    def _inner_rows(self, line: int, raw: bytes, base: Style) -> list[Strip]:
        """The lines of a field that has several, or how many there are."""
        name, lines = self.body.inner(raw)
        if not lines:
            return []
        self._deep.add(line)
        if not self.opens_all and line not in self.opened:
            return [self._note(f"{format_count(len(lines))} lines of {name}", base)]
        rows = []
        for text in lines[:_MAX_INNER]:
            builder = LineBuilder()
            builder.add(f"   {text}", base)
            rows.append(self._cut(builder.strip(), self.width, base))
        if len(lines) > _MAX_INNER:
            rows.append(self._note(f"{format_count(len(lines) - _MAX_INNER)} lines more", base))
        return rows

    def _note(self, words: str, base: Style) -> Strip:
        """What is folded below a line, and the key that unfolds it."""
        width = self.width
        words = f"   {'┆' if self.unicode else ':'} {words}"
        hint = next((f"{' ' * gap}Enter unfolds" for gap in (3, 2, 1)
                     if len(words) + gap + 13 <= width), "")  # fmt: skip
        note = LineBuilder()
        note.add(self._shorten(words + hint, width), self._roles.on(base, "dim"))
        note.pad(width, base)
        return note.strip()

    def _hits(self, text: str, is_current: bool, marks: list[Hit]) -> list[Hit]:
        """What stands out in a line: what is searched for, then other words, then its level."""
        found: list[Hit] = []
        for pattern, role in self.patterns:
            if role == "match" and is_current:
                role = "match-current"
            found += _beside(found, [(*each, role) for each in _matches(pattern, text)])
        return sorted([*found, *_beside(found, marks)])

    def _laid_out(self, line: int, strip: Strip, base: Style) -> list[Strip]:
        width, roles = max(self.width, 1), self._roles
        rows = [self._rule(words, width) for words in self.marks(line)]
        if line in self.bare:
            return rows
        fold, count, more = (Fold.NOT, 0, False) if self.below is None else self.below(line)
        again = ""
        if fold is Fold.AGAIN:
            sign = "×" if self.unicode else "x"
            again = f"  {sign}{format_count(count + 1)}{'+' if more else ''}"
        if self.wrap:
            for at in range(0, max(strip.cell_length, 1), width):
                rows.append(strip.crop(at, at + width).extend_cell_length(width, base))
        else:
            rows.append(self._cut(strip, width - len(again), base))
        if again:
            last = rows[-1].crop(0, width - len(again))
            rows[-1] = Strip([*last, Segment(again, roles.on(base, "state-warning"))], width)
        if fold is Fold.FRAME:
            lines = f"{format_count(count)}{'+' if more else ''} line{'s' * (count != 1)}"
            rows.append(self._note(f"{lines} of traceback", base))
        return rows

    def _cut(self, strip: Strip, width: int, base: Style) -> Strip:
        """What of a line is in sight; a sign in the last column where it goes on."""
        if strip.cell_length <= self.left + width or width < 2:
            return strip.crop(self.left, self.left + width).extend_cell_length(width, base)
        shown = strip.crop(self.left, self.left + width - 1).extend_cell_length(width - 1, base)
        sign = Segment("›" if self.unicode else ">", self._roles.on(base, "accent"))
        return Strip([*shown, sign], width)

    def _shorten(self, text: str, width: int) -> str:
        return shorten_end(text, width, ellipsis="…" if self.unicode else "~")

    def _rule(self, words: str, width: int) -> Strip:
        """`── restarted (attempt 3) ─────`."""
        bar = "─" if self.unicode else "-"
        builder = LineBuilder()
        role = "state-warning" if "loss" in words else "accent"
        builder.add(f"{bar * 2} ", self._roles.on(self.base, "stale"))
        builder.add(self._shorten(words, max(width - 4, 0)), self._roles.on(self.base, role))
        builder.add(" ", self.base)
        builder.add(bar * max(width - builder.width, 0), self._roles.on(self.base, "stale"))
        return builder.strip().crop(0, width)


def _beside(taken: list[Hit], more: list[Hit]) -> list[Hit]:
    """Those of *more* that touch none of *taken*."""
    if not taken:
        return more
    return [
        each for each in more if all(each[1] <= start or end <= each[0] for start, end, _ in taken)
    ]


def _matches(pattern: re.Pattern[bytes], text: str) -> list[tuple[int, int]]:
    """Character ranges of *pattern* in *text*; the pattern is over its UTF-8."""
    data = text.encode("utf-8", "replace")
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
