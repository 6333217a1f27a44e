"""A widget that shows lines, with or without a cursor, and repaints only those that changed.

Every pane that is not a grid or a log is one of these: a presenter makes the lines, `show` compares
them with what is on screen. Textual re-sends a whole dirty region, so a line is the unit.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from mltui.app.present.line import EMPTY, OWN, Line, Part
from mltui.app.widgets.paint import changed_spans
from mltui.app.widgets.roles import RoleStyles
from mltui.text.glyphs import in_ascii, unicode_ok


def paint(
    line: Line, width: int, styles: RoleStyles, base: Style, *, unicode: bool = True
) -> Strip:
    """A line as a strip of exactly `width` cells, in the terminal's alphabet."""
    base = styles.on(base, line.band)
    parts = line.laid_out(width)
    if not unicode:
        parts = [(in_ascii(text), role) for text, role in parts]
    segments = [
        Segment(text, base + Style.parse(role[1:]) if role[:1] == OWN else styles.on(base, role))
        for text, role in parts
    ]
    return Strip(segments, width).adjust_cell_length(width, base)


def _bare(parts: Iterable[Part]) -> tuple[Part, ...]:
    return tuple((text, "") for text, _ in parts)


class OneLine(Widget):
    """One line of the screen, with places that can be clicked."""

    can_focus = False
    ALLOW_SELECT = False
    DEFAULT_CSS = "OneLine { height: 1; width: 1fr; }"

    @dataclass
    class Clicked(Message):
        """A place on the line was clicked."""

        line: OneLine
        name: str

        @property
        def control(self) -> OneLine:
            """The line, for `@on` selectors."""
            return self.line

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._line = EMPTY
        self._places: Sequence[tuple[int, int, str]] = ()
        self._styles = RoleStyles(self)
        self._unicode = unicode_ok()
        self._painted: Strip | None = None

    @property
    def line(self) -> Line:
        """What is shown."""
        return self._line

    def show(self, line: Line, places: Sequence[tuple[int, int, str]] = ()) -> None:
        """Show a line; nothing is painted when it reads the same."""
        self._places = places
        if line == self._line:
            return
        before = self._painted
        self._line, self._painted = line, None
        if before is None or not self.is_attached or before.cell_length != self.size.width:
            self.refresh()
            return
        self._painted = self._strip()
        self.refresh(*(Region(x, 0, w, 1) for x, w in changed_spans(before, self._painted)))

    def _strip(self) -> Strip:
        width, base = self.size.width, self.rich_style
        return paint(self._line, width, self._styles, base, unicode=self._unicode)

    def render_line(self, y: int) -> Strip:
        """The line."""
        if y:
            return Strip.blank(self.size.width, self.rich_style)
        self._painted = self._strip()
        return self._painted

    def notify_style_update(self) -> None:
        """The theme changed."""
        self._painted = None
        self._styles.clear()
        super().notify_style_update()

    def on_click(self, event: events.Click) -> None:
        """Say which place was clicked."""
        for start, end, name in self._places:
            if start <= event.x < end:
                self.post_message(self.Clicked(self, name))
                return


