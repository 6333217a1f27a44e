"""What services recorded: how long each file was when, and the window that a monitor reads.

The supervisor notes the sizes of the record files as time goes, so that a window can be cut without
knowing what is in a line. Called by the supervisor (`note_sizes`, `sweep`) and by its monitors.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from mltui.engines.kubernetes.store.sparse import begins, free_before
from mltui.runs.attempts import remove_tree
from mltui.runs.project import Project
from mltui.serving.ledger import Ledger
from mltui.serving.readings import Readings
from mltui.serving.replicas import RECORDS, folder_of, records_of

STEP_S = 5
"""How often sizes are noted; of what is older only every `_COARSE`th second is kept."""
_COARSE = ((3_600.0, 60), (86_400.0, 900))
KEEP_S = 35 * 86_400.0
"""How long records are kept, also of replicas that are no more."""
KEEP_BYTES = 1 << 30
"""So much is kept of one replica, the newest."""
MAX_BYTES = 256 << 20
"""The most that a monitor is given: the newest."""


class Window(NamedTuple):
    """What was written for a monitor."""

    rows: int
    is_cut: bool
    """There was more than `MAX_BYTES`."""


def note_sizes(project: Project, ledger: Ledger, deployment: str) -> None:
    """Note how long the record files of a deployment are, as far as they have grown."""
    now = int(time.time()) // STEP_S * STEP_S
    sizes = {}
    for number in _numbers(project, deployment):
        with suppress(OSError):
            sizes[number] = records_of(project, deployment, number).stat().st_size
    grown = {n: size for n, size in sizes.items() if size != size_at(ledger, deployment, n)}
    if not grown:
        return
    with ledger.transaction() as db:
        db.executemany(
            "INSERT OR REPLACE INTO marks VALUES (?, ?, ?, ?)",
            [(deployment, number, now, size) for number, size in grown.items()],
        )
        for age_s, step in _COARSE:
            db.execute(
                "DELETE FROM marks "
                "WHERE deployment = ? AND at < ? AND CAST(at AS INTEGER) % ? != 0",
                (deployment, now - age_s, step),
            )


def size_at(ledger: Readings, deployment: str, replica: int, at: float = float("inf")) -> int:
    """How long the record file of a replica was at a time; 0 before anything is known."""
    rows = ledger.query(
        "SELECT size FROM marks WHERE deployment = ? AND replica = ? AND at <= ? "
        "ORDER BY at DESC LIMIT 1",
        deployment,
        replica,
        at,
    )
    return int(rows[0][0]) if rows else 0


def _numbers(project: Project, deployment: str) -> list[int]:
    with suppress(OSError):
        folders = folder_of(project, deployment).iterdir()
        return sorted(int(folder.name) for folder in folders if folder.name.isdigit())
    return []


def write_window(
    project: Project, ledger: Ledger, deployment: str, since: float, dest: Path
) -> Window:
    """Write the whole lines recorded since then, of all replicas, into one file.

    A little more than the window: sizes are noted every few seconds. Blocks.
    """
    parts: list[tuple[Path, int, int, bool]] = []
    for number in _numbers(project, deployment):
        file = records_of(project, deployment, number)
        with suppress(OSError):
            size = file.stat().st_size
            start = size_at(ledger, deployment, number, since)
            # What was recorded too long ago is no longer there; a line may be cut by that.
            begin = begins(file, start)
            if begin < size:
                parts.append((file, begin, size, begin == start))
    total = sum(size - start for _, start, size, _ in parts)
    over = max(0, total - MAX_BYTES)
    rows = 0
    dest.parent.mkdir(parents=True, exist_ok=True)
    with dest.open("wb") as out:
        for file, start, size, is_whole in parts:
            # Of each file the same share is left out, from its beginning.
            skipped = over * (size - start) // total if over else 0
            rows += _copy_lines(file, start + skipped, size, out, is_whole=is_whole and not skipped)
    return Window(rows, over > 0)


def _copy_lines(file: Path, start: int, end: int, out: BinaryIO, *, is_whole: bool) -> int:
    rows = 0
    with file.open("rb") as stream:
        stream.seek(start)
        if not is_whole:
            stream.readline()
        while stream.tell() < end:
            line = stream.readline()
            if not line.endswith(b"\n"):
                break  # it is being written
            if line.strip():
                out.write(line)
                rows += 1
    return rows


def forget_sizes(ledger: Ledger, deployment: str, now: float) -> None:
    """Forget how long record files were before what is kept; the last size before it stays."""
    with ledger.transaction() as db:
        db.execute(
            "DELETE FROM marks WHERE deployment = ?1 AND at < (SELECT max(at) FROM marks AS m "
            "WHERE m.deployment = ?1 AND m.replica = marks.replica AND m.at <= ?2)",
            (deployment, now - KEEP_S),
        )


def sweep(
    project: Project, deployment: str, alive: Iterable[int], now: float, old: Mapping[int, int]
) -> None:
    """Remove what no window reaches: of replicas that are no more, and the oldest of the others.

    `old`: how long the record file of a replica was when what is kept begins.
    """
    there = set(alive)
    for number in _numbers(project, deployment):
        folder = folder_of(project, deployment) / str(number)
        if number in there:
            file = folder / "shared" / RECORDS
            with suppress(OSError):
                free_before(file, max(old.get(number, 0), file.stat().st_size - KEEP_BYTES))
            continue
        with suppress(OSError):
            records = folder / "shared" / RECORDS
            newest = os.stat(records if records.exists() else folder).st_mtime  # noqa: PTH116
            if now - newest > KEEP_S:
                remove_tree(folder)
