"""Restart what keeps pods running: new pods replace the old ones, a few at a time."""

from __future__ import annotations

import time
from collections.abc import Sequence

from mltui.live.kube.cluster import Cluster
from mltui.live.kube.verbs._objects import change, named, whom
from mltui.live.times import timestamp
from mltui.live.verbs._verb import Question, Ref


async def restart(cluster: Cluster, ref: Ref) -> str:
    """As `kubectl rollout restart` does it."""
    noted = {"kubectl.kubernetes.io/restartedAt": timestamp(time.time())}
    await change(cluster, ref, {"spec": {"template": {"metadata": {"annotations": noted}}}})
    return f"restarting {ref.text}"


def question(refs: Sequence[Ref]) -> Question:
    """What to ask."""
    whose = "Its" if len(refs) == 1 else "Their"
    return Question(
        f"Restart {whom(refs)}? {whose} pods are replaced one after the other.", "Restart",
        detail=named(refs),
    )  # fmt: skip
