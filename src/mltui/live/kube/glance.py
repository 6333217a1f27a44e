"""The first objects of a list as soon as a cluster says them: for the screen's first picture.

Called by the app before its screen is loaded. Only where it is a matter of one question: of one
place, with credentials that lie in the kubeconfig.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from mltui.live.kind import Kind
from mltui.live.kube.cluster import open_clusters
from mltui.live.kube.feed import first_places
from mltui.live.kube.listing import known, shown_columns
from mltui.live.kube.place import Where, parse

MOST = 100
"""Objects that are asked for: what a screen shows is answered many times as fast as a long list."""


@dataclass(frozen=True, slots=True)
class Glanced:
    """What was seen, and where."""

    kind: Kind[Any]
    where: Where
    rows: Sequence[Any]
    current: str
    """The current context."""


async def glance(
    word: str, places: str, kept: str, environ: Mapping[str, str], patience_s: float
) -> Glanced | None:
    """Objects of a kind where the person wants to look; None: that takes more than a question.

    `kept`: where they looked last. MltuiError, TimeoutError.
    """
    kind = known(word)
    if kind is None or kind.watched is None:
        return None
    from mltui.engines.kubernetes.watch import Typed

    clusters = open_clusters(environ)
    where = first_places(clusters, kept)
    if places:
        where = parse(places, clusters.config.contexts, where)
    place, watched = where[0], kind.watched
    context = clusters.config.context(place.context)
    if len(where) != 1 or clusters.config.obtains_credentials(context):
        return None
    client = clusters.cluster(place.context).client
    shape: Any = watched.shape or Typed(watched.item)
    try:
        async with asyncio.timeout(patience_s):
            pages = client.pages(
                watched.resource, place.namespace or None, accept=shape.accept, limit=MOST
            )
            raw = await anext(pages)
            await pages.aclose()
    finally:
        await clusters.close()
    try:
        items, _ = shape.page(raw)
    except msgspec.MsgspecError:
        return None  # the screen says so
    rows = [watched.row(item, place.context) for item in items]
    shown = replace(kind, columns=shown_columns(kind, where))
    return Glanced(shown, where, rows, clusters.config.current)
