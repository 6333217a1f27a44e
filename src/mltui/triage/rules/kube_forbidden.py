"""Something in the cluster lacks a right: who, which, and what would give it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mltui.triage.cluster import Cluster
from mltui.triage.finding import Evidence, Finding, Fix, Harm
from mltui.triage.kube import Pod
from mltui.triage.rules import ClusterRule
from mltui.triage.rules._pods import is_alive, kind_words, kubectl, opens

_REFUSAL = re.compile(
    r'User "(?P<user>[^"]+)" cannot (?P<verb>\w+) resource "(?P<what>[^"]+)"'
    r' in API group "(?P<group>[^"]*)"(?: in the namespace "(?P<space>[^"]+)")?'
)


@dataclass(frozen=True, slots=True)
class Lack:
    """A right that somebody lacks."""

    user: str
    verb: str
    resource: str
    group: str
    namespace: str

    @property
    def words(self) -> str:
        """`may not list pods in ns`."""
        group = f".{self.group}" if self.group else ""
        where = f" in {self.namespace}" if self.namespace else " in the whole cluster"
        return f"may not {self.verb} {self.resource}{group}{where}"


def read_lack(text: str) -> Lack | None:
    """The right that a message of the API server names."""
    found = _REFUSAL.search(text.replace('\\"', '"'))
    if found is None:
        return None
    return Lack(found["user"], found["verb"], found["what"], found["group"], found["space"] or "")


def examine(cluster: Cluster, pod: Pod) -> Iterator[Finding]:
    """What a pod says in its log, which anybody can write: it speaks for its own account only."""
    if pod.deleting_since is not None or pod.phase == "Succeeded":
        return
    if pod.phase == "Failed" and cluster.is_done(pod):
        return
    for each in pod.containers:
        said = (each.exception, *each.last_lines, each.last_message, each.message)
        lacks = ((text, found) for text in said if (found := read_lack(text)))
        own = f"system:serviceaccount:{pod.namespace}:{pod.account or 'default'}"
        text, lack = next(((x, y) for x, y in lacks if y.user == own), ("", None))
        if lack is None:
            continue
        account = pod.account or "default"
        owner = kind_words(cluster.owner_of(pod))
        yield Finding(
            rule=RULE.name,
            key=f"{pod.key}:rights",
            object=f"{owner} in {pod.namespace}",
            cause=f"ServiceAccount {account} {lack.words}, as its log says",
            headline=f"{owner} lacks a right: {account} {lack.words}",
            harm=Harm.WRONG if is_alive(pod) or pod.phase == "Failed" else Harm.WARNING,
            evidence=(Evidence("log", text.strip(), opens(pod)),),
            fixes=_grants(cluster, lack),
            since=each.last_ended_at or pod.created_at,
            explains=cluster.follows(pod),
            group=f"{lack.user}:{lack.words}",
            confidence=0.9,
        )
        return


def _grants(cluster: Cluster, lack: Lack) -> tuple[Fix, ...]:
    """A role of that right alone, and its binding."""
    parts = lack.user.split(":")
    if len(parts) != 4 or parts[1] != "serviceaccount":
        return ()
    group = f".{lack.group}" if lack.group else ""
    scope = "role" if lack.namespace else "clusterrole"
    name = f"{parts[3]}-{lack.verb}-{lack.resource.replace('/', '-')}"
    make = kubectl(
        cluster, lack.namespace, "create", scope, name, f"--verb={lack.verb}",
        f"--resource={lack.resource}{group}",
    )  # fmt: skip
    bind = kubectl(
        cluster, lack.namespace, "create", f"{scope}binding", name, f"--{scope}={name}",
        f"--serviceaccount={parts[2]}:{parts[3]}",
    )  # fmt: skip
    return (Fix(f"give {parts[3]} the right to {lack.verb} {lack.resource}", (make, bind)),)


RULE = ClusterRule(
    "kube-forbidden", "A program in the cluster lacks a right: which, who gives it.", {Pod: examine}
)
