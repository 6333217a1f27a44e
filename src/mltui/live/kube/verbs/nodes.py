"""Cordon and uncordon nodes."""

from __future__ import annotations

from mltui.live.kube.cluster import Cluster
from mltui.live.kube.verbs._objects import change
from mltui.live.verbs._verb import Ref


async def cordon(cluster: Cluster, ref: Ref, closed: bool) -> str:
    """Let no new pods onto it, or let them again; what runs there goes on."""
    await change(cluster, ref, {"spec": {"unschedulable": closed or None}})
    return f"{ref.text} takes {'no new pods' if closed else 'pods again'}"
