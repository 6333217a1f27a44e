"""Facts for triage from Kubernetes: one look at some namespaces, and the logs of what crashed.

Called by the app and by `mltui triage`. Everything is asked side by side; what may not be looked at
is said, and the rest is still told.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mltui.errors import Forbidden, MltuiError, Unreachable
from mltui.live.kube.chart import MOST_LOGS, OF_ONE_OWNER
from mltui.live.kube.last_words import Words, crashed, read_words, with_words
from mltui.live.kube.login import login_object
from mltui.live.kube.place import Place, Where, contexts_of, normal, parse
from mltui.triage.facts import HostFact
from mltui.triage.kube import Hidden, KubeFacts, Pod, PodContainer
from mltui.triage.kube_reading import read_objects

if TYPE_CHECKING:
    from mltui.engines.kubernetes.client import Client
    from mltui.live.kube.cluster import Clusters
    from mltui.live.kube.ward import Watched
    from mltui.spec.model import Spec

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
    from mltui.live.kube.ward import watched

    asked = [
        (each, space)
        for each in watched()
        for space in (spaces if each.resource.is_namespaced else (None,))
    ]
    answers = await asyncio.gather(*(_listed(client, *each) for each in asked))
    objects = [item for items, _ in answers for item in items]
    if (login := await login_object(client)) is not None:
        objects.append(json.loads(login))
    hidden, unseen = [], []
    for (_, error), (each, space) in zip(answers, asked, strict=True):
        if error is not None:
            hidden.append(Hidden(each.resource.kind, space or ""))
            if each.is_needed:
                unseen.append(f"{context}: {error}")
    if any(each.kind == "EndpointSlice" for each in hidden):
        objects = [each for each in objects if each.get("kind") != "EndpointSlice"]
    facts = read_objects(objects, context, hidden)
    return replace(facts, pods=await _with_logs(client, facts.pods)), unseen


async def _listed(
    client: Client, each: Watched, space: str | None
) -> tuple[list[dict[str, Any]], Forbidden | None]:
    """The objects, and why they could not be listed. Unreachable."""
    from mltui.live.kube.ward import Whole

    found: list[dict[str, Any]] = []
    query = {"fieldSelector": each.selector} if each.selector else None
    shape = Whole(each)
    try:
        async for page in client.pages(each.resource, space, query=query, accept=shape.accept):
            items, _ = shape.page(page)
            decoded = await asyncio.to_thread(lambda items: [json.loads(x) for x in items], items)
            found += [{**item, "kind": each.resource.kind} for item in decoded]
    except Unreachable:
        raise
    except Forbidden as error:
        return [], error
    except MltuiError:
        return [], None  # this cluster has no such kind
    return found, None


# --- logs -----------------------------------------------------------------------------------------


async def _with_logs(client: Client, pods: tuple[Pod, ...]) -> tuple[Pod, ...]:
    """Of many pods of one owner the first few speak for all."""
    room = asyncio.Semaphore(_LOGS_AT_ONCE)
    chosen: list[tuple[Pod, PodContainer]] = []
    counts: dict[tuple[str, str, str], int] = {}
    for pod in pods:
        for each in crashed(pod):
            key = (pod.namespace, pod.owner.name or pod.name, each.name)
            counts[key] = counts.get(key, 0) + 1
            if counts[key] <= OF_ONE_OWNER and len(chosen) < MOST_LOGS:
                chosen.append((pod, each))

    async def read(pod: Pod, each: PodContainer) -> tuple[str, str, Words]:
        async with room:
            return pod.key, each.name, await read_words(client, pod, each)

    found: dict[str, dict[str, Words]] = {}
    for pod_key, name, words in await asyncio.gather(*(read(*each) for each in chosen)):
        found.setdefault(pod_key, {})[name] = words
    return tuple(with_words(pod, found[pod.key]) if pod.key in found else pod for pod in pods)
