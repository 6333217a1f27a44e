# ruff: noqa: PTH109, PTH110, PTH113, PTH118, PTH120
# `pathlib` alone would cost a tenth of what `mltui ls` may take.
"""Runs and stages as the journal has them, for `mltui ls`: JSON objects and table cells.

Reads the journal's tables itself, as plain values: decoding rows into their types would take three
times as long as Python takes to start. Tests hold it equal to `runs.journal` and `runs.codec`. Also
gives the run's object that ends `mltui run --json`.
"""

from __future__ import annotations

import json
import os.path
import sqlite3
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

KINDS = ("runs", "stages")
"""Lists of the journal."""
SERVING = ("services", "replicas", "versions", "monitors", "measurements", "metrics", "acts")
"""Lists of what is served and watched."""
SPEC_FILE = "mltui.yaml"
FOLDER = ".mltui"
VERSION = 2
"""Of the journal; see `runs.journal`."""

_RUN = (
    'number, state, target, created_at, started_at, ended_at, reason, "trigger", params, metrics, '
    "pinned, exit_code, idle_s"
)


def find_root() -> str:
    """The nearest folder with `mltui.yaml`, from here upwards. UsageError without one."""
    folder = os.getcwd()
    while not os.path.isfile(os.path.join(folder, SPEC_FILE)):
        above = os.path.dirname(folder)
        if above == folder:
            from pathlib import Path

            from mltui.runs.project import Project

            return str(Project.find(Path.cwd()).root)  # says what is wrong
        folder = above
    return folder


class Listing:
    """A journal, open for listing."""

    def __init__(self, root: str) -> None:
        self._folder = os.path.join(root, FOLDER)
        self._db: sqlite3.Connection | None = None
        self._has_runner: bool | None = None
        self._file = os.path.join(self._folder, "journal.db")
        if not os.path.exists(self._file):
            return
        try:
            self._db = sqlite3.connect(self._file, isolation_level=None, timeout=10.0)
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
        except sqlite3.Error as error:
            self._explain(error)
        if version != VERSION:
            self._upgrade()

    def __enter__(self) -> Listing:
        return self

    def __exit__(self, *_: object) -> None:
        if self._db is not None:
            self._db.close()

    def _upgrade(self) -> None:
        """Have the journal of an older mltui brought up to date. JournalError where it can't be."""
        from pathlib import Path

        from mltui.runs.journal import Journal

        Journal.open(Path(self._folder)).close()

    def _explain(self, error: sqlite3.Error | None) -> NoReturn:
        """Let the journal itself say what is wrong with it."""
        from pathlib import Path

        from mltui.errors import JournalError
        from mltui.runs.journal import Journal

        Journal.open(Path(self._folder)).close()
        raise JournalError(f"{self._file}: {error or 'it can not be read'}")

    def _rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        if self._db is None:
            return []
        try:
            return self._db.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            self._explain(error)

    @property
    def has_runner(self) -> bool:
        """Whether a runner is at work here."""
        if self._has_runner is None:
            from pathlib import Path

            from mltui.runs.lock import read_status

            self._has_runner = read_status(Path(self._folder)).alive
        return self._has_runner

    def runs(self, limit: int = -1) -> list[dict[str, Any]]:
        """Runs, newest first, as the journal has them and with the state they are in now."""
        rows = self._rows(f"SELECT {_RUN} FROM runs ORDER BY number DESC LIMIT ?", limit)
        return [self._run(row) for row in rows]

    def count(self) -> int:
        """How many runs there are."""
        rows = self._rows("SELECT count(*) FROM runs")
        return int(rows[0][0]) if rows else 0

    def run(self, number: int | None = None) -> dict[str, Any] | None:
        """One run, or the newest; None when there is none. UsageError on an unknown number."""
        if number is None:
            rows = self._rows(f"SELECT {_RUN} FROM runs ORDER BY number DESC LIMIT 1")
            return self._run(rows[0]) if rows else None
        rows = self._rows(f"SELECT {_RUN} FROM runs WHERE number = ?", number)
        if not rows:
            from mltui.cli.choose import no_such_run

            raise no_such_run(number, [row[0] for row in self._rows("SELECT number FROM runs")])
        return self._run(rows[0])

    def stages(self, run: int) -> list[dict[str, Any]]:
        """Rows of a run in the pipeline's order, as the journal has them."""
        rows = self._rows("SELECT row FROM stages WHERE run = ?", run)
        found = [json.loads(row[0]) for row in rows]
        found.sort(
            key=lambda row: (row["order"], row["path"], row["item"] is not None, row["item"] or "")
        )
        return found

    def _run(self, row: tuple[Any, ...]) -> dict[str, Any]:
        state, reason = row[1], row[6]
        if state in ("running", "pending") and not self.has_runner:
            # The words of `runs.client.effective_state`, which costs too much to ask.
            lost = state == "running"
            state = "unknown" if lost else state
            reason = (
                "its runner is gone: `mltui resume`"
                if lost
                else "no runner is there to start it: `mltui resume`"
            )
        return {
            "number": row[0],
            "state": state,
            "target": row[2],
            "created_at": row[3],
            "started_at": row[4],
            "ended_at": row[5],
            "reason": reason,
            "trigger": row[7],
            "params": json.loads(row[8]),
            "metrics": json.loads(row[9]),
            "pinned": bool(row[10]),
            "exit_code": row[11],
            "idle_s": row[12],
        }


def run_object(run: dict[str, Any]) -> dict[str, Any]:
    """A run as `-o json` gives it."""
    return {
        "run": run["number"],
        "state": run["state"],
        "target": run["target"],
        "started_at": timestamp(run["started_at"]),
        "ended_at": timestamp(run["ended_at"]),
        "params": run["params"],
        "metrics": run["metrics"],
        "trigger": run["trigger"],
    }


def stage_object(row: dict[str, Any], now: float) -> dict[str, Any]:
    """A stage's row as `-o json` gives it."""
    path = row["path"]
    return {
        "run": row["run"],
        "stage": row["stage"],
        "item": row["item"],
        "round": path[-1] if path else 1,
        "round_path": path,
        "attempt": row["attempt"],
        "state": row["state"],
        "failure": row.get("failure"),
        "phase": row["phase"],
        "engine": row.get("engine"),
        "target": row.get("target"),
        "started_at": timestamp(row.get("started_at")),
        "ended_at": timestamp(row.get("ended_at")),
        "duration": duration(row, now),
        "cached": row["state"] == "cached",
        "accepted": row.get("accepted"),
        "gate": row.get("gate"),
        "object": row.get("object"),
        "image": row.get("image"),
        "metrics": row.get("metrics", {}),
        "reason": row.get("reason", ""),
    }


def label(row: dict[str, Any]) -> str:
    """As people write it: `train~3`, `translate[en-es]~2`."""
    item = f"[{row['item']}]" if row["item"] is not None else ""
    rounds = "~" + ":".join(map(str, row["path"])) if row["path"] else ""
    return f"{row['stage']}{item}{rounds}"


def duration(row: dict[str, Any], now: float) -> float | None:
    """Seconds it took, or has taken so far; None before it started."""
    started, ended = row.get("started_at"), row.get("ended_at")
    if started is None or (ended is None and row["state"] not in ("running", "unknown")):
        return None
    seconds: float = (now if ended is None else ended) - started - row.get("idle_s", 0.0)
    return round(max(0.0, seconds), 3)


def timestamp(at: float | None) -> str | None:
    """RFC 3339, UTC, milliseconds."""
    if at is None:
        return None
    whole, milli = divmod(round(at * 1000), 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{milli:03}Z"
