"""The findings of one cluster, kept true row by row.

A change has the rules asked again about the rows that it touches and no others; time has them asked
about a row when what a rule said of it ends. Filled at once by `diagnosis` for a recorded incident.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from mltui.triage.cluster import Cluster, Row
from mltui.triage.finding import Finding
from mltui.triage.kube import Hidden, KubeFacts, Pod
from mltui.triage.rules import examining
from mltui.triage.touched import changed, hidden


class Examination:
    """A cluster and what is wrong in it."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.examined = 0
        """How often rules were asked about a row so far."""
        self._found: dict[str, tuple[Finding, ...]] = {}
        self._touched: set[str] = set()
        self._due: list[tuple[float, str]] = []
        self._due_of: dict[str, float] = {}

    @classmethod
    def of(cls, facts: KubeFacts, at: float, project: str = "") -> Examination:
        """A cluster as it was at one moment."""
        found = cls(Cluster.of(facts, at, project))
        found._touched.update(found.cluster.worth_asking())
        found.examine(at)
        return found

    def change(self, old: Row | None, new: Row | None) -> None:
        """A row came, went or reads otherwise."""
        self._touched |= changed(self.cluster, old, new)

    @contextmanager
    def filling(self) -> Iterator[None]:
        """Many rows come at once: all are judged after that, so what touches what is not asked."""
        self.cluster.is_filling = True
        try:
            yield
        finally:
            self.cluster.is_filling = False
            self._touched.update(self._found, self.cluster.worth_asking())

    def hide(self, kinds: Iterable[Hidden]) -> None:
        """These kinds can't be seen from now on."""
        self._touched |= hidden(self.cluster, kinds)

    @property
    def due_at(self) -> float | None:
        """When time alone will change something; None: never."""
        return self._due[0][0] if self._due else None

    def examine(self, at: float) -> bool:
        """Ask the rules about all that was touched, or is due; whether findings are different."""
        self.cluster.at = at
        while self._due and self._due[0][0] <= at:
            when, key = heapq.heappop(self._due)
            if self._due_of.get(key) == when:
                self._touched.add(key)
        touched, self._touched = self._touched, set()
        is_different = False
        for key in touched:
            before = self._found.pop(key, ())
            after = tuple(self._examined(key))
            if after:
                self._found[key] = after
            is_different = is_different or before != after
        return is_different

    def _examined(self, key: str) -> Iterator[Finding]:
        cluster = self.cluster
        row = cluster.subjects.get(key)
        self._due_of.pop(key, None)
        if row is None or (isinstance(row, Pod) and key not in cluster.sick):
            return
        self.examined += 1
        cluster.due = float("inf")
        for examine in examining(type(row).__name__):
            for finding in examine(cluster, row):
                yield placed(cluster, finding)
        if cluster.due < float("inf"):
            self._due_of[key] = cluster.due
            heapq.heappush(self._due, (cluster.due, key))

    def findings(self) -> list[Finding]:
        """All of them, in an order that does not depend on that of the changes."""
        return [each for key in sorted(self._found) for each in self._found[key]]


def placed(cluster: Cluster, finding: Finding) -> Finding:
    """A finding of a cluster, told apart from the same in another one."""
    if not cluster.name:
        return finding
    evidence = tuple(
        replace(each, opens=replace(each.opens, key=cluster.place(each.opens.key)))
        if each.opens is not None
        else each
        for each in finding.evidence
    )
    return replace(
        finding,
        key=cluster.place(finding.key),
        explains=tuple(map(cluster.place, finding.explains)),
        group=cluster.place(finding.group) if finding.group else "",
        evidence=evidence,
        cluster=cluster.name,
    )
