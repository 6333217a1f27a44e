"""The journal as everybody may read it: SQLite (WAL) at `.mltui/journal.db`.

The base of `journal.Journal`, which adds what the runner and those who ask for something write.
Every method is a few indexed statements, so that it may be called where an event loop runs.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mltui.pipeline.rows import Instance, StageRow, State
from mltui.runs import codec
from mltui.runs.rows import BuildRow, Note, Request, Result, RunRequest, RunRow

if TYPE_CHECKING:
    from mltui.pipeline.model import Event, StageCached, StageKeyed

E = TypeVar("E", bound="Event")

RUN = (
    'number, state, target, created_at, started_at, ended_at, reason, exit_code, "trigger", '
    '"commit", dirty, params, metrics, request, pinned, spec, idle_s'
)
BUILD = "id, environment, engine, key, state, started_at, ended_at, log, reason, run, resolved"
REQUEST = 'id, run, kind, data, "by", at, handled_at, answer'


class Readings:
    """One connection to a project's journal. Not shared between threads."""

    def __init__(self, db: sqlite3.Connection, folder: Path) -> None:
        self.folder = folder
        """The project's `.mltui`."""
        self._db = db

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def data_version(self) -> int:
        """Changes whenever another connection has committed; costs microseconds."""
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    def runs(self, *, limit: int = -1, offset: int = 0) -> list[RunRow]:
        """Runs, newest first."""
        rows = self._db.execute(
            f"SELECT {RUN} FROM runs ORDER BY number DESC LIMIT ? OFFSET ?", (limit, offset)
        )
        return [_run(row) for row in rows]

    def run(self, number: int) -> RunRow | None:
        """One run."""
        row = self._db.execute(f"SELECT {RUN} FROM runs WHERE number = ?", (number,)).fetchone()
        return None if row is None else _run(row)

    def latest(self) -> int | None:
        """The newest run's number."""
        number = self._db.execute("SELECT max(number) FROM runs").fetchone()[0]
        return None if number is None else int(number)

    def unfinished(self) -> list[RunRow]:
        """Runs that are queued or in progress, oldest first."""
        rows = self._db.execute(
            f"SELECT {RUN} FROM runs WHERE state IN ('pending', 'running') ORDER BY number"
        )
        return [_run(row) for row in rows]

    def stages(self, run: int, *, since: int = 0) -> tuple[int, list[StageRow]]:
        """Rows of a run that changed after version `since`, and the version they bring one to.

        Sorted as the pipeline shows them: plan order, rounds, items.
        """
        rows = self._db.execute(
            "SELECT version, row FROM stages WHERE run = ? AND version > ?", (run, since)
        ).fetchall()
        version = max((row[0] for row in rows), default=since)
        found = [codec.decode_row(row[1]) for row in rows]
        found.sort(key=lambda row: (row.order, row.path, row.item is not None, row.item or ""))
        return version, found

    def stages_gone(self, run: int, known: Iterable[Instance]) -> list[Instance]:
        """Which of `known` the run no longer has (a retry forgot later rounds)."""
        there = {
            (stage, path, item)
            for stage, path, item in self._db.execute(
                "SELECT stage, path, item FROM stages WHERE run = ?", (run,)
            )
        }
        return [i for i in known if (i.stage, path_text(i), i.item or "") not in there]

    def events(self, run: int, *, after: int = 0) -> list[tuple[int, Event]]:
        """Events of a run in order, with their ids."""
        rows = self._db.execute(
            "SELECT id, type, data FROM events WHERE run = ? AND id > ? ORDER BY id", (run, after)
        )
        return [(row[0], codec.decode_event(row[1], row[2])) for row in rows]

    def raw_events(self, run: int, *, after: int = 0) -> list[tuple[int, str, str]]:
        """As `events`, undecoded: id, type, JSON. For streams."""
        return self._db.execute(
            "SELECT id, type, data FROM events WHERE run = ? AND id > ? ORDER BY id", (run, after)
        ).fetchall()

    def stage(self, run: int, instance: Instance) -> StageRow | None:
        """The row of one instance."""
        row = self._db.execute(
            "SELECT row FROM stages WHERE run = ? AND stage = ? AND path = ? AND item = ?",
            (run, instance.stage, path_text(instance), instance.item or ""),
        ).fetchone()
        return None if row is None else codec.decode_row(row[0])

    def key_event(self, run: int, instance: Instance) -> StageKeyed | StageCached | None:
        """The newest event that gave an instance its key."""
        from mltui.pipeline.model import StageCached, StageKeyed

        row = self._db.execute(
            "SELECT type, data FROM events WHERE run = ? "
            "AND type IN ('stage.keyed', 'stage.cached') AND instr(data, ?) ORDER BY id DESC",
            (run, codec.instance_text(instance)),
        ).fetchone()
        found = None if row is None else codec.decode_event(row[0], row[1])
        return found if isinstance(found, StageKeyed | StageCached) else None

    def newest_event(self, run: int, kind: type[E]) -> E | None:
        """The newest event of a kind in a run."""
        row = self._db.execute(
            "SELECT type, data FROM events WHERE run = ? AND type = ? ORDER BY id DESC",
            (run, codec.event_name(kind)),
        ).fetchone()
        found = None if row is None else codec.decode_event(row[0], row[1])
        return found if isinstance(found, kind) else None

    def keys_of(self, stage: str, *, limit: int = 20) -> list[str]:
        """The keys that a stage succeeded or was cached with, in any run, newest first."""
        rows = self._db.execute(
            "SELECT json_extract(row, '$.key') FROM stages WHERE stage = ? "
            "AND state IN ('succeeded', 'cached') ORDER BY ended_at DESC LIMIT ?",
            (stage, limit),
        )
        return list(dict.fromkeys(row[0] for row in rows if row[0] is not None))

    def history(self, stage: str, *, limit: int = 20) -> list[StageRow]:
        """Succeeded passages of a stage in all runs, newest first; for estimates."""
        rows = self._db.execute(
            "SELECT row FROM stages WHERE stage = ? AND state = 'succeeded' "
            "ORDER BY ended_at DESC LIMIT ?",
            (stage, limit),
        )
        return [codec.decode_row(row[0]) for row in rows]

    def durations(self, *, limit: int = 10) -> dict[str, list[float]]:
        """Stage → seconds of its newest succeeded passages; for estimates."""
        found: dict[str, list[float]] = {}
        rows = self._db.execute(
            "SELECT stage, ended_at - started_at FROM ("
            "  SELECT stage, started_at, ended_at, row_number() OVER "
            "    (PARTITION BY stage ORDER BY ended_at DESC) AS nth"
            "  FROM stages WHERE state = 'succeeded' AND started_at IS NOT NULL"
            "    AND run > (SELECT coalesce(max(number), 0) - 20 FROM runs)) WHERE nth <= ?",
            (limit,),
        )
        for stage, duration in rows:
            found.setdefault(stage, []).append(duration)
        return found

    def result(self, key: str) -> Result | None:
        """The kept result of a cache key."""
        row = self._db.execute(
            "SELECT key, stage, source, at, outputs, metrics, parts, log FROM results "
            "WHERE key = ?",
            (key,),
        ).fetchone()
        return None if row is None else _result(row)

    def results(self, stage: str, *, limit: int = 20) -> list[Result]:
        """Kept results of a stage, newest first: what a key is compared with in Explain."""
        rows = self._db.execute(
            "SELECT key, stage, source, at, outputs, metrics, parts, log FROM results "
            "WHERE stage = ? ORDER BY at DESC LIMIT ?",
            (stage, limit),
        )
        return [_result(row) for row in rows]

    def result_keys(self) -> list[str]:
        """The keys of all kept results."""
        return [row[0] for row in self._db.execute("SELECT key FROM results")]

    def build(self, build: str) -> BuildRow | None:
        """One build by its id."""
        row = self._db.execute(f"SELECT {BUILD} FROM builds WHERE id = ?", (build,)).fetchone()
        return None if row is None else _build(row)

    def builds(self, *, environment: str | None = None, limit: int = 200) -> list[BuildRow]:
        """Builds, newest first."""
        where = "" if environment is None else "WHERE environment = ?"
        values: tuple[Any, ...] = (limit,) if environment is None else (environment, limit)
        rows = self._db.execute(
            f"SELECT {BUILD} FROM builds {where} ORDER BY started_at DESC LIMIT ?", values
        )
        return [_build(row) for row in rows]

    def notes(self) -> dict[int, Note]:
        """Run → what a person said of it."""
        try:
            rows = self._db.execute("SELECT run, text, tags FROM notes").fetchall()
        except sqlite3.OperationalError:
            return {}  # nobody has said anything yet
        return {row[0]: Note(row[1], tuple(json.loads(row[2]))) for row in rows}

    def results_of(self, run: int) -> int:
        """How many results a run took from the cache."""
        query = "SELECT count(*) FROM stages WHERE run = ? AND state = 'cached'"
        return int(self._db.execute(query, (run,)).fetchone()[0])

    def seal(self, name: str) -> tuple[int, dict[str, Any]] | None:
        """The run that a seal stands for and what it was decided from; none if it ended badly."""
        row = self._db.execute(
            "SELECT run, reads FROM seals JOIN runs ON number = run "
            "WHERE name = ? AND state = 'succeeded'",
            (name,),
        ).fetchone()
        return None if row is None else (row[0], json.loads(row[1]))

    def request(self, number: int) -> Request | None:
        """One request, to see whether it was handled."""
        row = self._db.execute(f"SELECT {REQUEST} FROM requests WHERE id = ?", (number,)).fetchone()
        return None if row is None else _request(row)

    def open_requests(self) -> list[Request]:
        """Requests that no runner has handled yet, oldest first."""
        rows = self._db.execute(
            f"SELECT {REQUEST} FROM requests WHERE handled_at IS NULL ORDER BY id"
        )
        return [_request(row) for row in rows]


