"""Keeps a view of a resource true: list, then watch from where the list was, resumed for ever.

Called by the engine for its Jobs and pods, and by live tables. Says what it learns to a `Sink`; a
row is never lost: after a gap the watch goes on from the last version that was seen, and where the
server has forgotten that one there is a fresh list. Source: Kubernetes docs, "API concepts:
Efficient detection of changes".
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from mltui.engines.kubernetes.answers import Query
from mltui.engines.kubernetes.caller import JSON
from mltui.engines.kubernetes.client import PAGE, Client
from mltui.engines.kubernetes.errors import ApiError, ApiExpired, status_error
from mltui.engines.kubernetes.resources import Call, Resource
from mltui.errors import Forbidden, MltuiError, Unreachable

T = TypeVar("T")
In = TypeVar("In", contravariant=True)
Out = TypeVar("Out", covariant=True)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 5.0
REFUSED_S = 20.0
"""Rights and custom kinds change seldom: what was refused is tried again after this."""
_AT_ONCE = 250
"""Objects that are taken in without looking whether a key was pressed."""
POLL_S = 10.0
"""Who may list but not watch gets a fresh list so often."""


class Sink(Protocol[In]):
    """Who wants to know."""

    def begin(self) -> None:
        """A list begins; what it does not name by `listed` is gone."""
        ...

    def page(self, items: Sequence[In]) -> None:
        """Objects of that list."""
        ...

    def listed(self) -> None:
        """The list is whole."""
        ...

    def put(self, items: Sequence[In]) -> None:
        """Objects are new or changed."""
        ...

    def gone(self, items: Sequence[In]) -> None:
        """Objects were deleted; as they were at last."""
        ...

    def lives(self) -> None:
        """The watch is open: what is known is what is."""
        ...

    def lost(self, error: MltuiError) -> None:
        """No answer, or a refusal; it is tried again."""
        ...


class Shape(Protocol[Out]):
    """How answers are read."""

    accept: str

    def page(self, raw: bytes) -> tuple[Sequence[Out], str]:
        """The objects of a page and the list's version."""
        ...

    def item(self, raw: bytes) -> tuple[Sequence[Out], str]:
        """The object of an event and its version."""
        ...


class Meta(msgspec.Struct, gc=False, rename="camel"):
    """What of an object's metadata everybody needs."""

    resource_version: str = ""


class _Bare(msgspec.Struct, gc=False):
    metadata: Meta = msgspec.field(default_factory=Meta)


class _Event(msgspec.Struct, gc=False):
    type: str
    object: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)


class Typed(Generic[T]):
    """Objects decoded as a msgspec Struct that has only the fields that are wanted."""

    def __init__(self, item: type[T]) -> None:
        self.accept = JSON
        listed = msgspec.defstruct(
            "Listed", [("metadata", Meta, msgspec.field(default_factory=Meta)),
                       ("items", list[item] | None, None)],  # type: ignore[valid-type]
        )  # fmt: skip
        self._lists = msgspec.json.Decoder(listed)
        self._items = msgspec.json.Decoder(item)

    def page(self, raw: bytes) -> tuple[Sequence[T], str]:
        """See `Shape`."""
        found: Any = self._lists.decode(raw)
        return found.items or (), found.metadata.resource_version

    def item(self, raw: bytes) -> tuple[Sequence[T], str]:
        """See `Shape`."""
        return (self._items.decode(raw),), _bare.decode(raw).metadata.resource_version


_events = msgspec.json.Decoder(_Event)
_bare = msgspec.json.Decoder(_Bare)


