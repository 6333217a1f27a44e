"""What the keys of a log pane do to what it shows. `LogPane.action_do` looks them up here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mltui.app.widgets.logbody import Times
from mltui.app.widgets.logkeys import LogSaid

if TYPE_CHECKING:
    from mltui.app.widgets.logpane import LogPane
    from mltui.app.widgets.logscene import LogScene

Act = Callable[["LogPane", "LogScene", int], None]


def _say(pane: LogPane, words: str) -> None:
    pane.post_message(LogSaid(words))


def _next_match(pane: LogPane, scene: LogScene, step: int) -> None:
    if not scene.finding.next_match(forward=step > 0):
        _say(pane, "nothing is searched for: / begins")


def _next_error(pane: LogPane, scene: LogScene, step: int) -> None:
    scene.finding.next_error(forward=step > 0)


def _scroll(pane: LogPane, scene: LogScene, rows: int) -> None:
    if scene.selecting.is_on:
        scene.selecting.move(rows)
    else:
        scene.view.set_follow(False)
        scene.view.scroll(rows)


def _page(pane: LogPane, scene: LogScene, pages: int) -> None:
    _scroll(pane, scene, pages * max(scene.view.height - 1, 1))


def _half(pane: LogPane, scene: LogScene, halves: int) -> None:
    _scroll(pane, scene, halves * max(scene.view.height // 2, 1))


def _first(pane: LogPane, scene: LogScene, step: int) -> None:
    if scene.rows and scene.rows[0] == (0, 0) and not scene.view.follow:
        pane.action_ask("whole")  # there may be more on the host
    scene.view.set_follow(False)
    scene.view.go(0)


def _follow(pane: LogPane, scene: LogScene, step: int) -> None:
    scene.selecting.end()
    scene.view.set_follow(True)


def _sideways(pane: LogPane, scene: LogScene, halves: int) -> None:
    scene.sideways(halves * max(scene.painter.width // 2, 1))


def _wrap(pane: LogPane, scene: LogScene, step: int) -> None:
    scene.set_wrap(not scene.painter.wrap)


def _fold(pane: LogPane, scene: LogScene, step: int) -> None:
    scene.set_folding(not scene.is_folding)
    _say(pane, "traces and repeated lines are folded" if scene.is_folding else "nothing is folded")


def _unfold(pane: LogPane, scene: LogScene, step: int) -> None:
    line = scene.foldable()
    if line is None or not scene.toggle_fold(line):
        _say(pane, "nothing on this page is folded")


def _times(pane: LogPane, scene: LogScene, step: int) -> None:
    order = tuple(Times)
    profile = scene.histogram.profile
    if profile.is_done and all(each.at is None for each in profile.samples):
        scene.set_times(Times.WRITTEN)
        _say(pane, "its lines have no times")
        return
    scene.set_times(order[(order.index(scene.line_body.times) + 1) % len(order)])
    _say(pane, f"times: {scene.line_body.times}")


def _fields(pane: LogPane, scene: LogScene, step: int) -> None:
    scene.set_fields(not scene.are_fields)
    _say(pane, "objects as fields" if scene.line_body.fields else "objects as they were written")


def _clear_filters(pane: LogPane, scene: LogScene, step: int) -> None:
    scene.set_filters(())


def _context(pane: LogPane, scene: LogScene, step: int) -> None:
    if not scene.filters:
        _say(pane, "there is no filter: all lines are shown")
        return
    places = [each for each in _CONTEXTS if (each - scene.context) * step > 0]
    if places:
        scene.set_context(places[0] if step > 0 else places[-1])
    around = f"{scene.context} line{'s' * (scene.context != 1)} around"
    _say(pane, f"with {around} each" if scene.context else "without the lines around")


def _select(pane: LogPane, scene: LogScene, step: int) -> None:
    if scene.selecting.is_on:
        scene.selecting.end()
    else:
        scene.selecting.begin()


def _histogram(pane: LogPane, scene: LogScene, step: int) -> None:
    pane.toggle_histogram()


def _bar(pane: LogPane, scene: LogScene, step: int) -> None:
    top = scene.rows[0].line if scene.rows else 0
    place = scene.histogram.step(top, step > 0, scene.painter.width)
    if place is not None:
        scene.view.set_follow(False)
        scene.view.go(place)


def step_back(scene: LogScene) -> bool:
    """End the selection, the search, the last filter or words that stand out; False: none is."""
    if scene.selecting.is_on:
        scene.selecting.end()
    elif scene.finding.pattern:
        scene.finding.clear()
    elif scene.filters:
        scene.set_filters(scene.filters[:-1])
    elif scene.finding.highlights:
        scene.finding.highlight(())
    else:
        return False
    return True


def click(scene: LogScene, x: int, row: int, histogram_row: int) -> bool:
    """A bar of the histogram leads to its lines; a note of a fold unfolds it. False: nothing."""
    if scene.has_histogram and row == histogram_row:
        place = scene.histogram.place(x, scene.painter.width)
        if place is None:
            return False
        scene.view.set_follow(False)
        scene.view.go(place)
        return True
    if not 0 <= row < len(scene.rows):
        return False
    line, part = scene.rows[row]
    is_note = part and part == scene.painter.rows_of(line) - 1
    return bool(is_note) and scene.has_fold(line) and scene.toggle_fold(line)


_CONTEXTS = (0, 1, 3, 10, 30)
"""Lines around each that passes."""

ACTS: dict[str, Act] = {
    "next_match": _next_match,
    "next_error": _next_error,
    "scroll": _scroll,
    "page": _page,
    "half": _half,
    "first": _first,
    "follow": _follow,
    "sideways": _sideways,
    "wrap": _wrap,
    "fold": _fold,
    "unfold": _unfold,
    "times": _times,
    "fields": _fields,
    "clear_filters": _clear_filters,
    "select": _select,
    "histogram": _histogram,
    "bar": _bar,
    "context": _context,
}
