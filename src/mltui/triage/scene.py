"""The facts of a project with indexes over them: what its rules ask. Made for each diagnosis."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property

from mltui.triage.cluster import Cluster
from mltui.triage.facts import (
    BuildFact,
    ContainerFact,
    Declared,
    Facts,
    RunFact,
    StageFact,
)
from mltui.triage.kube import Pod


class Scene:
    """Facts, and how they hang together."""

    def __init__(self, facts: Facts, clusters: Sequence[Cluster] = ()) -> None:
        self.facts = facts
        self.at = facts.at
        self.clusters = clusters

    @cached_property
    def runs(self) -> dict[int, RunFact]:
        """Runs by number."""
        return {run.number: run for run in self.facts.runs}

    @cached_property
    def builds(self) -> dict[str, BuildFact]:
        """Builds by id."""
        return {build.id: build for build in self.facts.builds}

    @cached_property
    def _containers(self) -> dict[tuple[int | None, str], list[ContainerFact]]:
        found: dict[tuple[int | None, str], list[ContainerFact]] = {}
        for each in self.facts.containers:
            if each.stage and each.project == self.facts.project:
                stage = each.stage if "." not in each.stage else each.stage.rpartition(".")[0]
                found.setdefault((each.run, stage), []).append(each)
        return found

    def declared(self, stage: StageFact) -> Declared | None:
        """How the file declares a stage; None when it does so no longer."""
        return self.facts.declared.get(stage.stage)

    def containers_of(self, stage: StageFact) -> list[ContainerFact]:
        """The containers of a stage's attempts that are still there."""
        found = [each for each in self.facts.containers if stage.object and each.id == stage.object]
        for label in {stage.label, stage.label.removesuffix("~1")}:
            found += [x for x in self._containers.get((stage.run, label), ()) if x not in found]
        return found

    @cached_property
    def _newest(self) -> dict[tuple[int, str], tuple[int, ...]]:
        """Run and stage → the newest rounds that were entered."""
        found: dict[tuple[int, str], tuple[int, ...]] = {}
        for each in self.facts.stages:
            key = (each.run, each.stage)
            if each.state != "pending" or each.failure:
                found[key] = max(found.get(key, ()), each.path)
        return found

    @cached_property
    def _with_items(self) -> set[tuple[int, str, tuple[int, ...]]]:
        return {(x.run, x.stage, x.path) for x in self.facts.stages if x.item and x.failure}

    def is_current(self, stage: StageFact) -> bool:
        """Of the newest round; what failed in one that a person went on from is past."""
        return stage.path == self._newest.get((stage.run, stage.stage), stage.path)

    @cached_property
    def containers(self) -> tuple[ContainerFact, ...]:
        """Those that are nobody's stage: a stage's are told with it, or are past."""
        ours = self.facts.project
        return tuple(x for x in self.facts.containers if not (x.stage and x.project == ours))

    def pods_of(self, stage: StageFact) -> list[tuple[Cluster, Pod]]:
        """The pods of a stage's newest attempt that are still there, and where."""
        path = ".".join(map(str, stage.path)) or "1"
        return [
            (cluster, pod)
            for cluster in self.clusters
            for pod in cluster.pods_of_attempt(str(stage.run), stage.stage, str(stage.attempt))
            if re.sub(r"[^0-9]", ".", pod.labels.get("mltui.round", "1")) == path
            and pod.labels.get("mltui.item", "") == stage.item
        ]

    def failed(self, *kinds: str) -> Iterator[StageFact]:
        """Failed stages of these failure classes; of a `for_each` the items that failed."""
        for stage in self.facts.stages:
            if stage.state != "failed" or stage.failure not in kinds:
                continue
            is_whole = (stage.run, stage.stage, stage.path) in self._with_items
            if self.is_current(stage) and (stage.item or not is_whole):
                yield stage

    def rounds(self, stage: StageFact) -> list[StageFact]:
        """All rounds of a stage in its run and outer round, in order."""
        outer = stage.path[:-1]
        found = [
            x
            for x in self.facts.stages
            if (x.run, x.stage, x.item) == (stage.run, stage.stage, stage.item)
            and x.path[:-1] == outer
        ]
        return sorted(found, key=lambda each: each.path)
