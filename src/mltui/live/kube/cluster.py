"""The clusters that a person knows, one connection set for each context, opened when first needed.

Called by feeds, pages and verbs. A cluster that does not answer is only its own trouble: nothing
here waits for more than one.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mltui.errors import MltuiError

if TYPE_CHECKING:
    from mltui.engines.kubernetes.client import Client
    from mltui.engines.kubernetes.kubeconfig import Kubeconfig
    from mltui.engines.kubernetes.resources import Resource

RIGHTS_S = 60.0
"""How long an answer to "may I" is believed."""


class Cluster:
    """One context's cluster: its client, what one may do there, which resources it has."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.gives_node_files = True
        """Whether its nodes' log files may be read, as far as that is known (`nodefiles`)."""
        self._rights: dict[tuple[str, ...], tuple[float, bool, str]] = {}
        self._resources: asyncio.Future[list[Resource]] | None = None

    @property
    def name(self) -> str:
        """The context's."""
        return self.client.name

    @property
    def namespace(self) -> str:
        """The context's own."""
        return self.client.context.namespace

    @property
    def heard_at(self) -> float | None:
        """When it last gave a sign of life."""
        return self.client.heard_at

    def known_right(
        self, verb: str, resource: Resource, namespace: str, subresource: str = ""
    ) -> bool | None:
        """Whether one may, if that was asked lately; None: not known."""
        found = self._rights.get((verb, resource.group, resource.plural, subresource, namespace))
        return found[1] if found is not None and time.monotonic() < found[0] else None

    async def may(
        self, verb: str, resource: Resource, namespace: str = "", subresource: str = ""
    ) -> bool:
        """Whether one may do that there (SelfSubjectAccessReview). MltuiError when it can't say."""
        from mltui.engines.kubernetes.resources import ACCESS_REVIEWS

        known = self.known_right(verb, resource, namespace, subresource)
        if known is not None:
            return known
        attributes = {
            "verb": verb,
            "group": resource.group,
            "resource": resource.plural,
            "subresource": subresource,
            "namespace": namespace,
        }
        body = {
            "apiVersion": ACCESS_REVIEWS.api_version,
            "kind": ACCESS_REVIEWS.kind,
            "spec": {"resourceAttributes": {k: v for k, v in attributes.items() if v}},
        }
        found = await self.client.create(ACCESS_REVIEWS, None, body)
        status = (found or {}).get("status") or {}
        allowed, reason = bool(status.get("allowed")), str(status.get("reason") or "")
        key = (verb, resource.group, resource.plural, subresource, namespace)
        self._rights[key] = (time.monotonic() + RIGHTS_S, allowed, reason)
        return allowed

    async def what_became_of(self, namespace: str) -> str:
        """`is gone`, `is being deleted`; empty where it is there. MltuiError when it can't say."""
        from mltui.engines.kubernetes.resources import NAMESPACES

        try:
            found = await self.client.get(NAMESPACES, None, namespace)
        except MltuiError as error:
            if status_of(error) == 404:
                return "is gone"
            raise
        is_leaving = (found.get("metadata") or {}).get("deletionTimestamp")
        return "is being deleted" if is_leaving else ""

    async def resources(self) -> list[Resource]:
        """All resources that can be listed, the preferred version of each; asked once."""
        from mltui.engines.kubernetes.discovery import discover

        if self._resources is None or (
            self._resources.done()
            and (self._resources.cancelled() or self._resources.exception() is not None)
        ):
            self._resources = asyncio.ensure_future(discover(self.client))
        return await asyncio.shield(self._resources)

    async def close(self) -> None:
        """Give back its connections."""
        if self._resources is not None:
            self._resources.cancel()
            await asyncio.gather(self._resources, return_exceptions=True)
        await self.client.close()


class Clusters:
    """All of them. Belongs to one event loop."""

    def __init__(self, config: Kubeconfig, environ: Mapping[str, str] | None = None) -> None:
        self.config = config
        self.environ = dict(os.environ if environ is None else environ)
        self._open: dict[str, Cluster] = {}

    def cluster(self, context: str) -> Cluster:
        """The cluster of a context; nothing is connected yet. UsageError for an unknown one."""
        from mltui.engines.kubernetes.client import Client

        found = self._open.get(context)
        if found is None:
            chosen = self.config.context(context)
            found = Cluster(Client(self.config, chosen, self.environ))
            self._open[context] = found
        return found

    async def close(self) -> None:
        """The app ends."""
        for cluster in self._open.values():
            await cluster.close()
        self._open.clear()


def open_clusters(environ: Mapping[str, str] | None = None) -> Clusters:
    """Read the kubeconfig. UsageError when it is broken. Blocks a little: call it in a thread."""
    from mltui.engines.kubernetes.kubeconfig import read_kubeconfig

    variables = dict(os.environ if environ is None else environ)
    return Clusters(read_kubeconfig(variables), variables)


def status_of(error: MltuiError) -> int:
    """The HTTP status an API server refused with; 0 when it was not its refusal."""
    found: Any = getattr(error, "status", 0)
    return int(found)
