"""The serving journal as everybody may read it: SQLite (WAL) at `.mltui/serving.db`.

The base of `ledger.Ledger`, which adds what is written. Every method is an indexed statement or
two, so that it may be called where an event loop runs.
"""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

from mltui.pipeline.rows import Artifact
from mltui.serving.rows import (
    Act,
    BuiltAs,
    Course,
    Deployment,
    Health,
    Measurement,
    MonitorRow,
    Replica,
    Served,
    Standing,
    Version,
)

FILE = "serving.db"
DEPLOYMENT = (
    "service, target, wanted, replicas, version, port, restarted_at, state, reason, ready, front, "
    "changed_at"
)
REPLICA = (
    "deployment, number, version, health, made_at, host, port, object, ready_at, ended_at, reason"
)
MONITOR = "name, target, wanted, every_s, next_at, asked_at, running_since, cronjob, note"
MEASUREMENT = (
    "id, monitor, target, at, ended_at, verdict, rows, metrics, reason, run, outcome, object"
)


class Readings:
    """One connection to the serving journal. Not shared between threads."""

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

    def written(self) -> tuple[int, int]:
        """Changes whenever anything is written, by this connection too; costs microseconds."""
        return self.data_version(), self._db.total_changes

    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of a statement of `records` or `series`, whose tables are in this file too."""
        return self._db.execute(statement, values).fetchall()

    def deployments(self) -> list[Deployment]:
        """All deployments, by name."""
        rows = self._db.execute(f"SELECT {DEPLOYMENT} FROM deployments ORDER BY service, target")
        return [_deployment(row) for row in rows]

    def deployment(self, name: str) -> Deployment | None:
        """One deployment by its name, `classifier@local`."""
        service, _, target = name.partition("@")
        row = self._db.execute(
            f"SELECT {DEPLOYMENT} FROM deployments WHERE service = ? AND target = ?",
            (service, target),
        ).fetchone()
        return None if row is None else _deployment(row)

    def versions(self, deployment: str, *, limit: int = -1) -> list[Version]:
        """The versions of a deployment, newest first."""
        rows = self._db.execute(
            "SELECT deployment, number, data, course, reason FROM versions WHERE deployment = ? "
            "ORDER BY number DESC LIMIT ?",
            (deployment, limit),
        )
        return [_version(row) for row in rows]

    def version(self, deployment: str, number: int) -> Version | None:
        """One version."""
        row = self._db.execute(
            "SELECT deployment, number, data, course, reason FROM versions "
            "WHERE deployment = ? AND number = ?",
            (deployment, number),
        ).fetchone()
        return None if row is None else _version(row)

    def served_since(self, deployment: str) -> float:
        """When the first of its versions that got healthy was made; while none did, the newest."""
        versions = self.versions(deployment)
        served = [v.at for v in versions if v.course in (Course.SERVING, Course.REPLACED)]
        return min(served or [v.at for v in versions[:1]], default=0.0)

    def metrics_problem(self, deployment: str) -> str:
        """What is wrong with a deployment's metrics; empty: nothing is known to be."""
        rows = self.query("SELECT metrics FROM problems WHERE deployment = ?", deployment)
        return str(rows[0][0]) if rows else ""

    def replicas(self, deployment: str, *, gone: bool = False) -> list[Replica]:
        """The replicas there are; with `gone` also the last ones that are no more."""
        where = "" if gone else " AND health != 'gone'"
        rows = self._db.execute(
            f"SELECT {REPLICA} FROM replicas WHERE deployment = ?{where} ORDER BY number",
            (deployment,),
        )
        return [_replica(row) for row in rows]

    def monitors(self) -> list[MonitorRow]:
        """All monitors that were ever switched on, by name."""
        rows = self._db.execute(f"SELECT {MONITOR} FROM monitors ORDER BY name, target")
        return [MonitorRow(row[0], row[1], bool(row[2]), *row[3:]) for row in rows]

    def monitor(self, name: str, target: str) -> MonitorRow | None:
        """One monitor."""
        found = [m for m in self.monitors() if m.name == name and m.target == target]
        return found[0] if found else None

    def measurements(
        self, monitor: str | None = None, target: str | None = None, *, limit: int = 20
    ) -> list[Measurement]:
        """What monitors measured, newest first."""
        rows = self._db.execute(
            f"SELECT {MEASUREMENT} FROM measurements WHERE (?1 IS NULL OR monitor = ?1) "
            "AND (?2 IS NULL OR target = ?2) ORDER BY id DESC LIMIT ?3",
            (monitor, target, limit),
        )
        return [_measurement(row) for row in rows]

    def open_outcomes(self) -> list[Measurement]:
        """Measurements that started a run of which it is not yet known what came of it."""
        rows = self._db.execute(
            f"SELECT {MEASUREMENT} FROM measurements WHERE run IS NOT NULL AND outcome = ''"
        )
        return [_measurement(row) for row in rows]

    def runs_since(self, monitor: str, target: str, at: float) -> int:
        """How many runs a monitor has started since `at`, whenever it had measured."""
        row = self._db.execute(
            "SELECT count(*) FROM measurements WHERE monitor = ? AND target = ? AND "
            "ended_at >= ? AND run IS NOT NULL",
            (monitor, target, at),
        ).fetchone()
        return int(row[0])

    def measured(self, obj: str, at: float | None) -> Measurement | None:
        """What was taken from a cluster, by its Job and when that measured; None: whenever."""
        rows = self._db.execute(
            f"SELECT {MEASUREMENT} FROM measurements WHERE object = ?1 AND (?2 IS NULL OR "
            "at = ?2) ORDER BY id DESC LIMIT 1",
            (obj, at),
        ).fetchall()
        return _measurement(rows[0]) if rows else None

    def has_engine(self, target: str, engine: str) -> bool:
        """Whether a deployment on a target runs on this engine."""
        row = self._db.execute(
            "SELECT EXISTS (SELECT 1 FROM deployments AS d JOIN versions AS v ON v.deployment = "
            "d.service || '@' || d.target AND v.number = d.version WHERE d.target = ? AND "
            "json_extract(v.data, '$.engine') = ?)",
            (target, engine),
        ).fetchone()
        return bool(row[0])

    def acts(self, deployment: str | None = None, *, limit: int = 50) -> list[Act]:
        """Who did what, newest first."""
        rows = self._db.execute(
            'SELECT at, "by", deployment, what FROM acts WHERE ?1 IS NULL OR deployment = ?1 '
            "ORDER BY id DESC LIMIT ?2",
            (deployment, limit),
        )
        return [Act(*row) for row in rows]

    def is_needed(self) -> bool:
        """Whether there is work for a supervisor."""
        return bool(
            self._db.execute(
                "SELECT EXISTS (SELECT 1 FROM deployments WHERE wanted OR state NOT IN "
                "('stopped', 'failed')) OR EXISTS (SELECT 1 FROM monitors "
                "WHERE wanted OR asked_at IS NOT NULL OR cronjob != '')"
            ).fetchone()[0]
        )


