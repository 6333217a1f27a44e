"""The facts with indexes over them: what rules ask. Made once for a diagnosis."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property

from mltui.triage.facts import (
    BuildFact,
    ContainerFact,
    Declared,
    Facts,
    HostFact,
    RunFact,
    StageFact,
)
from mltui.triage.kube import Event, KubeFacts, Owner, Pod, Service, Workload


class Scene:
    """Facts, and how they hang together."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.at = facts.at
        self.cluster = Cluster(facts.kube, facts.at, facts.project)

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

    def pods_of(self, stage: StageFact) -> list[Pod]:
        """The pods of a stage's newest attempt that are still there."""
        key = (str(stage.run), stage.stage, str(stage.attempt))
        path = ".".join(map(str, stage.path)) or "1"
        return [
            pod
            for pod in self.cluster.attempts.get(key, ())
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

    def host_of(self, engine: str) -> HostFact | None:
        """The host that does not answer, of an engine."""
        down = (host for host in self.facts.hosts if host.engine == engine and not host.is_up)
        return next(down, None)


class Cluster:
    """A cluster's rows with indexes; made once for a diagnosis."""

    def __init__(self, facts: KubeFacts, at: float, project: str = "") -> None:
        self.facts = facts
        self.at = at
        self._project = project

    def is_our_stage(self, labels: Mapping[str, str]) -> bool:
        """It is an attempt of this project: what failed of those is told with the stage."""
        ours = self._project and labels.get("mltui.project") == self._project
        return bool(ours) and "mltui.stage" in labels

    @cached_property
    def attempts(self) -> dict[tuple[str, str, str], list[Pod]]:
        """Pods of this project's attempts by run, stage and attempt."""
        found: dict[tuple[str, str, str], list[Pod]] = {}
        for pod in self.facts.pods:
            if self.is_our_stage(pod.labels):
                names = ("mltui.run", "mltui.stage", "mltui.attempt")
                run, stage, attempt = (pod.labels.get(name, "") for name in names)
                found.setdefault((run, stage, attempt), []).append(pod)
        return found

    @cached_property
    def workloads(self) -> dict[tuple[str, str, str], Workload]:
        """Workloads by kind, namespace and name."""
        return {(x.kind, x.namespace, x.name): x for x in self.facts.workloads}

    @cached_property
    def _events(self) -> dict[tuple[str, str, str], list[Event]]:
        found: dict[tuple[str, str, str], list[Event]] = {}
        for each in self.facts.events:
            found.setdefault(each.about, []).append(each)
        for events in found.values():
            events.sort(key=lambda each: each.last_at or 0.0)
        return found

    def events(self, kind: str, namespace: str, name: str, *reasons: str) -> list[Event]:
        """What was noted about an object, the newest last."""
        found = self._events.get((kind, namespace, name), [])
        return [each for each in found if not reasons or each.reason in reasons]

    def owners(self, kind: str, namespace: str, owner: Owner) -> list[tuple[str, str]]:
        """The chain of owners, the nearest first: ReplicaSet, Deployment."""
        found: list[tuple[str, str]] = []
        while owner.name and len(found) < 5:
            found.append((owner.kind, owner.name))
            known = self.workloads.get((owner.kind, namespace, owner.name))
            if known is not None:
                owner = known.owner
            elif owner.kind == "ReplicaSet" and "-" in owner.name:
                owner = Owner("Deployment", owner.name.rpartition("-")[0])
            else:
                break
        return found

    def owner_of(self, pod: Pod) -> tuple[str, str]:
        """What a person would change: the Deployment, the Job, else the pod itself."""
        chain = self.owners("Pod", pod.namespace, pod.owner)
        return chain[-1] if chain else ("Pod", pod.name)

    def follows(self, pod: Pod) -> tuple[str, ...]:
        """Keys of what a sick pod explains: itself, its owners, the Services that choose it."""
        chain = self.owners("Pod", pod.namespace, pod.owner)
        owners = [f"{kind.lower()}:{pod.namespace}/{name}" for kind, name in chain]
        services = [
            x.key
            for x in self._selecting.get(pod.namespace, ())
            if all(pod.labels.get(name) == value for name, value in x.selector.items())
        ]
        return (pod.key, *owners, *services)

    @cached_property
    def _selecting(self) -> dict[str, list[Service]]:
        found: dict[str, list[Service]] = {}
        for each in self.facts.services:
            if each.selector:
                found.setdefault(each.namespace, []).append(each)
        return found

    @cached_property
    def sick(self) -> tuple[Pod, ...]:
        """Pods that are not plainly well; of the others no rule has anything to say."""
        over = ("Failed", "Succeeded")
        return tuple(
            pod
            for pod in self.facts.pods
            if not _is_well(pod) and not (pod.phase in over and self.is_our_stage(pod.labels))
        )

    def chosen(self, namespace: str, selector: Mapping[str, str]) -> list[Pod]:
        """Pods that a selector chooses."""
        lists = [self._labelled.get((namespace, *pair), ()) for pair in selector.items()]
        few = min(lists, key=len, default=())
        return [x for x in few if all(x.labels.get(k) == v for k, v in selector.items())]

    @cached_property
    def _labelled(self) -> dict[tuple[str, str, str], list[Pod]]:
        found: dict[tuple[str, str, str], list[Pod]] = {}
        for pod in self.facts.pods:
            for name, value in pod.labels.items():
                found.setdefault((pod.namespace, name, value), []).append(pod)
        return found

    @cached_property
    def pods_in(self) -> dict[str, list[Pod]]:
        """Pods by namespace."""
        found: dict[str, list[Pod]] = {}
        for each in self.facts.pods:
            found.setdefault(each.namespace, []).append(each)
        return found


def _is_well(pod: Pod) -> bool:
    """It runs, all of it is ready and was never restarted; or it is done."""
    if pod.deleting_since is not None or pod.reason:
        return False
    if pod.phase == "Succeeded":
        return not any(each.last_lines for each in pod.containers)
    return pod.phase == "Running" and all(
        not each.restarts
        and ((each.state == "running" and each.is_ready) or (each.is_init and not each.exit_code))
        for each in pod.containers
    )
