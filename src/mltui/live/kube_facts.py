"""Facts for triage from Kubernetes: one look at some namespaces, and the logs of what crashed.

Called by the app and by `mltui triage`. Everything is asked side by side; what may not be looked at
is said, and the rest is still told.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mltui.errors import Forbidden, MltuiError, Unreachable
from mltui.live.kube.chart import Batch, Chart, Id
from mltui.live.kube.last_words import Words, crashed, read_words
from mltui.live.kube.login import KIND as LOGIN
from mltui.live.kube.login import login_object
from mltui.live.kube.place import Place, Where, contexts_of, normal, parse
from mltui.triage.facts import HostFact
from mltui.triage.kube import Hidden, KubeFacts, Pod
from mltui.triage.looked import looked_words

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
                found, host, refused = await look_at(
                    clusters.cluster(context).client, context, spaces
                )
        except (Unreachable, TimeoutError) as error:
            why = str(error) or "it answers too slowly"
            hosts.append(HostFact(context, "kubernetes", False, why, time.time()))
            continue
        facts.append(found)
        hosts.append(host)
        unseen += refused
    return tuple(facts), tuple(hosts), tuple(unseen)


async def look_at(
    client: Client, context: str, spaces: Sequence[str | None]
) -> tuple[KubeFacts, HostFact, list[str]]:
    """One context; None among the namespaces: all. Unreachable."""
    from mltui.live.kube.ward import watched

    asked = [
        (each, space)
        for each in watched()
        for space in (spaces if each.resource.is_namespaced else (None,))
    ]
    answers = await asyncio.gather(*(_listed(client, *each) for each in asked))
    objects: dict[Id, bytes | None] = {}
    if (login := await login_object(client)) is not None:
        objects[(LOGIN, "", client.name)] = login
    hidden, refused, unseen = [], [], []
    counts: dict[str, int] = {}
    for (found, error), (each, space) in zip(answers, asked, strict=True):
        objects.update(found)
        if error is None:
            counts[each.resource.plural] = counts.get(each.resource.plural, 0) + len(found)
            continue
        hidden.append(Hidden(each.resource.kind, space or ""))
        refused.append(each.resource.plural)
        if each.is_needed:
            unseen.append(f"{context}: {error}")
    chart = Chart(context, "")
    await asyncio.to_thread(chart.read, Batch(objects, {}, tuple(hidden)))
    words = await _words(client, chart)
    await asyncio.to_thread(chart.read, Batch({}, words, tuple(hidden)))
    looked = looked_words(spaces, counts, refused)
    return chart.facts(), HostFact(context, "kubernetes", looked=looked), unseen


async def _listed(
    client: Client, each: Watched, space: str | None
) -> tuple[dict[Id, bytes], Forbidden | None]:
    """The objects, and why they could not be listed. Unreachable."""
    from mltui.live.kube.whole import Whole, id_of

    found: dict[Id, bytes] = {}
    query = {"fieldSelector": each.selector} if each.selector else None
    shape = Whole(each)
    try:
        async for page in client.pages(each.resource, space, query=query, accept=shape.accept):
            items, _ = shape.page(page)
            found.update((id_of(each.resource.kind, item), item) for item in items)
    except Unreachable:
        raise
    except Forbidden as error:
        return {}, error
    except MltuiError:
        return {}, None  # this cluster has no such kind
    return found, None


async def _words(client: Client, chart: Chart) -> dict[tuple[str, str], Words]:
    """The ends of the logs that matter; of many pods of one owner the first few speak for all."""
    room = asyncio.Semaphore(_LOGS_AT_ONCE)

    async def read(pod: Pod, name: str) -> Words:
        async with room:
            return await read_words(client, pod, next(x for x in crashed(pod) if x.name == name))

    wanted = chart.wanted()
    said = await asyncio.gather(*(read(pod, name) for (_, name), pod in wanted.items()))
    return dict(zip(wanted, said, strict=True))
