"""One cluster's rows with indexes over them, which follow each change: what cluster rules ask.

Filled once for a recorded incident, and by `live.kube.ward` row by row for a live one. A change
says which rows have to be judged again: the row itself and those whose findings look at it.
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
    Service,
    Slice,
    StorageClass,
    Workload,
    key_of,
)
from mltui.triage.kube_routes import Ingress
from mltui.triage.labels import Labelled, attempt_of, forget

Subject: TypeAlias = (
    Pod | Workload | Service | Claim | Scaler | Node | Leaving | Budget | Certificate | Ingress
)
"""What a rule can examine."""
Row: TypeAlias = Subject | Event | StorageClass | Slice
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
        self._slices: dict[tuple[str, str], dict[str, Slice]] = {}
        self._events: dict[_Object, dict[Event, None]] = {}
        self._labelled = Labelled()
        self._owned: dict[_Object, dict[str, Pod | Workload]] = {}
        self._users: dict[tuple[str, str], dict[str, Pod]] = {}
        self._on_node: dict[str, dict[str, Pod]] = {}
        self._selecting: dict[str, dict[_Label, dict[str, Service]]] = {}
        """By namespace and one of the labels that they choose by."""
        self._stranded: dict[str, set[str]] = {}
        """Services by namespace that reach no pod: what they may have meant is looked for."""
        self._budgets: dict[str, dict[str, Budget]] = {}
        self._ingresses: dict[str, dict[str, Ingress]] = {}
        self._attempts: dict[tuple[str, str, str], dict[str, Pod]] = {}

    @classmethod
    def of(cls, facts: KubeFacts, at: float, project: str = "") -> Cluster:
        """A cluster as it was at one moment."""
        found = cls(facts.cluster, at, project)
        found._hidden = frozenset(facts.hidden)
        found.is_filling = True
        for row in facts.rows():
            found.change(None, row)
        found.is_filling = False
        return found

    # --- changes --------------------------------------------------------------------------------

    def change(self, old: Row | None, new: Row | None) -> set[str]:
        """A row came, went or reads otherwise; keys of what has to be judged again."""
        if self.is_filling and old is None and isinstance(new, Pod):  # most of what comes
            self._add_pod(new)
            return set()
        new = self._addressed(new) if isinstance(new, Service) else new
        if isinstance(old, Service) and isinstance(known := self.subjects.get(old.key), Service):
            old = known
        touched: set[str] = set()
        if old is not None:
            touched |= self._relatives(old)
            self._drop(old)
        if new is not None:
            self._add(new)
            touched |= self._relatives(new)
        if isinstance(old or new, Workload):
            touched |= self._of_owner(old, new)
        for each in (old, new):
            if isinstance(each, Slice):
                key = f"service:{each.namespace}/{each.service}"
                known = self.subjects.get(key)
                if isinstance(known, Service):
                    touched |= self._readdress(known)
        return touched

    def hide(self, hidden: Iterable[Hidden]) -> set[str]:
        """From now on these kinds can't be seen there, and all others can."""
        now = frozenset(hidden)
        if now == self._hidden:
            return set()
        self._hidden = now
        for each in [x for x in self.subjects.values() if isinstance(x, Service)]:
            self._readdress(each)
        return set(self.subjects)

    def _relatives(self, row: Row) -> set[str]:
        if self.is_filling:
            return set()
        if isinstance(row, Event):
            return {key_of(*row.about)}
        if isinstance(row, StorageClass):
            return {key for key, x in self.subjects.items() if isinstance(x, Claim)}
        if isinstance(row, Slice):
            return set()
        found = {row.key}
        if isinstance(row, Pod):
            space = row.namespace
            found.update(x.key for x in self._choosing(row))
            found.update(self._stranded.get(space, ()))
            chain = self.owners(space, row.owner)
            found.update(key_of(kind, space, name) for kind, name in chain)
            found.update(self._claims_of((row,)))
            found.update(x.key for x in self._budgets.get(space, {}).values() if x.chooses(row))
            if row.node:
                found.add(f"node:{row.node}")
        elif isinstance(row, Service):
            chosen = self.chosen(row.namespace, row.selector)
            found.update(pod.key for pod in chosen if pod.key in self.sick)
            found.update(self._claims_of(chosen))
            # Those that lead to none by their name ask which there are.
            found.update(self._ingresses.get(row.namespace, ()))
        elif isinstance(row, Workload):
            if row.kind == "Job":  # its pods are past once it, or its like, went well
                for job in self._jobs_of(row):
                    found.add(job.key)
                    found.update(self._owned.get((job.kind, job.namespace, job.name), ()))
        elif isinstance(row, Node):
            found.update(self.sick)
            found.update(key for kept in self._budgets.values() for key in kept)
        return found

    def _of_owner(self, old: Row | None, new: Row | None) -> set[str]:
        """What a workload's own owner decides: how its pods and ReplicaSets are named."""
        row = new if isinstance(new, Workload) else old
        assert isinstance(row, Workload)
        found = set(self._stranded.get(row.namespace, ()))
        before = old.owner if isinstance(old, Workload) else None
        after = new.owner if isinstance(new, Workload) else None
        if before != after:
            own = (row.kind, row.name)
            found.update(
                pod.key
                for pod in self.sick.values()
                if pod.namespace == row.namespace and own in self.owners(pod.namespace, pod.owner)
            )
            children = self._owned.get((row.kind, row.namespace, row.name), {}).values()
            found.update(each.key for each in children)
            for (space, name), pods in self._users.items():
                if space == row.namespace and any(
                    own in self.owners(space, pod.owner) for pod in pods.values()
                ):
                    found.add(f"claim:{space}/{name}")
        return found

    def _claims_of(self, pods: Iterable[Pod]) -> Iterator[str]:
        """Claims whose findings explain what these pods lead to."""
        for pod in pods:
            for name in pod.claims:
                yield f"claim:{pod.namespace}/{name}"

    def _readdress(self, service: Service) -> set[str]:
        new = self._addressed(service)
        if new == service:
            return set()
        self.subjects[service.key] = new
        if new.selector:
            self._selecting[new.namespace][_label(new)][new.key] = new
        return {service.key}

    def _addressed(self, service: Service) -> Service:
        """With the addresses of its slices; of none it is known where they can't be seen."""
        if not self.counts_slices:
            return service
        if not self.sees("EndpointSlice", service.namespace):
            return replace(service, ready=None, not_ready=0)
        found = self._slices.get((service.namespace, service.name), {}).values()
        ready, waiting = sum(x.ready for x in found), sum(x.not_ready for x in found)
        return replace(service, ready=ready, not_ready=waiting)

    def _add(self, row: Row) -> None:
        if isinstance(row, Event):
            self._events.setdefault(row.about, {})[row] = None
        elif isinstance(row, StorageClass):
            self.classes[row.name] = row
        elif isinstance(row, Slice):
            self._slices.setdefault((row.namespace, row.service), {})[row.name] = row
        elif isinstance(row, Pod):
            self._add_pod(row)
        else:
            self.subjects[row.key] = row
        if isinstance(row, Workload):
            self.workloads[(row.kind, row.namespace, row.name)] = row
            self._workloads.setdefault(row.namespace, {})[row.key] = row
            owner = (row.owner.kind, row.namespace, row.owner.name)
            self._owned.setdefault(owner, {})[row.key] = row
        elif isinstance(row, Service) and row.selector:
            shelves = self._selecting.setdefault(row.namespace, {})
            shelves.setdefault(_label(row), {})[row.key] = row
            if not self.reached(row):
                self._stranded.setdefault(row.namespace, set()).add(row.key)
        elif isinstance(row, Node):
            self.nodes[row.name] = row
        elif isinstance(row, Budget):
            self._budgets.setdefault(row.namespace, {})[row.key] = row
        elif isinstance(row, Ingress):
            self._ingresses.setdefault(row.namespace, {})[row.key] = row

    def _drop(self, row: Row) -> None:
        if isinstance(row, Event):
            forget(self._events, row.about, row)
        elif isinstance(row, StorageClass):
            self.classes.pop(row.name, None)
        elif isinstance(row, Slice):
            forget(self._slices, (row.namespace, row.service), row.name)
        else:
            self.subjects.pop(row.key, None)
        if isinstance(row, Pod):
            self._drop_pod(row)
        elif isinstance(row, Workload):
            self.workloads.pop((row.kind, row.namespace, row.name), None)
            forget(self._workloads, row.namespace, row.key)
            forget(self._owned, (row.owner.kind, row.namespace, row.owner.name), row.key)
        elif isinstance(row, Service):
            if row.selector:
                forget(self._selecting.get(row.namespace, {}), _label(row), row.key)
            self._stranded.get(row.namespace, set()).discard(row.key)
        elif isinstance(row, Node):
            self.nodes.pop(row.name, None)
        elif isinstance(row, Budget):
            forget(self._budgets, row.namespace, row.key)
        elif isinstance(row, Ingress):
            forget(self._ingresses, row.namespace, row.key)

    def _add_pod(self, pod: Pod) -> None:
        key, space = pod.key, pod.namespace
        self.subjects[key] = pod
        self._labelled.add(pod)
        self._owned.setdefault((pod.owner.kind, space, pod.owner.name), {})[key] = pod
        for claim in pod.claims:
            self._users.setdefault((space, claim), {})[key] = pod
        if pod.node:
            self._on_node.setdefault(pod.node, {})[key] = pod
        if (stranded := self._stranded.get(space)) and not pod.is_over:
            stranded.difference_update([each.key for each in self._choosing(pod)])
        ours = self.is_our_stage(pod.labels)
        if ours:
            self._attempts.setdefault(attempt_of(pod), {})[key] = pod
        if not pod.is_well and not (pod.is_over and ours):
            self.sick[key] = pod

    def _drop_pod(self, pod: Pod) -> None:
        key, space = pod.key, pod.namespace
        self.sick.pop(key, None)
        self._labelled.drop(pod)
        forget(self._owned, (pod.owner.kind, space, pod.owner.name), key)
        for claim in pod.claims:
            forget(self._users, (space, claim), key)
        if pod.node:
            forget(self._on_node, pod.node, key)
        if self.is_our_stage(pod.labels):
            forget(self._attempts, attempt_of(pod), key)
        for each in self._choosing(pod):
            if not self.reached(each):
                self._stranded.setdefault(space, set()).add(each.key)

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
        return sorted(chosen, key=lambda each: (each.last_at or 0.0, each.message, each.count))

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

    def _jobs_of(self, job: Workload) -> list[Workload]:
        """The Jobs of the same CronJob; alone where none made it."""
        if not job.owner.name:
            return [job]
        own = (job.owner.kind, job.namespace, job.owner.name)
        owned = self._owned.get(own, {}).values()
        found = [x for x in owned if isinstance(x, Workload) and x.kind == "Job"]
        return found if job in found else [*found, job]

    def went_well(self, job: Workload) -> bool:
        """Whether a Job did its work in the end, or a later one of its CronJob did."""
        return any(
            each.is_complete and (each.created_at or 0.0) >= (job.created_at or 0.0)
            for each in self._jobs_of(job)
        )

    def is_done(self, pod: Pod) -> bool:
        """Whether the Job of a pod that failed went well with another one."""
        job = self.workloads.get((pod.owner.kind, pod.namespace, pod.owner.name))
        return job is not None and job.kind == "Job" and self.went_well(job)

    def follows(self, pod: Pod) -> tuple[str, ...]:
        """Keys of what a sick pod explains: itself, its owners, the Services that choose it."""
        chain = self.owners(pod.namespace, pod.owner)
        owners = [key_of(kind, pod.namespace, name) for kind, name in chain]
        return (pod.key, *owners, *sorted(each.key for each in self._choosing(pod)))

    def _choosing(self, pod: Pod) -> Iterator[Service]:
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
        found = (x for x in self.subjects.values() if isinstance(x, Service))
        return sorted(each.name for each in found if each.namespace == namespace)

    def users(self, claim: Claim) -> list[Pod]:
        """Pods that use a claim."""
        found = self._users.get((claim.namespace, claim.name), {}).values()
        return sorted(found, key=lambda pod: pod.name)

    def guarded(self, budget: Budget) -> list[Pod]:
        """Pods that a budget keeps."""
        return self.chosen(budget.namespace, budget.selector) if budget.is_plain else []

    def owned_by(self, workload: Workload) -> int:
        """How many pods it has itself."""
        own = (workload.kind, workload.namespace, workload.name)
        return sum(isinstance(each, Pod) for each in self._owned.get(own, {}).values())

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
        return [*self.subjects.values(), *events, *self.classes.values()]


def _label(service: Service) -> _Label:
    return next(iter(service.selector.items()))
