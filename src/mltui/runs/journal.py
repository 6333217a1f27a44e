"""The journal: what happened in this project, in SQLite (WAL) at `.mltui/journal.db`.

Written by the runner (events, rows, results, builds) and, in short transactions, by whoever asks
for something (a run, a request). Everybody else reads. Every method is one transaction; each is a
few indexed statements, so that it may be called where an event loop runs.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mltui.errors import JournalError
from mltui.pipeline.model import Event, Instance, StageRow, State
from mltui.runs import codec
from mltui.runs.rows import BuildRow, Request, Result, RunRequest, RunRow

VERSION = 1
FOLDER = ".mltui"

_SCHEMA = """
CREATE TABLE runs (
  number INTEGER PRIMARY KEY, state TEXT NOT NULL, target TEXT NOT NULL,
  created_at REAL NOT NULL, started_at REAL, ended_at REAL,
  reason TEXT NOT NULL DEFAULT '', exit_code INTEGER, "trigger" TEXT NOT NULL,
  "commit" TEXT, dirty INTEGER NOT NULL DEFAULT 0, params TEXT NOT NULL DEFAULT '{}',
  metrics TEXT NOT NULL DEFAULT '{}', request TEXT NOT NULL, pinned INTEGER NOT NULL DEFAULT 0,
  spec TEXT);
CREATE INDEX runs_state ON runs (state);
CREATE TABLE events (
  id INTEGER PRIMARY KEY, run INTEGER NOT NULL, type TEXT NOT NULL, data TEXT NOT NULL);
CREATE INDEX events_run ON events (run, id);
CREATE TABLE stages (
  run INTEGER NOT NULL, stage TEXT NOT NULL, path TEXT NOT NULL, item TEXT NOT NULL,
  version INTEGER NOT NULL, state TEXT NOT NULL, started_at REAL, ended_at REAL, row TEXT NOT NULL,
  PRIMARY KEY (run, stage, path, item)) WITHOUT ROWID;
CREATE INDEX stages_version ON stages (run, version);
CREATE INDEX stages_history ON stages (stage, state, ended_at);
CREATE TABLE results (
  key TEXT PRIMARY KEY, stage TEXT NOT NULL, source TEXT NOT NULL, at REAL NOT NULL,
  outputs TEXT NOT NULL, metrics TEXT NOT NULL, parts TEXT NOT NULL, log TEXT NOT NULL)
  WITHOUT ROWID;
CREATE INDEX results_stage ON results (stage, at);
CREATE TABLE builds (
  id TEXT PRIMARY KEY, environment TEXT NOT NULL, engine TEXT NOT NULL, key TEXT NOT NULL,
  state TEXT NOT NULL, started_at REAL NOT NULL, ended_at REAL, log TEXT NOT NULL,
  reason TEXT NOT NULL, run INTEGER, resolved TEXT) WITHOUT ROWID;
CREATE INDEX builds_environment ON builds (environment, started_at);
CREATE TABLE requests (
  id INTEGER PRIMARY KEY, run INTEGER NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL,
  "by" TEXT NOT NULL, at REAL NOT NULL, handled_at REAL, answer TEXT NOT NULL DEFAULT '');
