"""A pod whose image can't be had: no such image, no login, a limit, a bad name, the network."""

from __future__ import annotations

from collections.abc import Iterator

from mltui.triage.cluster import Cluster
from mltui.triage.finding import Evidence, Finding
from mltui.triage.kube import Pod, PodContainer
from mltui.triage.rules import ClusterRule
from mltui.triage.rules._images import image_words, read_refusal
from mltui.triage.rules._pods import (
    containers,
    edit_fix,
    event_evidence,
    is_alive,
    kind_words,
    on_pod,
    opens,
    tidy,
    undo_fix,
)

_REASONS = (
    "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull",
    "RegistryUnavailable", "ImageInspectError", "SignatureValidationFailed",
)  # fmt: skip


def examine(cluster: Cluster, pod: Pod) -> Iterator[Finding]:
    """The first container that waits for such a reason; one finding an image."""
    if not is_alive(pod):
        return
    for each in containers(pod):
        if each.state == "waiting" and each.reason in _REASONS:
            yield _finding(cluster, pod, each)
            return


def _finding(cluster: Cluster, pod: Pod, each: PodContainer) -> Finding:
    noted = cluster.events("Pod", pod.namespace, pod.name, "Failed", "InspectFailed")
    events = [event for event in noted if each.image in event.message]
    said = " ".join((each.reason, each.message, *(event.message for event in events)))
    who = f"{kind_words(cluster.owner_of(pod))} runs"
    refusal, sure = read_refusal(said, each.image), 1.0
    if each.reason == "ErrImageNeverPull":
        title = f"image {each.image} is not on the node"
        cause = "the node may not pull it (imagePullPolicy: Never), and has it not"
    elif refusal is not None:
        title, cause = image_words(refusal, who)
    else:
        title, sure = f"image {each.image} can't be pulled", 0.5
        cause = each.message or "the node can't get it; its events are gone"
    return on_pod(
        cluster,
        pod,
        RULE.name,
        cause,
        title,
        (
            Evidence("state", f"{each.reason}: {tidy(each.message)}", opens(pod)),
            *event_evidence(events[-1:]),
        ),
        (*undo_fix(cluster, pod), edit_fix(cluster, pod)),
        sure=sure,
        group=f"image {each.image}",
    )


RULE = ClusterRule("kube-image", "A pod's image can't be pulled: why.", {Pod: examine})
