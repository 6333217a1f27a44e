"""CPU, memory and network of the containers on screen, for a small and bounded price.

Called by `Feed`. Only rows that a screen says are visible are measured, each every few seconds by a
single reading over one of a few kept connections; the one whose curve is looked at is followed by
the second. For 30 running containers on two cores (Docker 20.10): a stream for each, as other tools
do, costs mltui 0.4 % and dockerd 2.2 % CPU, holds 30 connections and makes 28 readings a second;
readings as here 0.6 % and 1.3 %, rows included, over 8 connections, 8 a second, and a seventh of
the bytes over SSH. A daemon before 23.0 answers a reading at its next whole second, so several are
asked for at a time. Source: Docker Engine API, "Get container stats", and `docker stats`.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from mltui.errors import MltuiError
from mltui.live.daemon import Daemon

AT_A_TIME = 8
FIRST_AT_A_TIME = 32
"""First readings of what just came into sight: somebody looks at empty cells."""
EVERY_S = 3.0
KEPT = 300
"""Readings kept of a container: five minutes of a curve that is looked at."""
_ANSWER_S = 10.0
_AGAIN_S = 1.0


@dataclass(frozen=True, slots=True)
class Usage:
    """What a row shows, rounded to what is shown, so that noise is no change."""

    cpu_percent: float | None
    """Of one core: two busy cores are 200."""
    memory_bytes: int
    rx_bytes_s: int | None
    tx_bytes_s: int | None


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading, for curves. `at` is seconds since the epoch by the daemon's clock."""

    at: float
    cpu_s: float
    """Processor time so far."""
    cpu_percent: float | None
    memory_bytes: int
    rx_bytes: int
    tx_bytes: int
    rx_bytes_s: float | None
    tx_bytes_s: float | None

    @property
    def usage(self) -> Usage:
        """As a row shows it."""
        cpu = self.cpu_percent
        return Usage(
            None if cpu is None else round(cpu, 1 if cpu < 10 else 0),
            _rounded(self.memory_bytes, 3),
            None if self.rx_bytes_s is None else _rounded(self.rx_bytes_s, 2),
            None if self.tx_bytes_s is None else _rounded(self.tx_bytes_s, 2),
        )


def _rounded(value: float, digits: int) -> int:
    """A whole number with so many digits that say something."""
    whole = int(value)
    return round(whole, min(0, digits - len(str(abs(whole)))))


def read_sample(raw: Mapping[str, Any], before: Sample | None) -> Sample | None:
    """A reading of the API; None when the container did not run. `before` gives the rates."""
    from mltui.live.times import read_time

    at = read_time(raw.get("read"))
    cpu = (raw.get("cpu_stats") or {}).get("cpu_usage") or {}
    if at is None or not raw.get("memory_stats"):
        return None
    cpu_s = int(cpu.get("total_usage") or 0) / 1e9
    networks = (raw.get("networks") or {}).values()
    rx = sum(int(each.get("rx_bytes") or 0) for each in networks)
    tx = sum(int(each.get("tx_bytes") or 0) for each in networks)
    memory = _memory(raw["memory_stats"])
    rates: tuple[float | None, float | None, float | None] = (_first_rate(raw, at), None, None)
    if before is not None and at - before.at > 0.05 and cpu_s >= before.cpu_s:
        took = at - before.at
        rates = (
            100 * (cpu_s - before.cpu_s) / took,
            max(0, rx - before.rx_bytes) / took,
            max(0, tx - before.tx_bytes) / took,
        )
    return Sample(at, cpu_s, rates[0], memory, rx, tx, rates[1], rates[2])


def _first_rate(raw: Mapping[str, Any], at: float) -> float | None:
    """CPU percent of a reading for which the daemon itself took two."""
    from mltui.live.times import read_time

    before = read_time(raw.get("preread"))
    if before is None or at - before < 0.05:
        return None
    totals = [
        int(((raw.get(part) or {}).get("cpu_usage") or {}).get("total_usage") or 0)
        for part in ("precpu_stats", "cpu_stats")
    ]
    return max(0.0, 100 * (totals[1] - totals[0]) / 1e9 / (at - before))


