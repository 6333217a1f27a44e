"""Which resources an API server has, custom ones too. Called by `live.kube` for `:anything`.

Aggregated discovery (two requests); servers before 1.27 are asked group by group. Source:
Kubernetes docs, "The Kubernetes API: Discovery API".
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

from mltui.engines.kubernetes.client import Client
from mltui.engines.kubernetes.resources import Resource
from mltui.errors import MltuiError

AGGREGATED = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
)


async def discover(client: Client) -> list[Resource]:
    """All that can be listed: each resource once, in the version that the server prefers."""
    core, groups = await asyncio.gather(
        client.ask("/api", accept=AGGREGATED), client.ask("/apis", accept=AGGREGATED)
    )
    if isinstance(core, dict) and core.get("kind") == "APIGroupDiscoveryList":
        return [*_aggregated(core), *_aggregated(groups)]
    return await _one_by_one(client, groups)


def _aggregated(found: Mapping[str, Any]) -> Iterator[Resource]:
    for group in found.get("items") or ():
        name = str((group.get("metadata") or {}).get("name") or "")
        seen: set[str] = set()
        for version in group.get("versions") or ():
            for each in version.get("resources") or ():
                plural, verbs = str(each.get("resource")), tuple(each.get("verbs") or ())
                if plural in seen or "list" not in verbs:
                    continue
                seen.add(plural)
                kind = str((each.get("responseKind") or {}).get("kind") or plural)
                yield Resource(
                    plural, kind, name, str(version.get("version")),
                    each.get("scope") == "Namespaced", tuple(each.get("shortNames") or ()), verbs,
                )  # fmt: skip


async def _one_by_one(client: Client, groups: Any) -> list[Resource]:
    wanted = [("", "v1", "/api/v1")]
    for group in (groups or {}).get("groups") or ():
        version = str((group.get("preferredVersion") or {}).get("version") or "")
        if version:
            name = str(group.get("name"))
            wanted.append((name, version, f"/apis/{name}/{version}"))

    async def one(group: str, version: str, path: str) -> list[Resource]:
        try:
            found = await client.ask(path)
        except MltuiError:
            return []  # an aggregated API that is down takes only its own resources along
        return [
            Resource(
                str(each["name"]), str(each.get("kind")), group, version,
                bool(each.get("namespaced")), tuple(each.get("shortNames") or ()),
                tuple(each.get("verbs") or ()),
            )
            for each in (found or {}).get("resources") or ()
            if "/" not in each["name"] and "list" in (each.get("verbs") or ())
        ]  # fmt: skip

    found = await asyncio.gather(*(one(*each) for each in wanted))
    return [resource for each in found for resource in each]
