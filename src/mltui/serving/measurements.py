"""What is wanted of monitors, what they measured, and the journal of acts: the ledger's base.

Every method that writes is one transaction.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from mltui.runs.database import transaction
from mltui.serving.readings import FILE, Readings
from mltui.serving.rows import MonitorRow

KEPT_MEASUREMENTS = 2_000
"""Of each monitor."""


class Measurements(Readings):
    """The monitors' part of the serving journal, to write."""

    def transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        """All or nothing. JournalError when the file can't be written."""
        return transaction(self._db, self.folder / FILE)

    def want_monitor(self, name: str, target: str, every_s: float, by: str, what: str) -> None:
        """Switch a monitor on."""
        now = time.time()
        with self.transaction():
            self._want_monitor(name, target, every_s, now)
            self._note(now, by, f"{name}@{target}", what)

    def _want_monitor(self, name: str, target: str, every_s: float, now: float) -> None:
        found = self.monitor(name, target)
        keeps = found is not None and found.is_wanted and found.every_s == every_s
        if not keeps:
            # What keeps its times in a cluster stays known.
            self._db.execute(
                "INSERT INTO monitors (name, target, wanted, every_s, next_at) "
                "VALUES (?, ?, 1, ?, ?) ON CONFLICT (name, target) DO UPDATE SET wanted = 1, "
                "every_s = excluded.every_s, next_at = excluded.next_at, asked_at = NULL, "
                "running_since = NULL",
                (name, target, every_s, now + every_s),
            )

    def change_monitor(self, monitor: MonitorRow, by: str, what: str, **columns: Any) -> None:
        """Change a monitor's line; `what` empty: not an act of anybody."""
        with self.transaction() as db:
            names = ", ".join(f"{name} = ?" for name in columns)
            db.execute(
                f"UPDATE monitors SET {names} WHERE name = ? AND target = ?",
                (*columns.values(), monitor.name, monitor.target),
            )
            if what:
                self._note(time.time(), by, f"{monitor.name}@{monitor.target}", what)

    def note(self, by: str, deployment: str, what: str) -> None:
        """Add a line to the journal of acts."""
        with self.transaction():
            self._note(time.time(), by, deployment, what)

    def _note(self, at: float, by: str, deployment: str, what: str) -> None:
        self._db.execute(
            'INSERT INTO acts (at, "by", deployment, what) VALUES (?, ?, ?, ?)',
            (at, by, deployment, what),
        )

    # --- what was measured ------------------------------------------------------------------------

    def begin_measurement(self, monitor: MonitorRow, at: float, next_at: float) -> int:
        """A monitor begins; when it is due again. The measurement's id."""
        with self.transaction() as db:
            db.execute(
                "UPDATE monitors SET running_since = ?, next_at = ?, asked_at = NULL "
                "WHERE name = ? AND target = ?",
                (at, next_at, monitor.name, monitor.target),
            )
            return self._add_measurement(monitor, at, "")

    def begin_taking(self, monitor: MonitorRow, at: float, obj: str) -> int:
        """What a cluster measured at a time is to be taken. The measurement's id."""
        with self.transaction():
            return self._add_measurement(monitor, at, obj)

    def drop_measurement(self, measurement: int) -> None:
        """It is somebody else's."""
        with self.transaction() as db:
            db.execute("DELETE FROM measurements WHERE id = ?", (measurement,))

    def _add_measurement(self, monitor: MonitorRow, at: float, obj: str) -> int:
        cursor = self._db.execute(
            "INSERT INTO measurements (monitor, target, at, object) VALUES (?, ?, ?, ?)",
            (monitor.name, monitor.target, at, obj),
        )
        self._db.execute(
            "DELETE FROM measurements WHERE monitor = ?1 AND target = ?2 AND id <= (SELECT id "
            "FROM measurements WHERE monitor = ?1 AND target = ?2 ORDER BY id DESC "
            "LIMIT 1 OFFSET ?3)",
            (monitor.name, monitor.target, KEPT_MEASUREMENTS),
        )
        return int(cursor.lastrowid or 0)

    def end_measurement(
        self,
        monitor: MonitorRow,
        measurement: int,
        *,
        verdict: str,
        rows: int = 0,
        metrics: Mapping[str, float] | None = None,
        reason: str = "",
        run: int | None = None,
    ) -> None:
        """What a monitor measured, and the run that it started."""
        with self.transaction() as db:
            db.execute(
                "UPDATE measurements SET ended_at = ?, verdict = ?, rows = ?, metrics = ?, "
                "reason = ?, run = ? WHERE id = ?",
                (
                    time.time(),
                    verdict,
                    rows,
                    json.dumps(dict(metrics or {})),
                    reason,
                    run,
                    measurement,
                ),
            )
            db.execute(
                "UPDATE monitors SET running_since = NULL WHERE name = ? AND target = ? AND "
                "EXISTS (SELECT 1 FROM measurements WHERE id = ? AND object = '')",
                (monitor.name, monitor.target, measurement),
            )

    def say_meanwhile(self, measurement: int, reason: str) -> None:
        """Why a measurement takes so long."""
        with self.transaction() as db:
            db.execute("UPDATE measurements SET reason = ? WHERE id = ?", (reason, measurement))

    def set_outcome(self, measurement: int, outcome: str) -> None:
        """What became of the model of a run that a monitor started."""
        with self.transaction() as db:
            db.execute("UPDATE measurements SET outcome = ? WHERE id = ?", (outcome, measurement))
