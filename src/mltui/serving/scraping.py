"""Asks the replicas of a deployment for their metrics, and keeps what they say as series.

One task of the supervisor for each deployment whose service has a `metrics` path.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from contextlib import closing
from typing import Protocol

from mltui.errors import MltuiError
from mltui.serving import series
from mltui.serving.exposition import Scrape, between, read_exposition
from mltui.serving.ledger import Ledger
from mltui.serving.probing import Answer
from mltui.serving.rows import Replica

log = logging.getLogger("mltui.supervisor")

SCRAPE_S = float(os.environ.get("MLTUI_SCRAPE_S") or 15.0)
_PRUNE_S = 1_800.0


class Scraped(Protocol):
    """What is asked: the keeper of a deployment, whatever its replicas run on."""

    def ready_rows(self) -> list[Replica]:
        """Whom to ask."""
        ...

    def metrics_path(self) -> str | None:
        """For what; None: the service has no metrics."""
        ...

    async def ask(self, replica: Replica, path: str) -> Answer:
        """GET a path of a replica."""
        ...


class Scraper:
    """What was scraped last of each replica of a deployment."""

    def __init__(self, ledger: Ledger, deployment: str) -> None:
        self._ledger, self._deployment = ledger, deployment
        self._before: dict[int, Scrape] = {}
        self._at = 0.0
        self._said = ""

    async def keep(self, kept: Scraped) -> None:
        """Scrape again and again until cancelled."""
        pruned = 0.0
        while True:
            await asyncio.sleep(SCRAPE_S)
            try:
                found = kept.metrics_path()
                if found is not None:
                    await self._scrape(kept, found)
                if time.monotonic() - pruned > _PRUNE_S:
                    pruned = time.monotonic()
                    await asyncio.to_thread(self._prune)
            except MltuiError as error:
                log.warning("metrics of %s: %s", self._deployment, error)

    def _prune(self) -> None:
        with closing(Ledger.open(self._ledger.folder, write=True)) as ledger:
            series.prune(ledger, time.time())

    async def _scrape(self, kept: Scraped, path: str) -> None:
        asked = [replica for replica in kept.ready_rows() if replica.port is not None]
        answers = await asyncio.gather(*(kept.ask(replica, path) for replica in asked))
        at = time.monotonic()
        found: dict[int, Scrape] = {}
        problem = ""
        for replica, answer in zip(asked, answers, strict=True):
            if answer.problem or answer.status != 200:
                problem = answer.problem or f"answers {answer.status}"
                continue
            text = answer.body.decode("utf-8", "replace")
            found[replica.number] = await asyncio.to_thread(read_exposition, text)
            problem = problem or found[replica.number].problem
        if found:
            elapsed_s = max(at - self._at, 1e-3)
            pairs = [(self._before.get(number), scrape) for number, scrape in found.items()]
            values = between(pairs, elapsed_s)
            left = series.record(self._ledger, self._deployment, time.time(), values)
            if left:
                problem = f"more than {series.MAX_SERIES} series: {left:,} are left out"
        self._before, self._at = found, at
        self._say(f"{path}: {problem}" if problem else "")

    def _say(self, problem: str) -> None:
        """Say what is wrong with the metrics, once."""
        if problem != self._said:
            self._said = problem
            self._ledger.set_metrics_problem(self._deployment, problem)
            if problem:
                log.warning("metrics of %s: %s", self._deployment, problem)
