"""Facts for triage from Kubernetes: one look at some namespaces, and the logs of what crashed.

Called by the app and by `mltui triage`. Everything is asked side by side; what may not be looked at
is said, and the rest is still told.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mltui.errors import Forbidden, MltuiError, Unreachable
from mltui.live.kube.place import Place, Where, contexts_of, normal, parse
from mltui.live.masking import mask_text
from mltui.logs.errors import exception_of
from mltui.logs.sanitize import plain as plain_bytes
from mltui.triage.facts import HostFact
from mltui.triage.kube import KubeFacts, Pod, PodContainer
from mltui.triage.kube_reading import read_objects

if TYPE_CHECKING:
    from mltui.engines.kubernetes.client import Client
    from mltui.engines.kubernetes.resources import Resource
    from mltui.live.kube.cluster import Clusters
    from mltui.spec.model import Spec

LINES, KEPT = 40, 8
MOST_LOGS = 60
ANSWER_S = 20.0
_LOGS_AT_ONCE = 8


def places_of(clusters: Clusters, spec: Spec | None, text: str | None = None) -> Where:
    """Where to look: what was typed, else the project's targets, else the current namespace.

    UsageError for a context or namespace that is not known.
    """
    from mltui.live.kube.feed import start_places

    here = start_places(clusters)
    if text:
        return parse(text, clusters.config.contexts, here)
    targets = spec.targets.values() if spec is not None and text is None else ()
    found = [
        Place(clusters.config.context(each.context).name, each.namespace or here[0].namespace)
        for each in targets
        if each.engine == "kubernetes"
    ]
    return normal(found) or here


async def look(
    clusters: Clusters, where: Sequence[Place]
) -> tuple[tuple[KubeFacts, ...], tuple[HostFact, ...], tuple[str, ...]]:
    """What is known of some places, a KubeFacts each context; hosts; what could not be seen."""
    facts, hosts, unseen = [], [], list[str]()
    for context in contexts_of(where):
        spaces = [place.namespace or None for place in where if place.context == context]
        try:
            async with asyncio.timeout(ANSWER_S):
                found, refused = await look_at(clusters.cluster(context).client, context, spaces)
        except (Unreachable, TimeoutError) as error:
            why = str(error) or "it answers too slowly"
            hosts.append(HostFact(context, "kubernetes", False, why, time.time()))
            continue
        facts.append(found)
        hosts.append(HostFact(context, "kubernetes"))
        unseen += refused
    return tuple(facts), tuple(hosts), tuple(unseen)


async def look_at(
    client: Client, context: str, spaces: Sequence[str | None]
) -> tuple[KubeFacts, list[str]]:
    """One context; None among the namespaces: all. Unreachable."""
    from mltui.engines.kubernetes import resources as known

    namespaced = (
        known.PODS, known.EVENTS, known.SERVICES, known.SLICES, known.CLAIMS, known.DEPLOYMENTS,
        known.REPLICA_SETS, known.STATEFUL_SETS, known.DAEMON_SETS, known.JOBS, known.AUTOSCALERS,
        known.CONFIGMAPS,
    )  # fmt: skip
    classes = known.Resource(
        "storageclasses", "StorageClass", "storage.k8s.io", is_namespaced=False
    )
    asked: list[tuple[Resource, str | None]] = [
        (resource, space) for resource in namespaced for space in spaces
    ]
    asked += [(known.NODES, None), (classes, None), (known.NAMESPACES, None)]
    answers = await asyncio.gather(*(_listed(client, *each) for each in asked))
    objects = [item for items, _ in answers for item in items]
    unseen = [
        f"{context}: {text}"
        for (_, text), (resource, _) in zip(answers, asked, strict=True)
        if text and resource not in (known.NODES, classes, known.NAMESPACES, known.CONFIGMAPS)
    ]
    if any(text for (_, text), (resource, _) in zip(answers, asked, strict=True)
           if resource is known.SLICES):  # fmt: skip
        objects = [each for each in objects if each.get("kind") != "EndpointSlice"]
    facts = read_objects(objects, context)
    return replace(facts, pods=await _with_logs(client, facts.pods)), unseen


async def _listed(
    client: Client, resource: Resource, space: str | None
) -> tuple[list[dict[str, Any]], str]:
    """The objects, and why they could not be listed. Unreachable."""
    found: list[dict[str, Any]] = []
    try:
        async for page in client.pages(resource, space):
            raw = await asyncio.to_thread(json.loads, page)
            found += [{"kind": resource.kind, **item} for item in raw.get("items") or ()]
    except Unreachable:
        raise
    except Forbidden as error:
        return [], str(error)
    except MltuiError:
        return [], ""  # this cluster has no such kind
    return found, ""


# --- logs -----------------------------------------------------------------------------------------


def _crashed(pod: Pod) -> list[PodContainer]:
    """Containers whose last words matter."""
    if pod.deleting_since is not None or pod.phase == "Succeeded":
        return []
    return [
        each
        for each in pod.containers
        if (each.state == "terminated" and each.exit_code)
        or each.last_exit_code is not None
        or (each.state == "running" and not each.is_ready and not each.is_init)
    ]


async def _with_logs(client: Client, pods: tuple[Pod, ...]) -> tuple[Pod, ...]:
    room = asyncio.Semaphore(_LOGS_AT_ONCE)
    wanted = [(pod, each) for pod in pods for each in _crashed(pod)]
    # Of many pods of one owner the first few speak for all.
    chosen: list[tuple[Pod, PodContainer]] = []
    counts: dict[tuple[str, str, str], int] = {}
    for pod, each in wanted:
        key = (pod.namespace, pod.owner.name or pod.name, each.name)
        counts[key] = counts.get(key, 0) + 1
        if counts[key] <= 2 and len(chosen) < MOST_LOGS:
            chosen.append((pod, each))

    async def read(pod: Pod, each: PodContainer) -> tuple[str, str, PodContainer]:
        async with room:
            lines = await _lines(client, pod, each)
        said = tuple(mask_text(plain_bytes(line).rstrip()) for line in lines[-KEPT:])
        exception = mask_text(exception_of(b"\n".join(lines)) or "")
        return pod.key, each.name, replace(each, exception=exception, last_lines=said)

    found = await asyncio.gather(*(read(*each) for each in chosen))
    new: Mapping[tuple[str, str], PodContainer] = {(key, name): each for key, name, each in found}
    return tuple(_replaced(pod, new) for pod in pods)


def _replaced(pod: Pod, new: Mapping[tuple[str, str], PodContainer]) -> Pod:
    containers = tuple(new.get((pod.key, each.name), each) for each in pod.containers)
    return pod if containers == pod.containers else replace(pod, containers=containers)


async def _lines(client: Client, pod: Pod, each: PodContainer) -> list[bytes]:
    """Of the one that ended, which may be the one before; empty where nothing is kept."""
    is_before = each.state != "terminated" and each.last_exit_code is not None
    for previous in (True, False) if is_before else (False,):
        data = bytearray()
        with suppress(MltuiError):
            asked: dict[str, str | int | bool | None] = {
                "container": each.name,
                "tailLines": LINES,
                "limitBytes": 1 << 16,
                "previous": "true" if previous else None,
            }
            async with client.log(pod.namespace, pod.name, asked) as pieces:
                async for piece in pieces:
                    data += piece
            if data:
                return bytes(data).rstrip(b"\n").split(b"\n")
    return []