class Watching(Generic[T]):
    """One resource in one namespace, or in all of them, told to a sink until cancelled."""

    def __init__(
        self,
        client: Client,
        resource: Resource,
        namespace: str | None,
        shape: Shape[T],
        sink: Sink[T],
        *,
        query: Query | None = None,
        limit: int = PAGE,
    ) -> None:
        """`query`: labelSelector, fieldSelector."""
        self._client = client
        self._resource = resource
        self._namespace = namespace
        self._shape = shape
        self._sink = sink
        self._query = dict(query or {})
        self._limit = limit
        self._version = ""
        self._may_watch = True
        self._is_careful = False
        """What the server has in memory was too old, or could not be read: it reads its store."""

    async def run(self) -> None:
        """Until cancelled."""
        pause_s = FIRST_PAUSE_S
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                if not self._version:
                    await self._list()
                await self._follow()
                # The server ends each watch after a while; one that ends at once is odd.
                wait_s = 0.0 if loop.time() - began > 1 else pause_s
            except ApiExpired:
                self._version, self._is_careful = "", True
                wait_s = 0.0 if pause_s == FIRST_PAUSE_S else pause_s
            except MltuiError as error:
                self._sink.lost(error)
                is_refused = isinstance(error, Forbidden) or _status(error) in (404, 405)
                if not isinstance(error, Unreachable):
                    self._version = ""
                wait_s = REFUSED_S if is_refused else pause_s
            except msgspec.MsgspecError as error:
                self._version, self._is_careful = "", True
                self._sink.lost(
                    Unreachable(f"{self._client.name} sends what can't be read: {error}")
                )
                wait_s = LONGEST_PAUSE_S
            lasted = loop.time() - began > LONGEST_PAUSE_S
            pause_s = FIRST_PAUSE_S if lasted else min(2 * pause_s, LONGEST_PAUSE_S)
            await asyncio.sleep(wait_s)

    async def _list(self) -> None:
        sink, version = self._sink, ""
        sink.begin()
        pages = self._client.pages(
            self._resource, self._namespace, query=self._query, accept=self._shape.accept,
            limit=self._limit, at_once=not self._is_careful,
        )  # fmt: skip
        async with aclosing(pages):
            async for raw in pages:
                items, of = self._shape.page(raw)
                if version and of != version:
                    sink.begin()  # another list: what only the page before named is gone
                version = of
                del raw
                for start in range(0, len(items), _AT_ONCE):
                    sink.page(items[start : start + _AT_ONCE])
                    await asyncio.sleep(0)  # a key may wait
        sink.listed()
        self._version, self._is_careful = version, False

    async def _follow(self) -> None:
        if not self._may_watch:
            self._sink.lives()
            await asyncio.sleep(POLL_S)
            self._version = ""
            return
        try:
            watch = self._client.watch(
                self._resource, self._namespace, self._version, query=self._query,
                accept=self._shape.accept,
            )  # fmt: skip
            async with watch as lines:
                self._sink.lives()
                async for line in lines:
                    self._hear(line)
        except Forbidden as error:
            if _status(error) != 403:
                raise
            self._may_watch = False

    def _hear(self, line: bytes) -> None:
        event = _events.decode(line)
        self._client.heard()
        raw = bytes(event.object)
        if event.type == "BOOKMARK":
            self._version = _bare.decode(raw).metadata.resource_version or self._version
            return
        if event.type == "ERROR":
            found = msgspec.json.decode(raw)
            status = int(found.get("code") or 500) if isinstance(found, dict) else 500
            call = Call("watch", self._resource, self._namespace)
            raise status_error(
                call, self._client.name, status, found if isinstance(found, dict) else {}
            )
        items, version = self._shape.item(raw)
        if _is_old(version, self._version):
            return  # a server that lags behind the one before repeats what is known
        if event.type == "DELETED":
            self._sink.gone(items)
        else:
            self._sink.put(items)
        self._version = version or self._version


def _is_old(version: str, known: str) -> bool:
    """Versions of a resource grow (Kubernetes docs, "Resource versions"); odd ones don't count."""
    return version.isdecimal() and known.isdecimal() and int(version) <= int(known)


def _status(error: MltuiError) -> int:
    return error.status if isinstance(error, ApiError) else 0
