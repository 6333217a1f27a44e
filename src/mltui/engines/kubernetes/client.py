"""The objects of one Kubernetes API server: read, changed, listed, watched.

Used by the engine and by whoever lists resources; one client for a context and an event loop. How
the server is reached, and what errors say, is `caller`. Source: Kubernetes docs, "API concepts".
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any, Literal

from mltui.engines.http.wire import WireError
from mltui.engines.kubernetes.answers import Pieces, Query, body_chunks, next_page, whole_lines
from mltui.engines.kubernetes.caller import JSON, Caller
from mltui.engines.kubernetes.errors import ApiError
from mltui.engines.kubernetes.kubeconfig import read_kubeconfig
from mltui.engines.kubernetes.resources import PODS, Call, Resource

PAGE, LATER_PAGES = 100, 1000
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
        at_once: bool = False,
    ) -> AsyncGenerator[bytes, None]:
        """A list in parts, undecoded, each a list itself; what comes next is on its way meanwhile.

        `at_once`: after the first page the whole list as the server has it in memory, which may lag
        a little behind (a watch from its version tells the rest), for half of the server's work;
        objects may come twice. ApiExpired when the server forgot the list between two pages.
        """
        call = Call("list", resource, namespace)
        later = LATER_PAGES if limit == PAGE else limit
        plain = {**(query or {}), "limit": limit}
        raw = await self.read(call, plain, accept=accept)
        token = self._next(raw)
        if not token:
            yield raw
            return
        if at_once:
            whole = self._whole(call, {**(query or {}), "resourceVersion": "0"}, accept)
            async with aclosing(whole):
                first = asyncio.ensure_future(anext(whole))
                try:
                    yield raw
                    piece = await first
                except ApiError:
                    at_once = False  # this list is not kept in memory
                finally:
                    first.cancel()
                    await asyncio.gather(first, return_exceptions=True)
                if at_once:
                    yield piece
                    async for piece in whole:
                        yield piece
                    return
        else:
            yield raw
        del raw
        plain.pop("resourceVersion", None)
        while token:
            raw = await self.read(call, {**plain, "limit": later, "continue": token}, accept=accept)
            token = self._next(raw)
            yield raw

    def _next(self, raw: bytes) -> str:
        try:
            return next_page(raw)
        except WireError as error:
            raise self._unreachable(error) from error

    async def _whole(self, call: Call, query: Query, accept: str) -> AsyncGenerator[bytes, None]:
        pieces = Pieces()
        async with self.stream(call, query, accept=accept, is_long=True) as response:
            async for data in body_chunks(response):
                if piece := pieces.feed(data):
                    yield piece
        yield pieces.rest()

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
