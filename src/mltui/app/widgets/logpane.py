"""`LogPane`: a log file of any length, followed for the price of its new lines.

The owner gives it a `LogIndex` and calls `wake` when the file changed; the pane reads in bounded
steps, paints at most ten times a second, and does nothing at all when nothing changed. What needs
more than the pane (typing, other programs) it asks its screen for with `LogWanted`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from time import monotonic
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.geometry import Region
from textual.selection import Selection
from textual.strip import Strip

from mltui.app.widgets.logacts import ACTS, click, step_back
from mltui.app.widgets.logkeys import BINDINGS, LogKeyed, LogWanted
from mltui.app.widgets.logscene import LogScene
from mltui.app.widgets.logtitle import NOTHING, LogStatus, title_line
from mltui.app.widgets.logview import FollowStyle
from mltui.app.widgets.paint import LineBuilder, changed_width
from mltui.app.widgets.roles import RoleStyles
from mltui.logs.lines import Log
from mltui.logs.times import TimeReader
from mltui.text import shorten_end, unicode_ok

__all__ = ["LogPane", "LogStatus"]

FRAME_S = 0.1
"""Shortest time between two repaints."""

_BREATH_S = 0.001  # between steps: others have the loop
_ANSWER_S = 0.03  # after a key, that its answer is painted first …
_CALM_S = 0.01  # … where nobody waits for what they find
_FLOOD_S = 0.25  # … when each shows a whole new page: nobody reads ten pages a second
_TITLE_S = 1.0  # what waits needn't be counted as fast as it comes …
_FOLLOWED_TITLE_S = 5.0  # … and the lines that are seen to come even less: it doubles their price
_WHEEL_ROWS = 3
_LEAST_ROWS = 8  # fewer, and the histogram would take too much of the page


class LogPane(LogKeyed):
    """A title line and a page of one log: follow, search, filter, fold, move by time."""

    can_focus = True
    DEFAULT_CSS = "LogPane { height: 1fr; width: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [*BINDINGS]

    def __init__(
        self,
        index: Log | None = None,
        *,
        title: str = "",
        show_title: bool = True,
        empty: str = "no output yet",
        follow_style: FollowStyle = "page",
        unicode: bool | None = None,
        histogram: bool = False,
        id: str | None = None,  # noqa: A002 - Textual's name
        classes: str | None = None,
    ) -> None:
        """A pane on *index*, which it closes; *unicode* None asks the locale."""
        super().__init__(id=id, classes=classes)
        self.title = title
        """Whose log it is."""
        self.target = ""
        """How `mltui logs` calls it: `train~3.2 --run 14`; empty: it doesn't know it."""
        self.status_changed: Callable[[LogStatus], None] = lambda status: None
        """Called when what a title says is different, before the frame in which the page is; late
        by seconds where lines just arrive."""
        self._show_title = show_title
        self._empty = empty
        self._unicode = unicode_ok() if unicode is None else unicode
        self._roles = RoleStyles(self)
        self._follow_style = follow_style
        self._wants_histogram = histogram
        self._scene: LogScene | None = None
        self._generation = 0
        self._painted: list[Strip] = []
        self._painted_for: tuple[object, ...] = ()
        self._scheduled = self._title_due = False
        self._stepped_at = self._painted_at = self._told_at = 0.0
        self._told: LogStatus | None = None
        self._new_lines = 0
        self._open(index)

    def _open(self, index: Log | None, offset_s: float = 0.0) -> None:
        old = self._scene
        self._scene = None
        if index is not None:
            times = TimeReader(time.time(), offset_s)
            self._scene = scene = LogScene(index, self._roles, self._follow_style, times)
            scene.painter.unicode = self._unicode
            if old is not None:  # how the person wants logs to be shown
                scene.take_over(old)
        self._generation += 1

    def set_index(
        self, index: Log | None, title: str = "", *, target: str = "", offset_s: float = 0.0
    ) -> None:
        """Show another log from its end, following it. The one shown before is closed.

        *offset_s*: what its stamps without a zone are ahead of UTC.
        """
        if self.index is not None and self.index is not index:
            self.index.close()
        self.title, self.target = title, target
        self._open(index, offset_s)
        self._sync()
        self.wake()

    @property
    def index(self) -> Log | None:
        """The log that is shown."""
        return None if self._scene is None else self._scene.index

    @property
    def scene(self) -> LogScene | None:
        """What is shown of it."""
        return self._scene

    def wake(self) -> None:
        """The file changed, or may have: read it soon. Cheap; call it as often as you like."""
        if not self._scheduled and self._scene is not None and self.is_running:
            self._schedule(self._stepped_at + FRAME_S - monotonic())

    @property
    def is_reading(self) -> bool:
        """Whether a step is due; while it is False nothing runs until the next `wake` or key."""
        return self._scheduled

    @property
    def status(self) -> LogStatus:
        """What is shown, as of now."""
        return self._scene.status() if self._scene is not None else NOTHING

    @property
    def follow(self) -> bool:
        """Whether new lines are shown as they come."""
        return self._scene is not None and self._scene.view.follow

    @follow.setter
    def follow(self, follow: bool) -> None:
        if self._scene is not None:
            self._scene.view.set_follow(follow)
            self._sync()

    def search(self, pattern: str) -> None:
        """Mark what matches *pattern* and go to the first such line from the page's top on.

        Raises PatternError (its message is for the person) and changes nothing then.
        """
        if self._scene is not None:
            self._scene.finding.search(pattern)
            self.changed()

    def go_to_line(self, number: int) -> None:
        """Put line *number* (from 1, bounded) on top and stay there."""
        if self._scene is not None:
            self._scene.view.set_follow(False)
            self._scene.go_to_line(number - 1)
            self._sync()

    def visible_text(self) -> str:
        """The lines on the page in full, for copying."""
        scene = self._scene
        if scene is None or not scene.rows:
            return ""
        return "\n".join(scene.selecting.text(scene.rows[0].line, scene.rows[-1].line + 1))

    def changed(self) -> None:
        """Something else is to be shown: answer at once, and see to the rest."""
        if self._scene is not None:
            self._scene.grow()
            self._scene.finding.step()
        self._sync()
        if not self._scheduled and self._scene is not None and self.is_running:
            self._schedule(0.0 if self._scene.is_urgent else _ANSWER_S)

    # reading

    def _schedule(self, delay_s: float) -> None:
        # call_later would be nearer, but a widget whose queue is never empty never yields the loop
        self._scheduled = True
        self.set_timer(max(delay_s, _BREATH_S), self._step)

    def _step(self) -> None:
        """One bounded piece of work: read, search, perhaps paint; and say when the next is due."""
        self._scheduled = False
        scene = self._scene
        if scene is None or not self.is_attached:
            return
        now = self._stepped_at = monotonic()
        self._prepare()
        came, went = scene.step()
        self._new_lines += max(came, 0)
        flood = scene.view.follow and self._new_lines > scene.view.height
        pause = _FLOOD_S if flood else FRAME_S if scene.is_busy else 0.0
        if went or now >= self._painted_at + pause:
            self._painted_at, self._new_lines = now, 0
            scene.grow()
            self._sync(by_time=not went)
            pause = 0.0
        if scene.is_busy:
            self._schedule(0.0 if scene.is_urgent else _CALM_S)
        elif pause:
            self._schedule(self._painted_at + pause - now)

    # painting

    def _signature(self) -> tuple[object, ...]:
        scene = self._scene
        is_long = scene is not None and scene.index.line_count > 2 * self.size.height
        heading = scene is not None and scene.has_heading
        return (self.size, self._generation, self.app.theme_variables, heading, is_long)

    def _prepare(self) -> None:
        """Bring sizes and styles up to date before lines are measured."""
        if not self.size or self._signature() == self._painted_for:
            return
        self._painted_for = self._signature()
        self._roles.clear()
        if self._scene is not None:
            width, height = self.size
            room = height - self._show_title - self._scene.has_heading
            is_long = bool(self._painted_for[-1])  # of a short log all is seen at once
            wanted = self._wants_histogram and is_long
            self._scene.has_histogram = wanted and room > _LEAST_ROWS
            self._scene.resize(width, room - self._scene.has_histogram, self.rich_style)
        self._painted = []
        self._told = None

    def _sync(self, *, by_time: bool = False) -> None:
        """Refresh the lines that read otherwise than what was painted last.

        *by_time*: nothing was asked for, lines just came; the title may lag then.
        """
        if not self.is_mounted or not self.size:
            return
        self._prepare()
        old = self._painted
        self._painted = self._lines(by_time)
        if len(old) != len(self._painted):
            self.refresh()
            return
        for y, (before, after) in enumerate(zip(old, self._painted, strict=True)):
            if width := changed_width(before, after):
                self.refresh(Region(0, y, width, 1))

    def _lines(self, by_time: bool) -> list[Strip]:
        width, height = self.size
        base, scene = self.rich_style, self._scene
        if scene is not None:
            scene.look()
        told = self._tell(by_time)
        lines: list[Strip] = []
        if self._show_title:
            status, unicode = self._told or self.status, self._unicode
            fresh = title_line(self.title, status, width, base, self._roles, unicode=unicode)
            lines.append(fresh if told or not self._painted else self._painted[0])
        if scene is not None and scene.has_histogram:
            if told or scene.histogram.is_due or len(self._painted) <= self._show_title:
                top = scene.rows[-1 if scene.view.follow else 0].line if scene.rows else 0
                line = scene.histogram.strip(top, width, base, self._roles, unicode=self._unicode)
            else:
                line = self._painted[self._show_title]
            lines.append(line)
        if scene is not None and scene.has_heading:
            lines.append(scene.painter.heading())
        if scene is not None and scene.rows:
            lines += scene.body(self.text_selection)
        elif len(lines) < height:
            empty = self._empty
            if scene is not None and scene.filters:
                empty = "no line passes" if not scene.is_busy else "no line passes yet"
            note = LineBuilder()
            note.add(shorten_end(empty, width), self._roles.on(base, "dim"))
            note.pad(width, base)
            lines.append(note.strip())
        blank = Strip.blank(width, base)
        return (lines + [blank] * (height - len(lines)))[:height]

    def _tell(self, by_time: bool) -> bool:
        """Hand over the status if it changed; False if that may wait and is seen to later."""
        status, told, now = self.status, self._told, monotonic()
        if status == told:
            return True
        late = self._told_at + (_FOLLOWED_TITLE_S if status.following else _TITLE_S) - now
        is_read = told is not None and told.read_share < 0.9 and status.read_share >= 1
        is_first = told is None or not told.line_count or (status.errors > 0 and not told.errors)
        is_read = is_read or (told is not None and status.counted and not told.counted)
        is_news = is_first or is_read or (told is not None and told.notice != status.notice)
        if by_time and late > 0 and not is_news:
            if not self._title_due:
                self._title_due = True
                self.set_timer(late, self._late_title)
            return False
        self._told, self._told_at = status, now
        self.status_changed(status)
        return True

    def _late_title(self) -> None:
        self._title_due = False
        self.wake()  # what came last may be in no bar yet

    @property
    def _above(self) -> int:
        """Lines above the page."""
        scene = self._scene
        if scene is None:
            return int(self._show_title)
        return self._show_title + scene.has_histogram + scene.has_heading

    def render_line(self, y: int) -> Strip:
        """One line, as Textual asks for it, with the offsets that selecting text needs."""
        if self._signature() != self._painted_for or len(self._painted) != self.size.height:
            self._prepare()
            self._painted = self._lines(by_time=False)
        if y >= len(self._painted):
            return Strip.blank(self.size.width)
        strip, number = self._painted[y], y - self._above
        scene = self._scene
        if scene is None or not 0 <= number < len(scene.rows):
            return strip
        row = scene.rows[number]
        return strip.apply_offsets(scene.offset(row), row.line)

    def notify_style_update(self) -> None:
        """Styles changed: what is painted is drawn anew when next asked for."""
        super().notify_style_update()
        self._generation += 1

    def selection_updated(self, selection: Selection | None) -> None:
        """The person selects text with the mouse."""
        self._sync()

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text, at most its first ten thousand lines."""
        return (
            None if self._scene is None else (self._scene.selecting.text_by_mouse(selection), "\n")
        )

    # keys and mouse

    def on_mount(self) -> None:
        """Read what is there."""
        self._schedule(0.0)

    def on_unmount(self) -> None:
        """Let go of the file and of what was read."""
        if self.index is not None:
            self.index.close()
        self._open(None)

    def action_ask(self, what: str) -> None:
        """Have the person type something."""
        self.post_message(LogWanted(self, what))

    def action_do(self, name: str, step: int = 0) -> None:
        """Move, search on, show otherwise."""
        if self._scene is not None:
            ACTS[name](self, self._scene, step)
            self.changed()

    do = action_do

    def back(self) -> bool:
        """One step back of what was asked here; False when there is none."""
        done = self._scene is not None and step_back(self._scene)
        if done:
            self.changed()
        return done

    def toggle_histogram(self) -> None:
        """Show lines and errors over time above the page, or don't."""
        self._wants_histogram = not self._wants_histogram
        self._generation += 1

    def on_click(self, event: events.Click) -> None:
        """A bar of the histogram leads to its lines; a note of a fold unfolds it."""
        scene, above = self._scene, self._above
        if scene is not None and self.text_selection is None:
            click(scene, event.x, event.y - above, self._show_title - above)
            self.changed()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Wheel: leave following and move."""
        event.stop()
        self.do("scroll", _WHEEL_ROWS)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Wheel: leave following and move."""
        event.stop()
        self.do("scroll", -_WHEEL_ROWS)