def _memory(stats: Mapping[str, Any]) -> int:
    """Without the cache that the kernel can take back, as `docker stats` shows it."""
    usage = int(stats.get("usage") or 0)
    details = stats.get("stats") or {}
    cache = details.get("total_inactive_file", details.get("inactive_file", 0)) or 0
    return usage - int(cache) if int(cache) < usage else usage


class Stats:
    """Measures the containers that are watched. One for a feed."""

    def __init__(
        self,
        daemon: Daemon,
        runs: Callable[[str], bool],
        measured: Callable[[str, Usage], None],
    ) -> None:
        self._daemon = daemon
        self._runs, self._measured = runs, measured
        self._watched: frozenset[str] = frozenset()
        self._due: dict[str, float] = {}
        self._history: dict[str, deque[Sample]] = {}
        self._reading: dict[str, asyncio.Task[None]] = {}
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._focus: tuple[str, asyncio.Task[None]] | None = None

    def watch(self, keys: Collection[str]) -> None:
        """Measure these from now on, others no more. Nothing runs while there are none."""
        self._watched = frozenset(keys)
        self._due = {key: self._due.get(key, 0.0) for key in self._watched}
        if self._watched and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())
        elif not self._watched and self._task is not None:
            self._task.cancel()
            self._task = None
        self._wake.set()

    def focus(self, key: str | None) -> None:
        """Follow one container by the second: its curve is looked at. None ends that."""
        if self._focus is not None:
            if self._focus[0] == key:
                return
            self._focus[1].cancel()
            self._focus = None
        if key is not None:
            task = asyncio.get_running_loop().create_task(self._stream(key))
            self._focus = (key, task)

    def history(self, key: str) -> Sequence[Sample]:
        """What was measured of a container, oldest first."""
        return tuple(self._history.get(key, ()))

    def forget(self, key: str) -> None:
        """The container is gone."""
        self._history.pop(key, None)

    async def close(self) -> None:
        """End all readings."""
        tasks = list(self._reading.values())
        if self._task is not None:
            tasks.append(self._task)
        if self._focus is not None:
            tasks.append(self._focus[1])
        self._task = self._focus = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            now = loop.time()
            focused = self._focus[0] if self._focus is not None else None
            waiting = sorted((at, key) for key, at in self._due.items() if key not in self._reading)
            for at, key in waiting:
                limit = FIRST_AT_A_TIME if at == 0 else AT_A_TIME
                if at > now or len(self._reading) >= limit:
                    break
                if key == focused or not self._runs(key):
                    self._due[key] = now + _AGAIN_S
                    continue
                self._reading[key] = loop.create_task(self._read(key))
            wait_s = None
            if len(self._reading) < AT_A_TIME:  # else the end of a reading wakes it
                due = [at for key, at in self._due.items() if key not in self._reading]
                wait_s = max(min(due) - loop.time(), 0.01) if due else None
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()

    async def _read(self, key: str) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        # For a first reading the daemon takes two, a second apart, so that it tells CPU at once.
        one_shot = "1" if self._history.get(key) else "0"
        try:
            async with asyncio.timeout(_ANSWER_S):
                query = {"stream": "0", "one-shot": one_shot}
                raw = await self._daemon.get(f"/containers/{key}/stats", query)
            self._take(key, raw)
        except (MltuiError, TimeoutError):
            pass
        finally:
            del self._reading[key]
            if key in self._due:
                self._due[key] = began + EVERY_S
            self._wake.set()

    async def _stream(self, key: str) -> None:
        while True:
            with suppress(MltuiError, ValueError):
                path = f"/containers/{key}/stats"
                async with self._daemon.stream("GET", path, {"stream": "1"}) as response:
                    rest = b""
                    async for data in response.chunks():
                        self._daemon.heard()
                        *lines, rest = (rest + data).split(b"\n")
                        for line in lines:
                            self._take(key, json.loads(line))
            await asyncio.sleep(_AGAIN_S)

    def _take(self, key: str, raw: Any) -> None:
        kept = self._history.get(key)
        before = kept[-1] if kept else None
        if before is not None and time.time() - before.at > 60:
            before = None  # a rate over a long gap would be shown as if it were now's
        sample = read_sample(raw, before) if isinstance(raw, dict) else None
        if sample is None:
            return
        if kept is None:
            kept = self._history[key] = deque(maxlen=KEPT)
        if before is None or sample.at > before.at:
            kept.append(sample)
            self._measured(key, sample.usage)
