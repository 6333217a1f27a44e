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
    scene.next_match(forward=step > 0)


def _next_error(pane: LogPane, scene: LogScene, step: int) -> None:
    scene.next_error(forward=step > 0)


def _scroll(pane: LogPane, scene: LogScene, rows: int) -> None:
    if scene.selecting.is_on:
        scene.selecting.move(rows)
    else:
        scene.view.set_follow(False)
        scene.view.scroll(rows)


def _page(pane: LogPane, scene: LogScene, pages: int) -> None:
    _scroll(pane, scene, pages * max(scene.view.height - 1, 1))


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
    scene.set_times(order[(order.index(scene.line_body.times) + 1) % len(order)])
    _say(pane, f"times: {scene.line_body.times}")


def _fields(pane: LogPane, scene: LogScene, step: int) -> None:
    scene.line_body.fields = not scene.line_body.fields
    scene.relayout()
    _say(pane, "objects as fields" if scene.line_body.fields else "objects as they were written")


def _clear_filters(pane: LogPane, scene: LogScene, step: int) -> None:
    scene.set_filters(())


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
    """End the selection, else the search, else the filters; False: there is nothing to end."""
    if scene.selecting.is_on:
        scene.selecting.end()
    elif scene.pattern:
        scene.clear_search()
    elif scene.filters:
        scene.set_filters(())
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


ACTS: dict[str, Act] = {
    "next_match": _next_match,
    "next_error": _next_error,
    "scroll": _scroll,
    "page": _page,
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
}
