"""Something in the cluster lacks a right: who, which, and what would give it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mltui.triage.finding import Evidence, Finding, Fix, Harm
from mltui.triage.rules import Rule
from mltui.triage.rules._pods import is_alive, kind_words, kubectl, opens
from mltui.triage.scene import Cluster, Scene

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


def find(scene: Scene) -> Iterator[Finding]:
    """What pods say in their logs and what our own lists were answered."""
    cluster = scene.cluster
    for pod in cluster.sick:
        if pod.deleting_since is not None:
            continue
        for each in pod.containers:
            said = (each.exception, *each.last_lines, each.last_message, each.message)
            lack = next((found for text in said if (found := read_lack(text))), None)
            if lack is None or (pod.phase == "Succeeded"):
                continue
            text = next(text for text in said if read_lack(text))
            account = lack.user.rpartition(":")[2]
            owner = kind_words(cluster.owner_of(pod))
            yield Finding(
                rule=RULE.name,
                key=f"{pod.key}:rights",
                object=f"{owner} in {pod.namespace}",
                cause=f"ServiceAccount {account} {lack.words}",
                headline=f"{owner} lacks a right: {account} {lack.words}",
                harm=Harm.WRONG if is_alive(pod) or pod.phase == "Failed" else Harm.WARNING,
                evidence=(Evidence("log", text.strip(), opens(pod)),),
                fixes=_grants(cluster, lack),
                since=each.last_ended_at or pod.created_at,
                explains=cluster.follows(pod),
                group=f"{lack.user}:{lack.words}",
            )
            break


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


RULE = Rule("kube-forbidden", "A program in the cluster lacks a right: which, who gives it.", find)
