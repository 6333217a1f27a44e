"""One cluster's rows with indexes over them, which follow each change: what cluster rules ask.

Filled once for a recorded incident, and by `live.kube.ward` row by row for a live one; which rows a
change has judged again says `touched`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TypeAlias

from mltui.triage.kube import (
    Budget,
    Certificate,
    Claim,
    Event,
    Hidden,
    KubeFacts,
    Leaving,
    Node,
    Owner,
    Pod,
    Scaler,
    StorageClass,
    Workload,
    key_of,
)
from mltui.triage.kube_routes import Ingress, IngressClass, Service, Slice
from mltui.triage.labels import Labelled, attempt_of, forget

Subject: TypeAlias = (
    Pod | Workload | Service | Claim | Scaler | Node | Leaving | Budget | Certificate | Ingress
)
"""What a rule can examine."""
Row: TypeAlias = Subject | Event | StorageClass | IngressClass | Slice
_Object = tuple[str, str, str]
"""Kind, namespace and name."""
_Label = tuple[str, str]


class Cluster:
    """The rows of one cluster, how they hang together, and what may not be seen."""

    def __init__(
        self, name: str = "", at: float = 0.0, project: str = "", *, counts_slices: bool = False
    ) -> None:
        """`counts_slices`: how many addresses a Service has is counted here."""
        self.name = name
        """The kube-context."""
        self.at = at
        self.project = project
        self.due = float("inf")
        """When what was asked of `passed` since this was last set will be answered otherwise."""
        self.counts_slices = counts_slices
        self.is_filling = False
        """What a change touches is not asked: all will be judged."""
        self._hidden: frozenset[Hidden] = frozenset()
        self.subjects: dict[str, Subject] = {}
        self.nodes: dict[str, Node] = {}
        self.sick: dict[str, Pod] = {}
        """Pods that are not plainly well; of the others no rule has anything to say."""
        self.workloads: dict[_Object, Workload] = {}
        self._workloads: dict[str, dict[str, Workload]] = {}
        self.classes: dict[str, StorageClass] = {}
        self.ingress_classes: dict[str, IngressClass] = {}
        self._slices: dict[tuple[str, str], dict[str, Slice]] = {}
        self._events: dict[_Object, dict[Event, None]] = {}
        self._labelled = Labelled()
        self.owned: dict[_Object, dict[str, Pod | Workload]] = {}
        """By what made them."""
        self.claimed: dict[tuple[str, str], dict[str, Pod]] = {}
        """Pods by namespace and name of a claim that they use."""
        self._on_node: dict[str, dict[str, Pod]] = {}
        self._services: dict[str, dict[str, None]] = {}
        """Their names, by namespace."""
        self._selecting: dict[str, dict[_Label, dict[str, Service]]] = {}
        """By namespace and one of the labels that they choose by."""
        self.stranded: dict[str, set[str]] = {}
        """Services by namespace that reach no pod: what they may have meant is looked for."""
        self.budgets: dict[str, dict[str, Budget]] = {}
        self.ingresses: dict[str, dict[str, Ingress]] = {}
        self._attempts: dict[tuple[str, str, str], dict[str, Pod]] = {}

    @classmethod
    def of(cls, facts: KubeFacts, at: float, project: str = "") -> Cluster:
        """A cluster as it was at one moment."""
        found = cls(facts.cluster, at, project)
        found._hidden = frozenset(facts.hidden)
        for row in facts.rows():
            found.add(row)
        return found

    # --- rows come and go -----------------------------------------------------------------------

    def add(self, row: Row) -> None:
        """Take one in."""
        if isinstance(row, Pod):  # most of what comes
            self._add_pod(row)
        elif isinstance(row, Event):
            self._events.setdefault(row.about, {})[row] = None
        elif isinstance(row, StorageClass):
            self.classes[row.name] = row
        elif isinstance(row, IngressClass):
            self.ingress_classes[row.name] = row
        elif isinstance(row, Slice):
            self._slices.setdefault((row.namespace, row.service), {})[row.name] = row
            self._readdress(row.namespace, row.service)
        elif isinstance(row, Service):
            self._add_service(row)
        else:
            self.subjects[row.key] = row
        if isinstance(row, Workload):
            self.workloads[(row.kind, row.namespace, row.name)] = row
            self._workloads.setdefault(row.namespace, {})[row.key] = row
            owner = (row.owner.kind, row.namespace, row.owner.name)
            self.owned.setdefault(owner, {})[row.key] = row
        elif isinstance(row, Node):
            self.nodes[row.name] = row
        elif isinstance(row, Budget):
            self.budgets.setdefault(row.namespace, {})[row.key] = row
        elif isinstance(row, Ingress):
            self.ingresses.setdefault(row.namespace, {})[row.key] = row

    def drop(self, row: Row) -> None:
        """Take one out."""
        if isinstance(row, Pod):
            self._drop_pod(row)
        elif isinstance(row, Event):
            forget(self._events, row.about, row)
        elif isinstance(row, StorageClass):
            self.classes.pop(row.name, None)
        elif isinstance(row, IngressClass):
            self.ingress_classes.pop(row.name, None)
        elif isinstance(row, Slice):
            forget(self._slices, (row.namespace, row.service), row.name)
            self._readdress(row.namespace, row.service)
        else:
            self.subjects.pop(row.key, None)
        if isinstance(row, Workload):
            self.workloads.pop((row.kind, row.namespace, row.name), None)
            forget(self._workloads, row.namespace, row.key)
            forget(self.owned, (row.owner.kind, row.namespace, row.owner.name), row.key)
        elif isinstance(row, Service):
            forget(self._services, row.namespace, row.name)
            if row.selector:
                forget(self._selecting.get(row.namespace, {}), _label(row), row.key)
            self.stranded.get(row.namespace, set()).discard(row.key)
        elif isinstance(row, Node):
            self.nodes.pop(row.name, None)
        elif isinstance(row, Budget):
            forget(self.budgets, row.namespace, row.key)
        elif isinstance(row, Ingress):
            forget(self.ingresses, row.namespace, row.key)

    def hide(self, hidden: Iterable[Hidden]) -> bool:
        """From now on these kinds can't be seen, and all others can; whether that is different."""
        now = frozenset(hidden)
        if now == self._hidden:
            return False
        self._hidden = now
        for space, names in self._services.items():
            for name in names:
                self._readdress(space, name)
        return True

    def _add_service(self, row: Service) -> None:
        row = self._addressed(row)
        self.subjects[row.key] = row
        self._services.setdefault(row.namespace, {})[row.name] = None
        if row.selector:
            shelves = self._selecting.setdefault(row.namespace, {})
            shelves.setdefault(_label(row), {})[row.key] = row
            if not self.reached(row):
                self.stranded.setdefault(row.namespace, set()).add(row.key)

    def _readdress(self, namespace: str, name: str) -> None:
        known = self.service(namespace, name)
        if known is None:
            return
        new = self._addressed(known)
        self.subjects[new.key] = new
        if new.selector:
            self._selecting[namespace][_label(new)][new.key] = new

    def _addressed(self, service: Service) -> Service:
        """With the addresses of its slices; of none it is known where they can't be seen."""
        if not self.counts_slices:
            return service
        if not self.sees("EndpointSlice", service.namespace):
            return replace(service, ready=None, not_ready=0)
        found = self._slices.get((service.namespace, service.name), {}).values()
        ready, waiting = sum(x.ready for x in found), sum(x.not_ready for x in found)
        return replace(service, ready=ready, not_ready=waiting)

    def _add_pod(self, pod: Pod) -> None:
        key, space = pod.key, pod.namespace
        self.subjects[key] = pod
        self._labelled.add(pod)
        self.owned.setdefault((pod.owner.kind, space, pod.owner.name), {})[key] = pod
        for claim in pod.claims:
            self.claimed.setdefault((space, claim), {})[key] = pod
        if pod.node:
            self._on_node.setdefault(pod.node, {})[key] = pod
        if (stranded := self.stranded.get(space)) and not pod.is_over:
            stranded.difference_update([each.key for each in self.choosing(pod)])
        ours = self.is_our_stage(pod.labels)
        if ours:
            self._attempts.setdefault(attempt_of(pod), {})[key] = pod
        if not pod.is_well and not (pod.is_over and ours):
            self.sick[key] = pod

    def _drop_pod(self, pod: Pod) -> None:
        key, space = pod.key, pod.namespace
        self.subjects.pop(key, None)
        self.sick.pop(key, None)
        self._labelled.drop(pod)
        forget(self.owned, (pod.owner.kind, space, pod.owner.name), key)
        for claim in pod.claims:
            forget(self.claimed, (space, claim), key)
        if pod.node:
            forget(self._on_node, pod.node, key)
        if self.is_our_stage(pod.labels):
            forget(self._attempts, attempt_of(pod), key)
        for each in self.choosing(pod):
            if not self.reached(each):
                self.stranded.setdefault(space, set()).add(each.key)

    # --- what rules ask -------------------------------------------------------------------------

    def passed(self, since: float | None, limit_s: float) -> bool:
        """Whether so much time went by since a moment; time alone will bring it up again."""
        if since is None:
            return True
        left = since + limit_s - self.at
        if left > 0:
            self.due = min(self.due, since + limit_s)
        return left <= 0

    def sees(self, kind: str, namespace: str) -> bool:
        """Whether all objects of a kind there are known: only then is one that lacks not there."""
        return not ({Hidden(kind, namespace), Hidden(kind)} & self._hidden)

    def is_our_stage(self, labels: Mapping[str, str]) -> bool:
        """It is an attempt of this project: what failed of those is told with the stage."""
        ours = self.project and labels.get("mltui.project") == self.project
        return bool(ours) and "mltui.stage" in labels

    def pods_of_attempt(self, run: str, stage: str, attempt: str) -> Iterable[Pod]:
        """Pods of an attempt of this project."""
        return self._attempts.get((run, stage, attempt), {}).values()

    def events(self, kind: str, namespace: str, name: str, *reasons: str) -> list[Event]:
        """What was noted about an object, the newest last."""
        found = self._events.get((kind, namespace, name), ())
        chosen = [each for each in found if not reasons or each.reason in reasons]
        return sorted(chosen, key=_age)

    def owners(self, namespace: str, owner: Owner) -> list[tuple[str, str]]:
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
        chain = self.owners(pod.namespace, pod.owner)
        return chain[-1] if chain else ("Pod", pod.name)

    def jobs_of(self, job: Workload) -> list[Workload]:
        """The Jobs of the same CronJob; alone where none made it."""
        if not job.owner.name:
            return [job]
        own = (job.owner.kind, job.namespace, job.owner.name)
        owned = self.owned.get(own, {}).values()
        found = [x for x in owned if isinstance(x, Workload) and x.kind == "Job"]
        return found if job in found else [*found, job]

    def went_well(self, job: Workload) -> bool:
        """Whether a Job did its work in the end, or a later one of its CronJob did."""
        return any(
            each.is_complete and (each.created_at or 0.0) >= (job.created_at or 0.0)
            for each in self.jobs_of(job)
        )

    def is_done(self, pod: Pod) -> bool:
        """Whether the Job of a pod that failed went well with another one."""
        job = self.workloads.get((pod.owner.kind, pod.namespace, pod.owner.name))
        return job is not None and job.kind == "Job" and self.went_well(job)

    def follows(self, pod: Pod) -> tuple[str, ...]:
        """Keys of what a sick pod explains: itself, its owners, the Services that choose it."""
        chain = self.owners(pod.namespace, pod.owner)
        owners = [key_of(kind, pod.namespace, name) for kind, name in chain]
        return (pod.key, *owners, *sorted(each.key for each in self.choosing(pod)))

    def choosing(self, pod: Pod) -> Iterator[Service]:
        """The Services that choose a pod."""
        selecting = self._selecting.get(pod.namespace)
        if not selecting:
            return
        for pair in pod.labels.items():
            for each in selecting.get(pair, {}).values():
                if each.selector.items() <= pod.labels.items():
                    yield each

    def chosen(self, namespace: str, selector: Mapping[str, str]) -> list[Pod]:
        """Pods that a selector chooses."""
        return self._labelled.chosen(namespace, selector)

    def reached(self, service: Service) -> list[Pod]:
        """Pods that a Service leads to, ready or not: those that it chooses and that go on."""
        chosen = self.chosen(service.namespace, service.selector)
        return [pod for pod in chosen if not pod.is_over]

    def service(self, namespace: str, name: str) -> Service | None:
        """A Service by its name."""
        found = self.subjects.get(f"service:{namespace}/{name}")
        return found if isinstance(found, Service) else None

    def services_in(self, namespace: str) -> list[str]:
        """Names of the Services of a namespace."""
        return sorted(self._services.get(namespace, ()))

    def certificates_in(self, namespace: str) -> list[str]:
        """Names of the TLS Secrets of a namespace."""
        return sorted(
            x.name
            for x in self.subjects.values()
            if isinstance(x, Certificate) and x.namespace == namespace and not x.is_login
        )

    def users(self, namespace: str, claim: str) -> list[Pod]:
        """Pods that use a claim."""
        found = self.claimed.get((namespace, claim), {}).values()
        return sorted(found, key=lambda pod: pod.name)

    def guarded(self, budget: Budget) -> list[Pod]:
        """Pods that a budget keeps."""
        return self.chosen(budget.namespace, budget.selector) if budget.is_plain else []

    def owned_by(self, workload: Workload) -> int:
        """How many pods it has itself."""
        own = (workload.kind, workload.namespace, workload.name)
        return sum(isinstance(each, Pod) for each in self.owned.get(own, {}).values())

    def pods_on(self, node: str) -> list[Pod]:
        """Pods of a node."""
        found = self._on_node.get(node, {}).values()
        return sorted(found, key=lambda pod: pod.key)

    def workloads_in(self, namespace: str) -> list[Workload]:
        """Workloads of a namespace."""
        found = self._workloads.get(namespace, {}).values()
        return sorted(found, key=lambda each: each.key)

    def label_values(self, namespace: str) -> dict[str, set[str]]:
        """Labels that pods have there, or would have, and their values."""
        found = self._labelled.values(namespace)
        for each in self._workloads.get(namespace, {}).values():
            for name, value in each.labels.items():
                found.setdefault(name, set()).add(value)
        return found

    def place(self, key: str) -> str:
        """A key that no other cluster has: `pod:ns/name@kind`."""
        return f"{key}@{self.name}" if self.name else key

    def worth_asking(self) -> Iterator[str]:
        """Keys of what rules may have something to say of: all but pods that are well."""
        for key, row in self.subjects.items():
            if not isinstance(row, Pod) or key in self.sick:
                yield key

    def rows(self) -> list[Row]:
        """All rows, to be written down; addresses are counted in their Services."""
        events = [each for found in self._events.values() for each in found]
        classes: list[Row] = [*self.classes.values(), *self.ingress_classes.values()]
        return [*self.subjects.values(), *events, *classes]


def _label(service: Service) -> _Label:
    """The same one however they are ordered."""
    return min(service.selector.items())


def _age(event: Event) -> tuple[float, str, int, str]:
    """Events of one moment have an order too, whichever came first."""
    return (event.last_at or 0.0, event.message, event.count, event.id)