CREATE INDEX requests_open ON requests (handled_at) WHERE handled_at IS NULL;
"""

_RUN = (
    'number, state, target, created_at, started_at, ended_at, reason, exit_code, "trigger", '
    '"commit", dirty, params, metrics, request, pinned, spec'
)
_BUILD = "id, environment, engine, key, state, started_at, ended_at, log, reason, run, resolved"
_REQUEST = 'id, run, kind, data, "by", at, handled_at, answer'


class Journal:
    """One connection to a project's journal. Not shared between threads."""

    def __init__(self, db: sqlite3.Connection, folder: Path) -> None:
        self.folder = folder
        """The project's `.mltui`."""
        self._db = db

    @classmethod
    def open(cls, folder: Path, *, write: bool = False) -> Journal:
        """Open `.mltui/journal.db` in `folder`; with `write`, create it where it is missing.

        JournalError when it is missing (reading), read-only, full, or of a newer mltui.
        """
        file = folder / "journal.db"
        if not write and not file.exists():
            raise JournalError(f"no runs yet in {folder.parent}: start one with `mltui run`")
        try:
            db = sqlite3.connect(file, isolation_level=None, timeout=10.0, check_same_thread=False)
            # A reader of a WAL database still maps the shared index, so it opens read-write.
            db.execute("PRAGMA busy_timeout = 10000")
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version == 0 and write:
                cls._create(db)
            elif version > VERSION:
                raise JournalError(
                    f"{file} was written by a newer mltui (journal {version}, this one reads "
                    f"{VERSION}): upgrade mltui"
                )
            elif version == 0:
                raise JournalError(f"{file} is not a journal of mltui")
            db.execute("PRAGMA synchronous = NORMAL")
        except sqlite3.Error as error:
            raise _explain(error, file) from error
        return cls(db, folder)

    @staticmethod
    def _create(db: sqlite3.Connection) -> None:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("BEGIN IMMEDIATE")
        if db.execute("PRAGMA user_version").fetchone()[0] == 0:
            for statement in _SCHEMA.split(";\n"):
                if statement.strip():
                    db.execute(statement)
            db.execute(f"PRAGMA user_version = {VERSION}")
        db.execute("COMMIT")

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        db = self._db
        try:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")
        except sqlite3.Error as error:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise _explain(error, self.folder / "journal.db") from error

    # --- reading ------------------------------------------------------------------------------

    def data_version(self) -> int:
        """Changes whenever another connection has committed; costs microseconds."""
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    def runs(self, *, limit: int = -1, offset: int = 0) -> list[RunRow]:
        """Runs, newest first."""
        rows = self._db.execute(
            f"SELECT {_RUN} FROM runs ORDER BY number DESC LIMIT ? OFFSET ?", (limit, offset)
        )
        return [_run(row) for row in rows]

    def run(self, number: int) -> RunRow | None:
        """One run."""
        row = self._db.execute(f"SELECT {_RUN} FROM runs WHERE number = ?", (number,)).fetchone()
        return None if row is None else _run(row)

    def latest(self) -> int | None:
        """The newest run's number."""
        number = self._db.execute("SELECT max(number) FROM runs").fetchone()[0]
        return None if number is None else int(number)

    def unfinished(self) -> list[RunRow]:
        """Runs that are queued or in progress, oldest first."""
        rows = self._db.execute(
            f"SELECT {_RUN} FROM runs WHERE state IN ('pending', 'running') ORDER BY number"
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
        return [i for i in known if (i.stage, _path(i), i.item or "") not in there]

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

    def build(self, build: str) -> BuildRow | None:
        """One build by its id."""
        row = self._db.execute(f"SELECT {_BUILD} FROM builds WHERE id = ?", (build,)).fetchone()
        return None if row is None else _build(row)

    def builds(self, *, environment: str | None = None, limit: int = 200) -> list[BuildRow]:
        """Builds, newest first."""
        where = "" if environment is None else "WHERE environment = ?"
        values: tuple[Any, ...] = (limit,) if environment is None else (environment, limit)
        rows = self._db.execute(
            f"SELECT {_BUILD} FROM builds {where} ORDER BY started_at DESC LIMIT ?", values
        )
        return [_build(row) for row in rows]

    def request(self, number: int) -> Request | None:
        """One request, to see whether it was handled."""
        row = self._db.execute(
            f"SELECT {_REQUEST} FROM requests WHERE id = ?", (number,)
        ).fetchone()
        return None if row is None else _request(row)

    def open_requests(self) -> list[Request]:
        """Requests that no runner has handled yet, oldest first."""
        rows = self._db.execute(
            f"SELECT {_REQUEST} FROM requests WHERE handled_at IS NULL ORDER BY id"
        )
        return [_request(row) for row in rows]

    # --- asking -------------------------------------------------------------------------------

    def queue_run(self, request: RunRequest, at: float) -> int:
        """Add a run in state pending; the number it got."""
        data = json.dumps(
            {
                "target": request.target,
                "stages": list(request.stages),
                "start_from": list(request.start_from),
                "overrides": dict(request.overrides),
                "jobs": request.jobs,
                "trigger": request.trigger,
            }
        )
        with self._transaction() as db:
            cursor = db.execute(
                'INSERT INTO runs (state, target, created_at, "trigger", request) '
                "VALUES ('pending', ?, ?, ?, ?)",
                (request.target, at, request.trigger, data),
            )
            return int(cursor.lastrowid or 0)

    def ask(self, run: int, kind: str, data: dict[str, Any], by: str, at: float) -> int:
        """Leave a request for the runner; its id."""
        with self._transaction() as db:
            cursor = db.execute(
                'INSERT INTO requests (run, kind, data, "by", at) VALUES (?, ?, ?, ?, ?)',
                (run, kind, json.dumps(data), by, at),
            )
            return int(cursor.lastrowid or 0)

    def pin(self, run: int, pinned: bool) -> None:
        """Keep a run from `gc`, or no longer."""
        with self._transaction() as db:
            db.execute("UPDATE runs SET pinned = ? WHERE number = ?", (pinned, run))

    # --- the runner's -------------------------------------------------------------------------

    def append(
        self,
        run: int,
        events: Sequence[Event],
        rows: Iterable[StageRow] = (),
        *,
        gone: Iterable[Instance] = (),
        results: Iterable[Result] = (),
        update: dict[str, Any] | None = None,
    ) -> None:
        """Journal events and what they change, all or nothing.

        `update` are columns of the run's own line (`state`, `started_at`, `metrics` …).
        """
        with self._transaction() as db:
            for event in events:
                name, data = codec.encode_event(event)
                db.execute(
                    "INSERT INTO events (run, type, data) VALUES (?, ?, ?)", (run, name, data)
                )
            version = db.execute("SELECT coalesce(max(id), 0) FROM events").fetchone()[0]
            for instance in gone:
                db.execute(
                    "DELETE FROM stages WHERE run = ? AND stage = ? AND path = ? AND item = ?",
                    (run, instance.stage, _path(instance), instance.item or ""),
                )
            db.executemany(
                "INSERT OR REPLACE INTO stages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        run,
                        row.stage,
                        ":".join(map(str, row.path)),
                        row.item or "",
                        version,
                        row.state.value,
                        row.started_at,
                        row.ended_at,
                        codec.encode_row(row),
                    )
                    for row in rows
                ],
            )
            for result in results:
                db.execute(
                    "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        result.key,
                        result.stage,
                        result.source,
                        result.at,
                        codec.encode_artifacts(result.outputs),
                        json.dumps(dict(result.metrics)),
                        json.dumps(dict(result.parts)),
                        result.log,
                    ),
                )
            if update:
                self._update(db, run, update)

    @staticmethod
    def _update(db: sqlite3.Connection, run: int, update: dict[str, Any]) -> None:
        names = ", ".join(f'"{name}" = ?' for name in update)
        values = [
            json.dumps(value) if isinstance(value, dict) else value for value in update.values()
        ]
        db.execute(f"UPDATE runs SET {names} WHERE number = ?", (*values, run))

    def put_build(self, build: BuildRow) -> None:
        """Add a build or replace its line."""
        with self._transaction() as db:
            db.execute(
                f"INSERT OR REPLACE INTO builds ({_BUILD}) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    build.id,
                    build.environment,
                    build.engine,
                    build.key,
                    build.state.value,
                    build.started_at,
                    build.ended_at,
                    build.log,
                    build.reason,
                    build.run,
                    build.resolved,
                ),
            )

    def answer(self, request: int, at: float, answer: str = "") -> None:
        """Mark a request as handled; a non-empty answer says why it could not be done."""
        with self._transaction() as db:
            db.execute(
                "UPDATE requests SET handled_at = ?, answer = ? WHERE id = ?",
                (at, answer, request),
            )

    def forget(self, runs: Iterable[int], keys: Iterable[str]) -> None:
        """Remove runs and kept results; for `gc`."""
        with self._transaction() as db:
            for run in runs:
                for table, column in (
                    ("events", "run"),
                    ("stages", "run"),
                    ("requests", "run"),
                    ("runs", "number"),
                ):
                    db.execute(f"DELETE FROM {table} WHERE {column} = ?", (run,))
            db.executemany("DELETE FROM results WHERE key = ?", [(key,) for key in keys])


def _path(instance: Instance) -> str:
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


def _explain(error: sqlite3.Error, file: Path) -> JournalError:
    text = str(error)
    if "full" in text:
        return JournalError(f"the disk of {file} is full: free some space (`mltui gc`) and retry")
    if "readonly" in text or "unable to open" in text:
        return JournalError(f"{file} can't be written: the folder is read-only or not yours")
    if "malformed" in text or "not a database" in text:
        return JournalError(f"{file} is damaged ({text}): move it away, or restore a copy")
    if "locked" in text:
        return JournalError(f"{file} has been locked by another process for 10 s: try again")
    return JournalError(f"{file}: {text}")
