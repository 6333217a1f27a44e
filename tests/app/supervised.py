"""A project whose service is served: what a supervisor would write.

Its lock is held, so that none is started.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace

from mltui.runs.lock import SUPERVISOR, RunnerLock
from mltui.runs.project import Project
from mltui.serving.ledger import Ledger
from mltui.serving.rows import Health, Served, Standing, Version

NAME = "classifier@local"


class Supervised:
    """What a supervisor would write."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.lock = RunnerLock(project.folder, SUPERVISOR)
        assert self.lock.take()

    def ledger(self) -> Ledger:
        return Ledger.open(self.project.folder, write=True)

    def deploy(self, run: int, accuracy: float, why: str = "deployed") -> None:
        now = time.time()
        store = self.project.store()
        served = {"model": Served(store.put_text(f"model of {run}"), f"train~4 of run {run}")}
        version = Version(
            NAME, 0, run, now, "ada@lab", why, store.put_text("spec").digest,
            store.put_text("code").digest, served, {}, {"evaluate.accuracy": accuracy},
        )  # fmt: skip
        with closing(self.ledger()) as ledger:
            ledger.want_version(
                version, replicas=2, port=8080, what=f"deployed run {run}",
                monitors=[("drift", 3_600.0)],
            )  # fmt: skip

    def settle(self) -> None:
        """Every replica that is wanted is there and well."""
        with closing(self.ledger()) as ledger:
            wanted = ledger.deployment(NAME)
            assert wanted is not None
            version = ledger.version(NAME, wanted.version)
            assert version is not None
            for old in ledger.replicas(NAME):
                ledger.put_replica(replace(old, health=Health.GONE))
            for _ in range(wanted.replicas):
                row = ledger.next_replica(version, 40_000, time.time() - 90)
                ledger.put_replica(replace(row, health=Health.READY, object="1:2:3"))
            ledger.settle(wanted)
            ledger.set_state(NAME, Standing.READY, "", wanted.replicas)
