"""Where in a log somebody wants to be who types a time, a line's number or a share."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from mltui.errors import UsageError
from mltui.logs.times import local_offset_s, read_when
from mltui.text import format_count

if TYPE_CHECKING:
    from mltui.app.widgets.logscene import LogScene

_PLACE = re.compile(r"(?:(?:line\s*|#)(?P<line>[\d,]{1,15})|(?P<share>\d{1,3})\s*%)")


def go_to(scene: LogScene, text: str) -> None:
    """Have a time, a line by its number or a share of the log on top. UsageError: it is none."""
    place = _PLACE.fullmatch(text)
    if place is None:
        _go_to_time(scene, text)
        return
    share, count = place["share"], scene.index.line_count
    if share is not None:
        scene.view.set_follow(False)
        scene.view.go(scene.index.end * min(int(share), 100) // 100)
        return
    number = int(place["line"].replace(",", "") or 0)
    if number > count:
        raise UsageError(f"this log has {format_count(count)} lines so far")
    scene.view.set_follow(False)
    scene.go_to_line(number - 1)


def _go_to_time(scene: LogScene, text: str) -> None:
    at = read_when(text, time.time(), local_offset_s())
    if at is None:
        raise UsageError(
            f"{text!r} is no time: 14:02, 14:02:09, 10m ago, 2026-11-25T14:02; or line 1200, 50%"
        )
    if not scene.go_to_time(at):
        raise UsageError("the lines of this log say no times")
