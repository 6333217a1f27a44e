"""The serving journal: what is wanted of services and monitors, and what became of it.

What is wanted is written by whoever asks (CLI, app, a monitor), what is there by the supervisor
alone. A file beside the journal of runs: it is written every few seconds. Every method that writes
is one transaction.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mltui.errors import Conflict, JournalError
from mltui.runs.database import open_database
from mltui.serving.layout import LAYOUT
from mltui.serving.measurements import Measurements
from mltui.serving.readings import DEPLOYMENT, FILE, REPLICA, version_data
from mltui.serving.rows import (
    BuiltAs,
    Course,
    Deployment,
    Health,
    Replica,
    Standing,
    Version,
)

KEPT_GONE = 20
"""Replicas that are no more and still listed, of each deployment."""
_PUT_REPLICA = f"INSERT OR REPLACE INTO replicas ({REPLICA}) VALUES ({', '.join('?' * 11)})"
_PUT_DEPLOYMENT = (
    f"INSERT OR REPLACE INTO deployments ({DEPLOYMENT}) VALUES ({', '.join('?' * 12)})"
)


class Ledger(Measurements):
    """One connection that may write. Not shared between threads."""

    @classmethod
    def open(cls, folder: Path, *, write: bool = False) -> Ledger:
        """Open `.mltui/serving.db`; with `write`, create it where it is missing.

        JournalError when it is missing (reading), can't be used, or is of a newer mltui.
        """
        file = folder / FILE
        if not write and not file.exists():
            raise JournalError(f"nothing is served in {folder.parent}: begin with `mltui deploy`")
        return cls(open_database(file, LAYOUT, write=write), folder)

    # --- what is wanted -------------------------------------------------------------------------

    def want_version(
        self,
        version: Version,
        *,
        replicas: int,
        port: int | None,
        what: str,
        expected: int | None = None,
        monitors: Iterable[tuple[str, float]] = (),
    ) -> int:
        """Add a version to its deployment and want it; its number (`version.number` is ignored).

        `replicas` and `port` are for a deployment that is new or was stopped. `expected`: the
        version that must be wanted now (0: none), else Conflict: somebody else was faster.
        `monitors`: name and period of those that watch it.
        """
        name, now = version.deployment, version.at
        with self.transaction() as db:
            before = self.deployment(name)
            self._expect(before, name, expected)
            row = db.execute("SELECT max(number) FROM versions WHERE deployment = ?", (name,))
            number = (row.fetchone()[0] or 0) + 1
            db.execute(
                "INSERT INTO versions (deployment, number, data, course) VALUES (?, ?, ?, ?)",
                (name, number, version_data(version), Course.WAITING.value),
            )
            service, _, target = name.partition("@")
            if before is None:
                before = Deployment(
                    service, target, False, replicas, number, port, 0.0, Standing.STOPPED
                )
            if not before.is_wanted:
                before = replace(before, port=port, replicas=replicas)
            db.execute(
                "UPDATE versions SET course = 'failed', reason = ? "
                "WHERE deployment = ? AND number < ? AND course = 'waiting'",
                (f"version {number} was wanted before it served", name, number),
            )
            state = Standing.REPLACING if before.ready else Standing.STARTING
            self._put(replace(before, is_wanted=True, version=number, state=state, reason=""), now)
            for monitor, every_s in monitors:
                self._want_monitor(monitor, target, every_s, now)
            self._note(now, version.by, name, f"{what} (version {number})")
        return number

    def _expect(self, found: Deployment | None, name: str, expected: int | None) -> None:
        there = found.version if found is not None and found.is_wanted else 0
        if expected is not None and there != expected:
            raise Conflict(
                f"{name} is at version {there or 'none'} by now, not {expected or 'none'}: "
                "somebody else has changed it; look again"
            )

    def change(
        self,
        name: str,
        by: str,
        what: str,
        *,
        expected: int | None = None,
        **columns: Any,
    ) -> None:
        """Want something else of a deployment: `is_wanted`, `replicas`, `restarted_at`, ….

        Conflict when it is gone, or serves another version than was `expected`.
        """
        now = time.time()
        with self.transaction() as db:
            found = self.deployment(name)
            if found is None:
                raise Conflict(f"there is no deployment {name} any more")
            self._expect(found, name, expected)
            self._put(replace(found, **columns), now)
            # Whoever wants it again has a version tried again that was given up.
            db.execute(
                "UPDATE versions SET course = 'waiting', reason = '' "
                "WHERE deployment = ? AND number = ? AND course = 'failed'",
                (name, found.version),
            )
            self._note(now, by, name, what)

    # --- what is there: the supervisor's ----------------------------------------------------------

    def next_replica(self, version: Version, port: int | None, at: float) -> Replica:
        """Note the intention to start a replica; it gets its number."""
        with self.transaction() as db:
            row = db.execute(
                "SELECT max(number) FROM replicas WHERE deployment = ?", (version.deployment,)
            )
            number = (row.fetchone()[0] or 0) + 1
            replica = Replica(
                version.deployment, number, version.number, Health.STARTING, at, port=port
            )
            self._put_replica(replica)
        return replica

    def put_replica(self, replica: Replica) -> None:
        """Write a replica's line; of those that are gone only the newest are kept."""
        with self.transaction() as db:
            self._put_replica(replica)
            if replica.health is Health.GONE:
                db.execute(
                    "DELETE FROM replicas WHERE deployment = ?1 AND health = 'gone' AND number <= "
                    "(SELECT number FROM replicas WHERE deployment = ?1 AND health = 'gone' "
                    "ORDER BY number DESC LIMIT 1 OFFSET ?2)",
                    (replica.deployment, KEPT_GONE),
                )

    def _put_replica(self, replica: Replica) -> None:
        self._db.execute(
            _PUT_REPLICA,
            (
                replica.deployment,
                replica.number,
                replica.version,
                replica.health.value,
                replica.made_at,
                replica.host,
                replica.port,
                replica.object,
                replica.ready_at,
                replica.ended_at,
                replica.reason,
            ),
        )

    def set_state(
        self, name: str, state: Standing, reason: str, ready: int, of: Deployment | None = None
    ) -> None:
        """How a deployment stands; written only when it differs.

        `of`: what was wanted when it was looked at. Where something else is wanted by now, how it
        stood says nothing any more, and is not written.
        """
        found = self.deployment(name)
        if found is None or (found.state, found.reason, found.ready) == (state, reason, ready):
            return
        with self.transaction():
            found = self.deployment(name)
            assert found is not None
            if of is None or found.wish == of.wish:
                self._put(replace(found, state=state, reason=reason, ready=ready), time.time())

    def set_front(self, name: str, front: Mapping[str, Any]) -> None:
        """Which front holds a deployment's port; empty: none."""
        with self.transaction() as db:
            service, _, target = name.partition("@")
            db.execute(
                "UPDATE deployments SET front = ? WHERE service = ? AND target = ?",
                (json.dumps(dict(front)), service, target),
            )

    def set_metrics_problem(self, deployment: str, problem: str) -> None:
        """What is wrong with a deployment's metrics; empty: nothing."""
        with self.transaction() as db:
            db.execute("INSERT OR REPLACE INTO problems VALUES (?, ?)", (deployment, problem))

    def settle(self, deployment: Deployment) -> None:
        """The wanted version serves: the one before it is replaced."""
        with self.transaction() as db:
            db.execute(
                "UPDATE versions SET course = CASE number WHEN ?2 THEN 'serving' ELSE 'replaced' "
                "END WHERE deployment = ?1 AND (number = ?2 OR course = 'serving')",
                (deployment.name, deployment.version),
            )

    def give_back(self, deployment: Deployment, reason: str, now: float) -> Version | None:
        """A version does not get healthy: want the one that serves again. None when none does."""
        with self.transaction() as db:
            found = self.deployment(deployment.name)
            if found is None or found.version != deployment.version:
                return None  # somebody wants another one by now
            db.execute(
                "UPDATE versions SET course = 'failed', reason = ? "
                "WHERE deployment = ? AND number = ?",
                (reason, deployment.name, deployment.version),
            )
            row = db.execute(
                "SELECT number FROM versions WHERE deployment = ? AND course = 'serving' "
                "AND number != ? ORDER BY number DESC",
                (deployment.name, deployment.version),
            ).fetchone()
            if row is None:
                self._put(replace(found, state=Standing.FAILED, reason=reason), now)
                self._note(now, "mltui", found.name, f"version {found.version} failed: {reason}")
                return None
            what = f"version {found.version} did not get healthy, back to version {row[0]}"
            self._put(replace(found, version=row[0], reason=f"{what}: {reason}"), now)
            self._note(now, "mltui", found.name, f"{what}: {reason}")
            return self.version(found.name, row[0])

    def set_built(self, version: Version, built: BuiltAs) -> Version:
        """The environment of a version is ready; the version with it."""
        known = replace(version, built=built)
        with self.transaction() as db:
            db.execute(
                "UPDATE versions SET data = ? WHERE deployment = ? AND number = ?",
                (version_data(known), version.deployment, version.number),
            )
        return known

    def _put(self, found: Deployment, now: float) -> None:
        self._db.execute(
            _PUT_DEPLOYMENT,
            (
                found.service,
                found.target,
                int(found.is_wanted),
                found.replicas,
                found.version,
                found.port,
                found.restarted_at,
                found.state.value,
                found.reason,
                found.ready,
                json.dumps(dict(found.front)),
                now,
            ),
        )
