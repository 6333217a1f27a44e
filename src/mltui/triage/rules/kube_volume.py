"""A claim that stays pending, and volumes that can't be attached or mounted."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from mltui.triage.cluster import Cluster
from mltui.triage.finding import Evidence, Finding, Harm, Opens
from mltui.triage.kube import Claim, Pod
from mltui.triage.rules import ClusterRule
from mltui.triage.rules._pods import event_evidence, is_being_made, on_pod, tidy
from mltui.triage.rules.kube_config import missing

YOUNG_S = 20.0
_DRIVER = re.compile(r"driver name (?P<name>\S+) not found in the list of registered CSI drivers")
_FAILED = ("ProvisioningFailed", "FailedBinding", "FailedAttachVolume")


def examine(cluster: Cluster, claim: Claim) -> Iterator[Finding]:
    """A claim explains the pods that wait for it."""
    if claim.phase == "Lost":
        yield _claim(cluster, claim, "its volume is gone from the cluster")
    elif claim.phase == "Pending" and (cause := _why(cluster, claim)):
        yield _claim(cluster, claim, cause)


def examine_pod(cluster: Cluster, pod: Pod) -> Iterator[Finding]:
    """One whose volumes can't be attached or mounted."""
    if not is_being_made(pod):
        return
    events = cluster.events("Pod", pod.namespace, pod.name, "FailedMount", "FailedAttachVolume")
    if not events or any(missing(x.message) for x in events):
        return
    owner = cluster.owner_of(pod)
    cause, short = tidy(events[-1].message), ""
    if driver := _DRIVER.search(events[-1].message):
        short = f": CSI driver {driver['name']} is not on its node"
        cause = f"a volume of it needs the CSI driver {driver['name']}, which node {pod.node} lacks"
    yield on_pod(
        cluster,
        pod,
        RULE.name,
        cause,
        f"{owner[0]} {owner[1]} can't mount a volume{short}",
        event_evidence(events[-1:]),
    )


def _why(cluster: Cluster, claim: Claim) -> str:
    """Empty when nothing is wrong with its waiting."""
    known = cluster.classes
    name = claim.storage_class
    if cluster.sees("StorageClass", ""):
        if name is None and not any(x.is_default for x in known.values()):
            return "it names no storage class, and the cluster has no default one"
        if name and name not in known and not _has_volume(cluster, claim):
            near = difflib.get_close_matches(name, known, 1)
            there = ", ".join(sorted(known)) or "none"
            hint = f": did you mean {near[0]}?" if near else f" (there is: {there})"
            return f"there is no storage class {name}{hint}"
        if name in known and known[name].waits:
            failed = cluster.events(*_about(claim), "ProvisioningFailed")
            return tidy(failed[-1].message) if failed else ""
    if claim.volume:
        is_old = claim.created_at is not None and cluster.passed(claim.created_at, YOUNG_S)
        asked = f"it asks for the volume {claim.volume} by name"
        return f"{asked}, which is not there or is another claim's" if is_old else ""
    events = cluster.events(*_about(claim), *_FAILED)
    if events:
        return tidy(events[-1].message)
    is_old = claim.created_at is not None and cluster.passed(claim.created_at, 10 * YOUNG_S)
    return "nothing provides a volume for it" if is_old else ""


def _has_volume(cluster: Cluster, claim: Claim) -> bool:
    """A class without an object is a name by which volumes were made by hand."""
    return claim.phase == "Bound"


def _about(claim: Claim) -> tuple[str, str, str]:
    return ("PersistentVolumeClaim", claim.namespace, claim.name)


def _claim(cluster: Cluster, claim: Claim, cause: str) -> Finding:
    users = cluster.users(claim.namespace, claim.name)
    size = f"{claim.size} {'/'.join(claim.modes)}".strip()
    named = claim.storage_class if claim.storage_class is not None else "the default"
    text = f"{claim.phase}: {size} of storage class {named}"
    explains = tuple(key for pod in users for key in cluster.follows(pod))
    return Finding(
        rule=RULE.name,
        key=claim.key,
        object=f"claim {claim.name} in {claim.namespace}",
        cause=cause,
        headline=f"claim {claim.name} in {claim.namespace} has no volume: {cause}",
        harm=Harm.WRONG,
        evidence=(
            Evidence("state", text, Opens("claim", claim.key)),
            *event_evidence(cluster.events(*_about(claim))[-1:]),
        ),
        since=claim.created_at,
        counted=f"{len(users)} pods wait" if len(users) > 1 else "",
        explains=explains,
    )


RULE = ClusterRule(
    "kube-volume",
    "A claim has no volume, or a volume can't be mounted.",
    {Claim: examine, Pod: examine_pod},
)
