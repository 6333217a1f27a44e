"""The pods that an object stands for, now and as others come: for their logs as one.

Called by the app's lists. One watch by the object's selector; a pod is told once, by its UID.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import msgspec

from mltui.errors import MltuiError, Unreachable
from mltui.live.kind import Kind
from mltui.live.kinds.kube._object import selector_text
from mltui.live.kinds.kube._pod import Pod, PodRow, read_pod
from mltui.live.kube.cluster import Cluster
from mltui.live.kube.logs import pods_of

MOST = 100
"""Pods of one object that are followed at a time."""
_PAUSE_S = 1.0


async def comers(cluster: Cluster, kind: Kind[Any], row: Any) -> AsyncGenerator[list[PodRow], None]:
    """First those that are there (perhaps none), then each that comes. MltuiError at first."""
    from mltui.engines.kubernetes.resources import PODS

    assert kind.watched is not None and kind.watched.pods is not None
    query = {"labelSelector": selector_text(dict(kind.watched.pods(row)))}
    first = (await pods_of(cluster, kind, row))[:MOST]
    seen = {pod.uid for pod in first}
    yield first
    while len(seen) < MOST:
        try:
            found = await cluster.client.get(PODS, row.namespace, query={**query, "limit": 500})
            version = str(found["metadata"]["resourceVersion"])
            new = [_row(raw, cluster) for raw in found["items"]]
            new = [pod for pod in new if pod.uid not in seen]
            if new:
                seen |= {pod.uid for pod in new}
                yield new
            async with cluster.client.watch(PODS, row.namespace, version, query=query) as events:
                async for raw in events:
                    event = json.loads(raw)
                    if event.get("type") == "ERROR":
                        break
                    if event.get("type") != "ADDED":
                        continue
                    pod = _row(event["object"], cluster)
                    if pod.uid not in seen:
                        seen.add(pod.uid)
                        yield [pod]
        except Unreachable:
            await asyncio.sleep(_PAUSE_S)
        except MltuiError:
            return  # its pods may not be listed any more: those that are followed stay
    # So many are followed that no other is waited for.


def _row(raw: Any, cluster: Cluster) -> PodRow:
    return read_pod(msgspec.convert(raw, Pod), cluster.name)
