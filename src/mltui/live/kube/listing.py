"""One look at Kubernetes objects, without a screen: what `mltui ls pods` and the like print.

The same feed and the same declarations as the screen's lists.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mltui.errors import UsageError
from mltui.live.cells import Column
from mltui.live.kind import Kind
from mltui.live.kinds import kube_kind
from mltui.live.kube.cluster import Clusters, open_clusters
from mltui.live.kube.feed import KubeFeed, start_places
from mltui.live.kube.place import Place, Where, contexts_of, normal, parse

ANSWER_S = 30.0


@dataclass(frozen=True)
class Listed:
    """What was found, and what could not be looked at."""

    kind: Kind[Any]
    columns: tuple[Column[Any], ...]
    rows: Sequence[Any]
    troubles: tuple[str, ...]
    """Sentences: places that refuse or do not answer."""


def known(word: str) -> Kind[Any] | None:
    """The kind of a name or alias that has columns of its own; None: it may be any resource."""
    return kube_kind(word)


async def kind_for(clusters: Clusters, where: Where, word: str) -> Kind[Any]:
    """The kind of a name; of another resource as the first place's cluster has it. UsageError."""
    found = known(word)
    if found is not None:
        return found
    from mltui.live.kube.anykind import any_kind

    return await any_kind(clusters.cluster(where[0].context), word)


def shown_columns(kind: Kind[Any], where: Where) -> tuple[Column[Any], ...]:
    """Without the context where there is one, without the namespace where there is one."""
    hidden = set()
    if len(contexts_of(where)) < 2:
        hidden.add("context")
    if len(where) == 1 and where[0].namespace:
        hidden.add("namespace")
    return tuple(column for column in kind.columns if column.key not in hidden)


def places_of(clusters: Clusters, contexts: Sequence[str], namespaces: Sequence[str]) -> Where:
    """Where options say to look; without any, the current context's namespace. UsageError."""
    names = list(contexts) or [clusters.config.context().name]
    places: list[Place] = []
    for name in names:
        here = start_places(clusters, name)
        given = ",".join(namespaces)
        places += parse(given, clusters.config.contexts, here) if given else list(here)
    return normal(places)


async def list_kube(
    word: str,
    *,
    contexts: Sequence[str] = (),
    namespaces: Sequence[str] = (),
    selector: str = "",
    usage: bool = False,
    environ: Mapping[str, str] | None = None,
) -> Listed:
    """The rows of a kind, sorted as a screen would. UsageError, Unreachable, Forbidden.

    Trouble at some of several places is told beside the rows of the others; where all have
    trouble, the first is raised. `usage`: CPU and memory in use, which takes one call more.
    """
    clusters = await asyncio.to_thread(open_clusters, environ)
    try:
        where = places_of(clusters, contexts, namespaces)
        kind = await kind_for(clusters, where, word)
        feed = KubeFeed(clusters, where)
        try:
            view = await feed.loaded(kind, ANSWER_S, selector)
            table = view.table
            if not table.is_loaded:
                raise table.error or UsageError(f"{feed.name} lists no {kind.name}")
            if usage:
                await view.metrics.once()
            rows = list(table.rows.values())
            troubles = tuple(table.troubles)
        finally:
            await feed.close()
    finally:
        await clusters.close()
    column, reverse = kind.sort
    by = {each.key: each for each in kind.columns}[column]
    rows.sort(key=lambda row: (row.context, row.namespace, row.name))
    rows.sort(key=lambda row: _order(by.sort_value(row)), reverse=reverse)
    return Listed(kind, shown_columns(kind, where), rows, troubles)


def _order(value: Any) -> tuple[bool, Any]:
    return (value is None, 0 if value is None else value)
