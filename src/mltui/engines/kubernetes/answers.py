"""How questions are written and answers come apart. Called by `client`."""

from __future__ import annotations

import re
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from urllib.parse import urlencode

import msgspec

from mltui.engines.http.wire import Response, WireError

Query = Mapping[str, str | int | bool | Sequence[str] | None]


def query_text(query: Query | None) -> str:
    """`?limit=500&watch=true`; empty without any."""
    pairs = []
    for name, value in (query or {}).items():
        if value is None:
            continue
        if isinstance(value, tuple | list):
            pairs += [(name, str(each)) for each in value]
            continue
        text = str(value).lower() if isinstance(value, bool) else str(value)
        pairs.append((name, text))
    return f"?{urlencode(pairs)}" if pairs else ""


async def body_chunks(response: Response) -> AsyncGenerator[bytes, None]:
    """The body as it comes, unpacked. WireError when it is not packed as its header says."""
    is_packed = response.headers.get("content-encoding", "").lower() == "gzip"
    unpack = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        async for data in response.chunks():
            yield unpack.decompress(data) if is_packed else data
        if is_packed:
            yield unpack.flush()
    except zlib.error as error:
        raise WireError(f"its answer is not packed as it says: {error}") from error


async def read_body(response: Response) -> bytes:
    """The whole body, unpacked. WireError."""
    return b"".join([data async for data in body_chunks(response)])


_NEXT = re.compile(rb'"continue":"([A-Za-z0-9+/=_.-]+)"')


class _Meta(msgspec.Struct):
    next: str = msgspec.field(default="", name="continue")


class _Head(msgspec.Struct):
    metadata: _Meta = msgspec.field(default_factory=_Meta)


_heads = msgspec.json.Decoder(_Head)


def next_page(raw: bytes) -> str:
    """`metadata.continue` of a list, found without decoding its items. WireError."""
    start = raw.find(b'"items":', 0, 4096)
    if start > 0 and raw.find(b'"metadata":', 0, start) > 0:
        if b'"continue":' not in raw[:start]:
            return ""
        found = _NEXT.search(raw, 0, start)
        if found is not None:
            return found[1].decode("ascii")
    try:
        return _heads.decode(raw).metadata.next
    except msgspec.DecodeError as error:
        raise WireError(f"its list can't be read: {error}") from error


_PIECE_BYTES = 4 << 20
_HEAD_BYTES = 1 << 16
_ITEMS = b'"items":['
_BETWEEN = b'},{"metadata":{"name":'
_OBJECT = re.compile(
    rb'\},\{"metadata":\{"name":"[^"]*"(,"generateName":"[^"]*")?(,"namespace":"[^"]*")?,"uid":"'
)
"""Where an object of a list ends and the next begins: only those that are there have a UID, and a
server writes it so early. Within a string its quotes would be escaped."""


class Pieces:
    """Cuts a long list that is still coming into lists of some of its objects each.

    What does not look as servers write the lists of their own kinds is left whole.
    """

    def __init__(self) -> None:
        self._head = b""
        self._parts: list[bytes] = []
        self._size = 0
        self._wanted = _PIECE_BYTES

    def feed(self, data: bytes) -> bytes:
        """A list of objects that are whole by now; empty: more is needed."""
        self._parts.append(data)
        self._size += len(data)
        if self._size < self._wanted:
            return b""
        buffer = b"".join(self._parts)
        head = self._head or self._read_head(buffer)
        start = 0 if self._head else len(head)
        cut = buffer.rfind(_BETWEEN, start) if head else -1
        while cut > 0 and _OBJECT.match(buffer, cut) is None:
            cut = buffer.rfind(_BETWEEN, start, cut)
        if cut < 0:
            self._parts, self._wanted = [buffer], 2 * self._size
            return b""
        self._head, rest = head, buffer[cut + 2 :]
        self._parts, self._size, self._wanted = [rest], len(rest), _PIECE_BYTES
        return b"".join([head, buffer[start : cut + 1], b"]}"])

    def rest(self) -> bytes:
        """The list of what was not given yet, once all has come."""
        return b"".join([self._head, *self._parts])

    @staticmethod
    def _read_head(buffer: bytes) -> bytes:
        """What stands before the objects, the list's version in it."""
        start = buffer.find(_ITEMS, 0, _HEAD_BYTES)
        if start < 0 or buffer.find(b'"metadata":', 0, start) < 0:
            return b""
        return buffer[: start + len(_ITEMS)]


async def whole_lines(response: Response) -> AsyncIterator[bytes]:
    """Whole lines, however long, as they come."""
    rest: list[bytes] = []
    async for data in response.chunks():
        *lines, last = data.split(b"\n")
        if lines:
            lines[0] = b"".join([*rest, lines[0]])
            rest = []
        if last:
            rest.append(last)
        for line in lines:
            if line.strip():
                yield line
