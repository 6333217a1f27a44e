"""Scale a Deployment, StatefulSet or ReplicaSet."""

from __future__ import annotations

from mltui.errors import UsageError
from mltui.live.kube.cluster import Cluster
from mltui.live.kube.verbs._objects import change
from mltui.live.verbs._verb import Ref

MOST = 10_000
"""More is a slip of the finger."""


def read_count(text: str, now: int) -> int:
    """`3`, `+1`, `-2`: replicas wanted. UsageError."""
    try:
        count = int(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a number of replicas") from None
    if text.strip().startswith(("+", "-")):
        count += now
    if not 0 <= count <= MOST:
        raise UsageError(f"{count} replicas can't be wanted: 0 to {MOST:,}")
    return count


async def scale(cluster: Cluster, ref: Ref, count: int) -> str:
    """Want so many pods of it."""
    body = {"spec": {"replicas": count}}
    await change(cluster, ref, body, subresource="scale")
    return f"{ref.text} wants {count} now"
