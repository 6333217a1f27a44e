"""A machine that is busy for longer than a timer takes: what waits for it comes all the same."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from textual import _time

from mltui.runs.project import Project

from .driver import Driver


class Clock:
    """Between the first two looks of the timer `late` at it, five seconds pass."""

    def __init__(self) -> None:
        self._lag: Iterator[float] = iter((5.0,))

    def get_time(self) -> float:
        task = asyncio.current_task()
        is_late = task is not None and task.get_name() == "late"
        return _time.get_time() - (next(self._lag, 0.0) if is_late else 0.0)


async def test_a_timer_that_is_late_still_comes(
    fresh: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Driver.open(fresh) as screen:
        came = asyncio.Event()
        monkeypatch.setattr("textual.timer._time", Clock())
        screen.app.set_timer(0.008, came.set, name="late")
        await asyncio.wait_for(came.wait(), 60)
