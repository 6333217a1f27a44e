"""The objects of one Kubernetes API server: read, changed, listed, watched.

Used by the engine and by whoever lists resources; one client for a context and an event loop. How
the server is reached, and what errors say, is `caller`. Source: Kubernetes docs, "API concepts".
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal

from mltui.engines.http.wire import WireError
from mltui.engines.kubernetes.answers import Query, next_page, whole_lines
from mltui.engines.kubernetes.caller import JSON, Caller
from mltui.engines.kubernetes.kubeconfig import read_kubeconfig
from mltui.engines.kubernetes.resources import PODS, Call, Resource

PAGE, LATER_PAGES = 500, 2000
"""Objects a page of a list: the first is small, as it is shown while the others come."""
TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1,application/json"
PATCHES = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}

Patch = Literal["merge", "json", "strategic", "apply"]
_NO_OBJECT = Resource("", "", is_namespaced=False)


class Client(Caller):
    """An API server's objects. Nothing is connected before the first call."""

    # --- objects --------------------------------------------------------------------------------

    async def get(
        self,
        resource: Resource,
        namespace: str | None = None,
        name: str = "",
        *,
        subresource: str = "",
        query: Query | None = None,
        accept: str = JSON,
    ) -> Any:
        """One object, or with no name a list (see `pages` for long ones)."""
        call = Call("get" if name else "list", resource, namespace, name, subresource)
        return self._decoded(await self.read(call, query, accept=accept))

    async def create(
        self,
        resource: Resource,
        namespace: str | None,
        body: Mapping[str, Any],
        *,
        name: str = "",
        subresource: str = "",
        query: Query | None = None,
    ) -> Any:
        """Make an object; it as it is then. ApiConflict when it is there already."""
        shown = name or str((body.get("metadata") or {}).get("name") or "")
        call = Call("create", resource, namespace, shown, subresource)
        path = resource.path(namespace, name, subresource)
        return await self._send("POST", path, call, body, JSON, query)

    async def replace(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        body: Mapping[str, Any],
        *,
        subresource: str = "",
        query: Query | None = None,
    ) -> Any:
        """Put an object in place of what is there. ApiConflict when that was changed meanwhile."""
        call = Call("update", resource, namespace, name, subresource)
        path = resource.path(namespace, name, subresource)
        return await self._send("PUT", path, call, body, JSON, query)

    async def patch(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        body: Any,
        *,
        patch: Patch = "merge",
        subresource: str = "",
        query: Query | None = None,
    ) -> Any:
        """Change an object; it as it is then.

        With `metadata.uid` or `metadata.resourceVersion` in a merge patch the server refuses
        (ApiConflict) to change another object, or one that was changed meanwhile.
        """
        call = Call("patch", resource, namespace, name, subresource)
        path = resource.path(namespace, name, subresource)
        return await self._send("PATCH", path, call, body, PATCHES[patch], query)

    async def delete(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        *,
        uid: str = "",
        propagation: str = "Background",
        grace_s: int | None = None,
        query: Query | None = None,
    ) -> Any:
        """Delete an object. `uid`: this very one, or ApiConflict. ApiNotFound."""
        body: dict[str, Any] = {
            "kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation,
        }  # fmt: skip
        if uid:
            body["preconditions"] = {"uid": uid}
        if grace_s is not None:
            body["gracePeriodSeconds"] = grace_s
        call = Call("delete", resource, namespace, name)
        return await self._send("DELETE", resource.path(namespace, name), call, body, JSON, query)

    async def pages(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        query: Query | None = None,
        accept: str = JSON,
        limit: int = PAGE,
    ) -> AsyncGenerator[bytes, None]:
        """A list page by page, undecoded: `metadata.continue` leads to the next.

        ApiExpired when the server forgot the list between two pages: begin anew.
        """
        call = Call("list", resource, namespace)
        token = ""
        while True:
            asked: dict[str, Any] = {**(query or {}), "limit": limit}
            if token:
                asked.pop("resourceVersion", None)
                asked["continue"] = token
            raw = await self.read(call, asked, accept=accept)
            limit = LATER_PAGES if limit == PAGE else limit
            try:
                token = next_page(raw)
            except WireError as error:
                raise self._unreachable(error) from error
            yield raw
            if not token:
                return

    async def ask(self, path: str, query: Query | None = None, *, accept: str = JSON) -> Any:
        """What is at a path that is no object's: `/version`, `/apis`, `/openapi/v3`."""
        call = Call("read", _NO_OBJECT, name=path)
        return self._decoded(await self.read(call, query, accept=accept, path=path))

    # --- streams --------------------------------------------------------------------------------

    @asynccontextmanager
    async def watch(
        self,
        resource: Resource,
        namespace: str | None,
        version: str,
        *,
        query: Query | None = None,
        accept: str = JSON,
        timeout_s: int = 1800,
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Events after a resource version, one JSON object each, bookmarks among them.

        The server ends it after `timeout_s`. ApiExpired when the version is too old; that comes as
        an event too.
        """
        asked = {
            **(query or {}),
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": timeout_s,
        }
        call = Call("watch", resource, namespace)
        async with self.stream(call, asked, accept=accept) as response:
            yield whole_lines(response)

    @asynccontextmanager
    async def log(
        self, namespace: str, pod: str, query: Query | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """A container's log as it comes; `query`: container, previous, follow, timestamps, …"""
        call = Call("get", PODS, namespace, pod, "log")
        async with self.stream(call, query, accept="*/*") as response:
            yield response.chunks()


async def open_client(
    context: str | None = None, environ: Mapping[str, str] | None = None
) -> Client:
    """A client of a context, or of the current one. UsageError; nothing is connected yet."""
    variables = dict(os.environ if environ is None else environ)
    config = await asyncio.to_thread(read_kubeconfig, variables)
    return Client(config, config.context(context), variables)
