"""Ctrl-C while a run is followed: the first leaves the run alone, the second cancels it.

A handler that only counts, so that nothing is torn out of the middle of a transaction or a line.
"""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any

GRACE_S = 2.0
"""How long a second Ctrl-C still means: cancel the run."""


class Interrupts:
    """Counts SIGINT inside a `with`."""

    def __init__(self) -> None:
        self.count = 0
        self._before: Any = None
        self._is_ours = False

    def __enter__(self) -> Interrupts:
        # Handlers can be set by the main thread only; elsewhere nobody presses Ctrl-C either.
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._note)
            self._is_ours = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._is_ours:
            signal.signal(signal.SIGINT, self._before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.count += 1

    def again(self) -> bool:
        """Wait for a second one, as long as it counts."""
        until = time.monotonic() + GRACE_S
        while self.count < 2 and time.monotonic() < until:
            time.sleep(0.02)
        return self.count >= 2
