"""A pod whose image can't be had: no such image, no login, a limit, a bad name, the network."""

from __future__ import annotations

from collections.abc import Iterator

from mltui.triage.finding import Evidence, Finding
from mltui.triage.rules import Rule
from mltui.triage.rules._images import Refusal, image_words, read_refusal
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
from mltui.triage.scene import Scene

_REASONS = (
    "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull",
    "RegistryUnavailable", "ImageInspectError", "SignatureValidationFailed",
)  # fmt: skip


def find(scene: Scene) -> Iterator[Finding]:
    """Every waiting container with such a reason; one finding an image."""
    cluster = scene.cluster
    for pod in cluster.sick:
        if not is_alive(pod):
            continue
        for each in containers(pod):
            if each.state != "waiting" or each.reason not in _REASONS:
                continue
            events = [
                event
                for event in cluster.events(
                    "Pod", pod.namespace, pod.name, "Failed", "InspectFailed"
                )
                if each.image in event.message
            ]
            said = " ".join((each.reason, each.message, *(event.message for event in events)))
            who = f"{kind_words(cluster.owner_of(pod))} runs"
            if each.reason == "ErrImageNeverPull":
                title = f"image {each.image} is not on the node"
                cause = "the node may not pull it (imagePullPolicy: Never), and has it not"
            else:
                refusal = read_refusal(said, each.image) or Refusal("missing", each.image)
                title, cause = image_words(refusal, who)
            known = read_refusal(said, each.image) is not None
            sure = 1.0 if known or each.reason == "ErrImageNeverPull" else 0.5
            if not known and sure < 1:
                title = f"image {each.image} can't be pulled"
                cause = each.message or "the node can't get it; its events are gone"
            yield on_pod(
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
            break


RULE = Rule("kube-image", "A pod's image can't be pulled: why.", find)
