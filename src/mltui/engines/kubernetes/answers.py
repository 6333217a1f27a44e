"""How questions are written and answers come apart. Called by `client`."""

from __future__ import annotations

import re
import zlib
from collections.abc import AsyncIterator, Mapping, Sequence
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


async def read_body(response: Response) -> bytes:
    """The whole body, unpacked."""
    if response.headers.get("content-encoding", "").lower() != "gzip":
        return await response.read()
    unpack = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        out = [unpack.decompress(data) async for data in response.chunks()]
        return b"".join([*out, unpack.flush()])
    except zlib.error as error:
        raise WireError(f"its answer is not packed as it says: {error}") from error


_NEXT = re.compile(rb'"continue":"([A-Za-z0-9+/=_.-]+)"')


class _Meta(msgspec.Struct):
    next: str = msgspec.field(default="", name="continue")


class _Head(msgspec.Struct):
    metadata: _Meta = msgspec.field(default_factory=_Meta)


_heads = msgspec.json.Decoder(_Head)


def next_page(raw: bytes) -> str:
    """`metadata.continue` of a list, found without decoding its items."""
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