def path_text(instance: Instance) -> str:
    """The rounds as a column of the journal: `2:3`; empty outside loops."""
    return ":".join(map(str, instance.path))


def _run(row: tuple[Any, ...]) -> RunRow:
    asked = json.loads(row[13])
    return RunRow(
        number=row[0],
        state=State(row[1]),
        target=row[2],
        created_at=row[3],
        started_at=row[4],
        ended_at=row[5],
        reason=row[6],
        exit_code=row[7],
        trigger=row[8],
        commit=row[9],
        dirty=bool(row[10]),
        params=json.loads(row[11]),
        metrics=json.loads(row[12]),
        request=RunRequest(
            target=asked["target"],
            stages=tuple(asked["stages"]),
            start_from=tuple(asked["start_from"]),
            overrides=asked["overrides"],
            jobs=asked["jobs"],
            trigger=asked["trigger"],
        ),
        pinned=bool(row[14]),
        spec=row[15],
        idle_s=row[16],
    )


def _result(row: tuple[Any, ...]) -> Result:
    return Result(
        key=row[0],
        stage=row[1],
        source=row[2],
        at=row[3],
        outputs=codec.decode_artifacts(row[4]),
        metrics=json.loads(row[5]),
        parts=json.loads(row[6]),
        log=row[7],
    )


def _build(row: tuple[Any, ...]) -> BuildRow:
    return BuildRow(row[0], row[1], row[2], row[3], State(row[4]), *row[5:])


def _request(row: tuple[Any, ...]) -> Request:
    return Request(row[0], row[1], row[2], json.loads(row[3]), *row[4:])
