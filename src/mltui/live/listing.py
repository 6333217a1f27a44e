"""One look at a kind, without a screen: what `mltui ls KIND` prints.

Called by the CLI. Uses the same declarations and the same reading as the screen's tables, so both
show the same rows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from mltui.errors import UsageError
from mltui.live.daemon import Daemon
from mltui.live.feed import CONTAINERS, Feed, open_feed
from mltui.live.kind import Kind
from mltui.live.kinds import kind_named
from mltui.live.times import timestamp

if TYPE_CHECKING:
    from mltui.spec.model import Target

ANSWER_S = 15.0
"""How long a daemon may take before `mltui ls` gives up; lists of broken volume drivers hang."""
_STATS_S = 3.0


def known_kind(word: str) -> Kind[Any]:
    """The kind of a name or alias. UsageError that says what was probably meant."""
    try:
        return kind_named(word)
    except KeyError as error:
        raise UsageError(str(error.args[0])) from error


async def list_once(
    kind: str,
    target: Target | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    stats: bool = False,
) -> list[Any]:
    """The rows of a kind, sorted as a screen would. UsageError, Unreachable.

    `stats`: measure running containers too, which takes two seconds for every 32 of them.
    """
    found = known_kind(kind)
    feed = await open_feed(target, environ)
    try:
        table = await feed.loaded(found.name, ANSWER_S, patient=False)
        async with asyncio.timeout(ANSWER_S):
            await feed.settled(found.name, *([CONTAINERS] if found.join is not None else []))
        if stats and found.has_stats:
            await _measure(feed)
        rows = list(table.rows.values())
    except TimeoutError:
        rows = list(table.rows.values())  # some thing can't be read: its listed row will do
    finally:
        await feed.close()
    column, reverse = found.sort
    by = {each.key: each for each in found.columns}[column]
    return sorted(rows, key=by.sort_value, reverse=reverse)


async def _measure(feed: Feed) -> None:
    """Wait until every running container has a processor figure, or did not answer."""
    rows = feed.table(CONTAINERS).rows
    feed.watch_stats([key for key, row in rows.items() if row.is_running])
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _STATS_S * (1 + len(rows) / 32)
    while loop.time() < deadline:
        usages = [row.usage for row in feed.table(CONTAINERS).rows.values() if row.is_running]
        if all(usage is not None and usage.cpu_percent is not None for usage in usages):
            return
        await asyncio.sleep(0.1)


def to_json(kind: Kind[Any], row: Any) -> dict[str, Any]:
    """A row as `-o json` gives it: times RFC 3339, sizes bytes, durations seconds."""
    return {"kind": kind.title, **_fields(row)}


def _fields(row: Any) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name in _names(row):
        value = getattr(row, name)
        if name.endswith("_at"):
            out[name] = timestamp(value)
        else:
            out[name.removesuffix("_bytes").removeprefix("is_")] = _value(value)
    return out


def _names(row: Any) -> Iterable[str]:
    """The fields of a dataclass, or of a msgspec Struct."""
    if is_dataclass(row):
        return [each.name for each in fields(row)]
    return tuple(row.__struct_fields__)


def _value(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _fields(value)
    if isinstance(value, list | tuple):
        return [_value(each) for each in value]
    return value


async def describe_once(
    daemon: Daemon, kind: str, name: str, *, as_json: bool = False, secrets: bool = False
) -> str:
    """The page, or the whole inspection, of one thing by name or id. UsageError, DockerError."""
    found = known_kind(kind)
    if found.describe is None or found.inspect is None:
        raise UsageError(f"{found.name} can't be described")
    if as_json:
        return await found.inspect(daemon, name, secrets)
    return (await found.describe(daemon, name, secrets)).text
