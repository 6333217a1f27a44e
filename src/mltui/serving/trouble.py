"""What went wrong with a deployment's replicas of late, and how long that makes it wait.

Held by the keeper; told by the fleet. A version whose replicas never get healthy is given back, one
that served and dies is replaced ever later.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

TRIES = 3
"""Replicas of a version that never got healthy until the version is given back."""
MAX_BACKOFF_S = 30.0


class Trouble:
    """Failures and crashes of one deployment. `wake` is called when waiting is over."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._failures: dict[int, int] = {}
        """Version → replicas that never got healthy, in a row."""
        self._why: dict[int, str] = {}
        """Version → why the last of these did not."""
        self.crashes = 0
        self._not_before = 0.0
        self.reason = ""
        """Of what went wrong last."""

    @property
    def is_waiting(self) -> bool:
        """Nothing is to be started yet."""
        return time.monotonic() < self._not_before

    def is_given_up(self, version: int) -> bool:
        """Whether enough of its replicas were tried."""
        return self._failures.get(version, 0) >= TRIES

    def why(self, version: int) -> str:
        """Why a version is given up, whatever else has happened since."""
        return self._why.get(version) or "its replicas do not get healthy"

    def failed(self, version: int, reason: str) -> None:
        """A replica never got healthy."""
        self.reason = self._why[version] = reason
        self._failures[version] = self._failures.get(version, 0) + 1
        self._back_off(self._failures[version])
        self._wake()

    def is_hopeless(self, version: int, reason: str) -> None:
        """None of its replicas can even begin."""
        self.reason = self._why[version] = reason
        self._failures[version] = TRIES
        self._wake()

    def crashed(self, reason: str) -> None:
        """It served and died: replaced at once, then ever later while that goes on."""
        self.reason = reason
        self.crashes += 1
        if self.crashes > 1:
            self._back_off(self.crashes - 1)
        self._wake()

    def is_well(self) -> None:
        """All that is wanted serves: of what was wrong only crashes are remembered."""
        if not self.crashes:
            self.reason = ""

    def lasts(self) -> None:
        """One has served for long: what was is over."""
        self.crashes, self.reason = 0, ""

    def settled(self) -> None:
        """The wanted version serves."""
        self._failures.clear()
        self._why.clear()

    def clear(self) -> None:
        """Something else is wanted."""
        self.lasts()
        self._not_before = 0.0
        self._failures.clear()
        self._why.clear()

    def _back_off(self, times: int) -> None:
        pause_s = min(MAX_BACKOFF_S, 0.25 * 2 ** min(times, 10))
        self._not_before = time.monotonic() + pause_s
        asyncio.get_running_loop().call_later(pause_s, self._wake)