class LineView(ScrollView, can_focus=True):
    """Lines of text. With `has_cursor`, one of the lines that have a key is current."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    LineView {
        height: 1fr; width: 1fr; background: $background; color: $foreground;
        overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1;
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "cursor(-1)", "Up", show=False),
        Binding("down,j", "cursor(1)", "Down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "edge(-1)", "First", show=False),
        Binding("end,G", "edge(1)", "Last", show=False),
    ]

    @dataclass
    class Said(Message):
        """What a view says."""

        view: LineView

        @property
        def control(self) -> LineView:
            """The view, for `@on` selectors."""
            return self.view

    @dataclass
    class Moved(Said):
        """The cursor is on another line."""

        key: Hashable

    @dataclass
    class Opened(Said):
        """The line under the cursor was clicked again: it should open."""

        key: Hashable

    class Widened(Said):
        """It has another width: lines that were broken to fit can be broken anew."""

    def __init__(
        self,
        lines: Sequence[Line] = (),
        *,
        has_cursor: bool = False,
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        self.has_cursor = has_cursor
        self._lines: list[Line] = list(lines)
        self._strips: dict[int, Strip] = {}
        self._width = 0
        self._styles = RoleStyles(self)
        self._unicode = unicode_ok()
        self._cursor: Hashable | None = None
        self._row = -1
        self.virtual_size = Size(0, len(self._lines))

    # --- what is shown ------------------------------------------------------------------------

    @property
    def lines(self) -> list[Line]:
        """The lines, top to bottom."""
        return self._lines

    @property
    def cursor(self) -> Hashable | None:
        """The key of the current line."""
        return self._cursor

    def show(self, lines: Sequence[Line], cursor: Hashable | None = None) -> None:
        """Show these lines; `cursor` moves to that key, otherwise it stays with its own."""
        new, old = list(lines), self._lines
        wanted = cursor if cursor is not None else self._cursor
        row = self._find(new, wanted)
        changed = [y for y in range(min(len(new), len(old))) if new[y] != old[y]]
        self._lines = new
        for y in changed:
            self._strips.pop(y, None)
        if len(new) != len(old):
            for y in range(min(len(new), len(old)), max(len(new), len(old))):
                self._strips.pop(y, None)
                changed.append(y)
            self.virtual_size = Size(0, len(new))
        if self.has_cursor:
            before = self._row
            self._row = row
            self._cursor = new[row].key if row >= 0 else None
            if before != row:
                changed += [before, row]
                self._follow()
        self._repaint(changed)

    def _find(self, lines: list[Line], key: Hashable | None) -> int:
        keyed = [y for y, line in enumerate(lines) if line.key is not None]
        if not keyed:
            return -1
        if key is not None:
            for y in keyed:
                if lines[y].key == key:
                    return y
        return min(keyed, key=lambda y: abs(y - max(self._row, 0)))

    def _repaint(self, rows: Sequence[int]) -> None:
        if not self.is_attached:
            return
        top, height = self.scroll_offset.y, self.size.height
        width = max(self.size.width, 1)
        visible = sorted({y - top for y in rows if top <= y < top + height})
        if not visible:
            return
        if len(visible) > max(height // 2, 1):
            self.refresh()
            return
        start = previous = visible[0]
        for y in [*visible[1:], -1]:
            if y == previous + 1:
                previous = y
                continue
            self.refresh(Region(0, start, width, previous - start + 1))
            start = previous = y

    # --- painting -----------------------------------------------------------------------------

    def notify_style_update(self) -> None:
        """Forget painted lines when the theme changes."""
        self._strips = {}
        self._styles.clear()
        super().notify_style_update()

    def on_resize(self) -> None:
        """Forget painted lines when their width changes."""
        self._strips = {}
        if self.size.width != self._width:
            self._width = self.size.width
            self.post_message(self.Widened(self))

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        row = y + self.scroll_offset.y
        width = self.scrollable_content_region.width
        if self.has_cursor and row == self._row < len(self._lines):
            role = "cursor" if self.has_focus else "cursor-blurred"
            look = self._styles.part(role)
            line = self._lines[row]
            if look.reverse or look.color is not None:
                # A cursor with a foreground of its own is one bar, not a patchwork of roles.
                line = replace(line, left=_bare(line.left), right=_bare(line.right))
            base = self.rich_style + look
            return paint(line, width, self._styles, base, unicode=self._unicode)
        strip = self._strips.get(row)
        if strip is None or strip.cell_length != width:
            strip = self._strip(self._lines[row] if row < len(self._lines) else EMPTY, width)
            if len(self._strips) > 512:
                self._strips = {}
            self._strips[row] = strip
        return strip

    def _strip(self, line: Line, width: int) -> Strip:
        return paint(line, width, self._styles, self.rich_style, unicode=self._unicode)

    # --- moving -------------------------------------------------------------------------------

    def action_cursor(self, step: int) -> None:
        """Move the cursor, or scroll where there is none."""
        if not self.has_cursor:
            self.scroll_relative(y=step, animate=False)
            return
        self._go(self._row, step)

    def action_page(self, direction: int) -> None:
        """A page up or down."""
        page = max(self.size.height - 1, 1)
        if not self.has_cursor:
            self.scroll_relative(y=direction * page, animate=False)
            return
        target = min(max(self._row + direction * page, 0), len(self._lines) - 1)
        self._go(target - direction, direction) or self._go(target + direction, -direction)

    def action_edge(self, direction: int) -> None:
        """To the first or the last line."""
        if not self.has_cursor:
            self.scroll_to(y=0 if direction < 0 else self.max_scroll_y, animate=False)
        elif direction < 0:
            self._go(-1, 1)
        else:
            self._go(len(self._lines), -1)

    def _go(self, start: int, step: int) -> bool:
        row = start + step
        while 0 <= row < len(self._lines) and self._lines[row].key is None:
            row += step
        if not 0 <= row < len(self._lines):
            if step < 0:
                self.scroll_to(y=0, animate=False)  # the heading above the first line
            return False
        self.move_to(row)
        return True

    def move_to(self, row: int) -> None:
        """Put the cursor on this line and say so, if it can be there."""
        if row == self._row or not 0 <= row < len(self._lines) or self._lines[row].key is None:
            return
        before, self._row = self._row, row
        self._cursor = self._lines[row].key
        self._follow()
        self._repaint([before, row])
        self.post_message(self.Moved(self, self._cursor))

    def _follow(self) -> None:
        """Scroll as little as it takes to have the cursor's line on screen."""
        height = self.size.height
        if self._row < 0 or height <= 0:
            return
        top = self.scroll_offset.y
        if self._row < top:
            self.scroll_to(y=max(self._row - 1, 0), animate=False)
        elif self._row >= top + height:
            self.scroll_to(y=self._row - height + 1, animate=False)

    def on_click(self, event: events.Click) -> None:
        """A click puts the cursor there; a click on the cursor opens."""
        if not self.has_cursor:
            return
        row = event.y + self.scroll_offset.y
        if row == self._row:
            self.post_message(self.Opened(self, self._cursor))
        else:
            self.move_to(row)

    def on_focus(self) -> None:
        """The cursor looks different with the focus."""
        self._repaint([self._row])

    def on_blur(self) -> None:
        """And without it."""
        self._repaint([self._row])
