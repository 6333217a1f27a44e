"""What attempts, services and monitors left in the store of a namespace: their records.

The base of `server.Store`. Of a service's record only the newest is kept, as long as a monitor that
measures in the cluster may look back; a monitor's waits here until somebody collects it. Standard
library alone.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from mltui.engines.kubernetes.store.sparse import begins, free_before
from mltui.engines.kubernetes.store.tree import CHUNK

SERVICE = "service"
"""In a record's folder: it is what a service recorded, of which the oldest may go."""
_GONE = "gone"
"""Its pod is no more; it goes once no window reaches it."""
_RECORD = re.compile("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
STEP_S = 5.0
"""How often is noted where a service's record ended."""
_MAX_MARKS_BYTES = 128 << 10
MAX_WINDOW_BYTES = 256 << 20
"""The most that a monitor is given: the newest."""
MAX_UNCOLLECTED = 2_000
"""So many measurements of a monitor wait: the newest."""


class Refused(Exception):
    """An answer other than success."""

    def __init__(self, status: int, message: str, **more: Any) -> None:
        self.status, self.body = status, {"message": message, **more}
        super().__init__(message)


class Recorded:
    """The records below a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("records", "keeps"):
            (root / name).mkdir(parents=True, exist_ok=True)
        self._taking = threading.Lock()

    def make_room(self, wanted: int) -> None:
        """Room for so many bytes more."""

    def record(self, name: str) -> Path:
        """The folder of an attempt's record. Refused for an odd name."""
        return self.root / "records" / _checked(name)

    def describe(self, name: str) -> dict[str, Any]:
        """What is known of an attempt so far."""
        folder = self.record(name)
        log, metrics, result = (folder / each for each in ("log", "metrics", "result"))
        return {
            "log": log.stat().st_size if log.exists() else 0,
            "metrics": [metrics.stat().st_size, metrics.stat().st_mtime_ns]
            if metrics.exists()
            else None,
            "result": json.loads(result.read_bytes()) if result.exists() else None,
        }

    def extend(self, name: str, offset: int, data: bytes, keep: int | None = None) -> int:
        """Add to an attempt's log; its length now. Refused (409) where there is a gap before it.

        `keep`: it is what a service records, and only so many of its newest bytes are kept.
        """
        folder = self.record(name)
        folder.mkdir(exist_ok=True)
        if keep is not None:
            self.make_room(len(data))
            (folder / SERVICE).touch()
        with (folder / "log").open("ab") as file:
            have = file.tell()
            if offset > have and keep is None:
                raise Refused(409, "another piece is wanted", have=have)
            if offset > have:  # it was removed here when there was no room
                file.truncate(offset)
                have = offset
            if keep is not None:
                _mark(folder, time.time(), have)
            file.write(data[have - offset :])
            have = file.tell()
        if keep is not None:
            free_before(folder / "log", have - keep)
        return have

    def trim(self, name: str, until: int) -> None:
        """Of what a service recorded, what is before `until` is kept elsewhere."""
        folder = self.record(name)
        if (folder / SERVICE).exists():
            window_s = self._window_s(name)
            if window_s:
                until = min(until, _end_at(folder, time.time() - window_s))
            free_before(folder / "log", until)

    def begins(self, name: str, at: int) -> int:
        """Where what is kept of a record begins, from an offset on."""
        folder = self.record(name)
        if not (folder / SERVICE).exists() or not (folder / "log").exists():
            return at
        return begins(folder / "log", at)

    def put(self, name: str, what: str, data: bytes) -> None:
        """Replace one thing of a record, whole."""
        folder = self.record(name)
        folder.mkdir(exist_ok=True)
        _write(folder / what, data)

    def forget(self, name: str) -> None:
        """Remove a record, or have it go once no monitor in the cluster looks back so far."""
        folder = self.record(name)
        if self._window_s(name) and (folder / SERVICE).exists():
            (folder / _GONE).touch()
        else:
            shutil.rmtree(folder, ignore_errors=True)

    # --- monitors that measure in the cluster -----------------------------------------------------

    def keep(self, schedule: str, data: bytes) -> None:
        """How far back a monitor looks: `{"SERVICE": SECONDS}`. ValueError for anything else."""
        windows = json.loads(data)
        if not all(isinstance(each, int | float) for each in windows.values()):
            raise ValueError("not how far back")
        _write(self.root / "keeps" / _checked(schedule), data)

    def keep_no_more(self, schedule: str) -> None:
        """A monitor does not measure here any more: what nobody collected goes."""
        (self.root / "keeps" / _checked(schedule)).unlink(missing_ok=True)
        for name, *_ in self.scheduled(schedule)["made"]:
            shutil.rmtree(self.record(name), ignore_errors=True)
        self._sweep()

    def scheduled(self, schedule: str) -> dict[str, Any]:
        """What a monitor's pods left: name, when its window ended, version, whether it is whole."""
        made = []
        for tag in self.root.glob("records/*/schedule"):
            with suppress(OSError, ValueError, KeyError, TypeError):
                said = json.loads(tag.read_bytes())
                if said["schedule"] == schedule:
                    is_whole = tag.with_name("result").exists()
                    at = tag.stat().st_mtime
                    made.append([tag.parent.name, at, int(said["version"]), is_whole])
        return {"now": time.time(), "made": sorted(made, key=lambda each: each[1])}

    def tag(self, name: str, data: bytes) -> None:
        """A monitor's pod begins: its window ends now. `{"schedule": …, "version": …}`."""
        self.put(name, "schedule", data)
        made = self.scheduled(str(json.loads(data)["schedule"]))["made"]
        for oldest, *_ in made[:-MAX_UNCOLLECTED]:
            shutil.rmtree(self.record(oldest), ignore_errors=True)

    def take(self, name: str, by: str) -> str:
        """Who has a record to decide on: whoever asked first."""
        taken = self.record(name) / "taken"
        with self._taking:
            if not taken.exists():
                _write(taken, by.encode())
            return taken.read_text()

    def window(self, service: str, window_s: float) -> Iterator[bytes]:
        """The whole lines that the pods of a service recorded in the last so many seconds.

        A little more than that. Of more than `MAX_WINDOW_BYTES` the newest.
        """
        self._sweep()
        since = time.time() - window_s
        parts = []
        for mark in sorted(self.root.glob(f"records/*/{SERVICE}")):
            folder = mark.parent
            if _is_of(folder.name, service):
                with suppress(OSError):
                    end = (folder / "log").stat().st_size
                    start = begins(folder / "log", _end_at(folder, since))
                    if start < end:
                        parts.append((folder / "log", start, end))
        total = sum(end - start for _, start, end in parts)
        over = max(0, total - MAX_WINDOW_BYTES)
        for log, start, end in parts:
            # Of each the same share is left out, from its beginning.
            with suppress(FileNotFoundError):
                yield from _lines(log, start + over * (end - start) // total, end)

    def _window_s(self, record: str) -> float:
        """How far back monitors look into a record; 0: none does."""
        found = [0.0]
        for file in self.root.glob("keeps/*"):
            with suppress(OSError, ValueError):
                windows = json.loads(file.read_bytes())
                found += [float(s) for service, s in windows.items() if _is_of(record, service)]
        return max(found)

    def _sweep(self) -> None:
        """Remove records of pods that are no more and that no window reaches."""
        for gone in self.root.glob(f"records/*/{_GONE}"):
            with suppress(OSError):
                age_s = time.time() - (gone.parent / "log").stat().st_mtime
                if age_s > self._window_s(gone.parent.name):
                    shutil.rmtree(gone.parent, ignore_errors=True)


def _checked(name: str) -> str:
    if not _RECORD.fullmatch(name):
        raise Refused(400, "not the name of a record")
    return name


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all."""
    part = path.with_name(f"{path.name}.new")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _is_of(record: str, service: str) -> bool:
    """Whether a pod is of a Deployment, by its name: no other's fits."""
    return re.fullmatch(re.escape(service) + "-[a-z0-9]{1,10}-[a-z0-9]{5}", record) is not None


def _mark(folder: Path, now: float, size: int) -> None:
    """Note where a record ended before what comes now, every few seconds."""
    marks = folder / "marks"
    with suppress(FileNotFoundError):
        if 0 <= now - marks.stat().st_mtime < STEP_S:
            return
    with marks.open("a") as file:
        file.write(f"{now:.3f} {size}\n")
    if marks.stat().st_size > _MAX_MARKS_BYTES:
        # What is longer ago is known less exactly.
        found = marks.read_text().splitlines()
        half = len(found) // 2
        _write(marks, "\n".join([*found[:half:2], *found[half:], ""]).encode())


def _end_at(folder: Path, at: float) -> int:
    """How long a record was at a time; rather less than more."""
    with suppress(FileNotFoundError):
        for line in (folder / "marks").read_text().splitlines():
            noted, _, size = line.partition(" ")
            if float(noted) >= at - STEP_S:
                return int(size)
        return (folder / "log").stat().st_size
    return 0


def _lines(log: Path, start: int, end: int) -> Iterator[bytes]:
    """What is between, from the first line that begins there to the last that ends there."""
    with log.open("rb") as file:
        if start:
            file.seek(start - 1)
            file.readline()
            start = file.tell()
        end = _last_end(file, start, end)
        file.seek(start)
        while (left := end - file.tell()) > 0 and (data := file.read(min(CHUNK, left))):
            yield data


def _last_end(file: BinaryIO, start: int, end: int) -> int:
    """Where the last whole line before `end` ends."""
    while end > start:
        begin = max(start, end - CHUNK)
        file.seek(begin)
        found = file.read(end - begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        end = begin
    return start