def _deployment(row: Any) -> Deployment:
    wanted, state, front = bool(row[2]), Standing(row[7]), json.loads(row[10])
    return Deployment(
        row[0],
        row[1],
        wanted,
        row[3],
        row[4],
        row[5],
        row[6],
        state,
        row[8],
        row[9],
        front,
        row[11],
    )


def _replica(row: tuple[Any, ...]) -> Replica:
    deployment, number, version, health, *rest = row
    return Replica(deployment, number, version, Health(health), *rest)


def _measurement(row: tuple[Any, ...]) -> Measurement:
    values: list[Any] = list(row)
    values[7] = json.loads(row[7])
    return Measurement(*values)


def _version(row: tuple[Any, ...]) -> Version:
    data = json.loads(row[2])
    built = data["built"]
    return Version(
        row[0],
        row[1],
        data["run"],
        data["at"],
        data["by"],
        data["why"],
        data["spec"],
        data["code"],
        {name: _served(each) for name, each in data["inputs"].items()},
        data["params"],
        data["metrics"],
        data["engine"],
        None if built is None else BuiltAs(*built),
        Course(row[3]),
        row[4],
    )


def version_data(version: Version) -> str:
    """The part of a version that never changes, as the journal keeps it."""
    built = version.built
    return json.dumps(
        {
            "run": version.run,
            "at": version.at,
            "by": version.by,
            "why": version.why,
            "spec": version.spec,
            "code": version.code,
            "inputs": {
                name: [
                    None if one.artifact is None else _plain(one.artifact),
                    one.source,
                    {item: _plain(artifact) for item, artifact in one.items.items()},
                ]
                for name, one in version.inputs.items()
            },
            "params": dict(version.params),
            "metrics": dict(version.metrics),
            "engine": version.engine,
            "built": None if built is None else [built.key, built.resolved, built.location],
        }
    )


def _plain(artifact: Artifact) -> list[Any]:
    return [artifact.digest, artifact.size_bytes, artifact.is_folder]


def _served(data: list[Any]) -> Served:
    artifact = None if data[0] is None else Artifact(*data[0])
    return Served(artifact, data[1], {item: Artifact(*each) for item, each in data[2].items()})
