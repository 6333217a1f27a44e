"""The journal: what happened in this project, in SQLite (WAL) at `.mltui/journal.db`.

Written by the runner (events, rows, results, builds) and, in short transactions, by whoever asks
for something (a run, a request). Everybody else reads (`readings`). Every method that writes is one
transaction.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mltui.errors import JournalError
from mltui.pipeline.rows import Instance, StageRow
from mltui.runs import codec
from mltui.runs.database import Layout, open_database, transaction
from mltui.runs.readings import BUILD, Readings, path_text
from mltui.runs.rows import BuildRow, Note, Result, RunRequest

if TYPE_CHECKING:
    from mltui.pipeline.model import Event

VERSION = 2
_CHECKPOINT_PAGES = 16_000
"""64 MiB: what a run of a thousand stages writes. Beyond it the log is folded into the journal."""
FOLDER = ".mltui"
FILE = "journal.db"

_SCHEMA = """
CREATE TABLE runs (
  number INTEGER PRIMARY KEY, state TEXT NOT NULL, target TEXT NOT NULL,
  created_at REAL NOT NULL, started_at REAL, ended_at REAL,
  reason TEXT NOT NULL DEFAULT '', exit_code INTEGER, "trigger" TEXT NOT NULL,
  "commit" TEXT, dirty INTEGER NOT NULL DEFAULT 0, params TEXT NOT NULL DEFAULT '{}',
  metrics TEXT NOT NULL DEFAULT '{}', request TEXT NOT NULL, pinned INTEGER NOT NULL DEFAULT 0,
  spec TEXT, idle_s REAL NOT NULL DEFAULT 0);
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
CREATE TABLE seals (name TEXT PRIMARY KEY, run INTEGER NOT NULL, reads TEXT NOT NULL) WITHOUT ROWID;
"""

_LAYOUT = Layout(
    VERSION, _SCHEMA, {1: "ALTER TABLE runs ADD COLUMN idle_s REAL NOT NULL DEFAULT 0"}
)

_PUT_EVENT = "INSERT INTO events (run, type, data) VALUES (?, ?, ?)"
_PUT_STAGE = "INSERT OR REPLACE INTO stages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_PUT_RESULT = "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_PUT_BUILD = f"INSERT OR REPLACE INTO builds ({BUILD}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_ANSWER = "UPDATE requests SET handled_at = ?, answer = ? WHERE id = ?"


NOTES = (
    "CREATE TABLE IF NOT EXISTS notes (run INTEGER PRIMARY KEY, text TEXT NOT NULL, "
    "tags TEXT NOT NULL)"
)
"""Made with the first note, so that journals from before have no other version."""


class Journal(Readings):
    """One connection to a project's journal. Not shared between threads."""

    @classmethod
    def open(cls, folder: Path, *, write: bool = False) -> Journal:
        """Open `.mltui/journal.db` in `folder`; with `write`, create it where it is missing.

        JournalError when it is missing (reading), read-only, full, or of a newer mltui.
        """
        file = folder / FILE
        if not write and not file.exists():
            raise JournalError(f"no runs yet in {folder.parent}: start one with `mltui run`")
        db = open_database(file, _LAYOUT, write=write)
        # A checkpoint waits for the disk, and so would the stages: not every few hundred of them.
        db.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        return cls(db, folder)

    def _transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        return transaction(self._db, self.folder / FILE)

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

    def repeat_run(self, run: int, seal: str, at: float, columns: dict[str, Any]) -> int | None:
        """Add a run with the history of another, dated `at`, and move the seal on to it.

        Its number; None when `run` is no longer the newest. `columns`: of its own line.
        """
        moment = json.dumps(at)
        with self._transaction() as db:
            newest = db.execute("SELECT max(number) FROM runs").fetchone()[0]
            if newest != run:
                return None
            cursor = db.execute(
                "INSERT INTO runs (state, target, created_at, started_at, ended_at, reason, "
                'exit_code, "trigger", params, metrics, request, spec) '
                'SELECT state, target, ?1, ?1, ?1, reason, exit_code, "trigger", params, '
                "metrics, request, spec FROM runs WHERE number = ?2",
                (at, run),
            )
            number = int(cursor.lastrowid or 0)
            db.execute(
                "INSERT INTO events (run, type, data) SELECT ?, type, "
                "json_set(data, '$.at', json(?)) FROM events WHERE run = ? ORDER BY id",
                (number, moment, run),
            )
            version = db.execute("SELECT max(id) FROM events").fetchone()[0]
            db.execute(
                "INSERT INTO stages SELECT ?1, stage, path, item, ?2, state, NULL, ?3, "
                "json_set(row, '$.run', ?1, '$.ended_at', json(?4)) FROM stages WHERE run = ?5",
                (number, version, at, moment, run),
            )
            self._update(db, number, columns)
            db.execute("UPDATE seals SET run = ? WHERE name = ?", (number, seal))
            return number

    def pin(self, run: int, pinned: bool) -> None:
        """Keep a run from `gc`, or no longer."""
        with self._transaction() as db:
            db.execute("UPDATE runs SET pinned = ? WHERE number = ?", (pinned, run))

    def put_note(self, run: int, note: Note) -> None:
        """What a person says of a run, in place of what was said before."""
        with self._transaction() as db:
            db.execute(NOTES)
            db.execute(
                "INSERT OR REPLACE INTO notes VALUES (?, ?, ?)",
                (run, note.text, json.dumps(list(note.tags))),
            )

    # --- the runner's -------------------------------------------------------------------------

    def append(
        self,
        run: int,
        events: Sequence[Event],
        rows: Iterable[StageRow] = (),
        *,
        gone: Iterable[Instance] = (),
        results: Iterable[Result] = (),
        builds: Iterable[BuildRow] = (),
        answers: Iterable[tuple[int, float, str]] = (),
        update: dict[str, Any] | None = None,
    ) -> None:
        """Journal events and what they change, all or nothing.

        `answers` are requests handled by this, as for `answer`. `update` are columns of the run's
        own line (`state`, `started_at`, `metrics` …).
        """
        with self._transaction() as db:
            db.executemany(_PUT_EVENT, [(run, *codec.encode_event(event)) for event in events])
            version = db.execute("SELECT coalesce(max(id), 0) FROM events").fetchone()[0]
            for instance in gone:
                db.execute(
                    "DELETE FROM stages WHERE run = ? AND stage = ? AND path = ? AND item = ?",
                    (run, instance.stage, path_text(instance), instance.item or ""),
                )
            db.executemany(_PUT_STAGE, [_stage_values(run, version, row) for row in rows])
            db.executemany(_PUT_RESULT, [_result_values(result) for result in results])
            db.executemany(_PUT_BUILD, [_build_values(build) for build in builds])
            db.executemany(
                _ANSWER, [(at, codec.kept(text), number) for number, at, text in answers]
            )
            if update:
                self._update(db, run, update)

    @staticmethod
    def _update(db: sqlite3.Connection, run: int, update: dict[str, Any]) -> None:
        names = ", ".join(f'"{name}" = ?' for name in update)
        values = [
            json.dumps(value)
            if isinstance(value, dict)
            else codec.kept(value)
            if isinstance(value, str)
            else value
            for value in update.values()
        ]
        db.execute(f"UPDATE runs SET {names} WHERE number = ?", (*values, run))

    def put_build(self, build: BuildRow) -> None:
        """Add a build or replace its line."""
        with self._transaction() as db:
            db.execute(_PUT_BUILD, _build_values(build))

    def answer(self, request: int, at: float, answer: str = "") -> None:
        """Mark a request as handled; a non-empty answer says why it could not be done."""
        with self._transaction() as db:
            db.execute(_ANSWER, (at, codec.kept(answer), request))

    def put_seal(self, name: str, run: int, reads: dict[str, Any]) -> None:
        """Keep what a run was decided from, for `unchanged`."""
        with self._transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO seals VALUES (?, ?, ?)", (name, run, json.dumps(reads))
            )

    def forget(self, runs: Iterable[int], keys: Iterable[str]) -> None:
        """Remove runs and kept results; for `gc`."""
        with self._transaction() as db:
            db.execute(NOTES)
            for run in runs:
                for table, column in (
                    ("notes", "run"),
                    ("events", "run"),
                    ("stages", "run"),
                    ("requests", "run"),
                    ("builds", "run"),
                    ("seals", "run"),
                    ("runs", "number"),
                ):
                    db.execute(f"DELETE FROM {table} WHERE {column} = ?", (run,))
            db.executemany("DELETE FROM results WHERE key = ?", [(key,) for key in keys])


def _stage_values(run: int, version: int, row: StageRow) -> tuple[Any, ...]:
    return (
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


def _result_values(result: Result) -> tuple[Any, ...]:
    return (
        result.key,
        result.stage,
        result.source,
        result.at,
        codec.encode_artifacts(result.outputs),
        json.dumps(dict(result.metrics)),
        json.dumps(dict(result.parts)),
        result.log,
    )


def _build_values(build: BuildRow) -> tuple[Any, ...]:
    return (
        build.id,
        build.environment,
        build.engine,
        build.key,
        build.state.value,
        build.started_at,
        build.ended_at,
        build.log,
        codec.kept(build.reason),
        build.run,
        build.resolved,
    )
