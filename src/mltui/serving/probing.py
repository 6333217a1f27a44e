"""Asking a replica over HTTP: is it well, what does it count.

Called by the keeper and the scraper. One small request a connection, HTTP/1.0, so that no answer
comes in pieces; whatever a service answers is bounded.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import NamedTuple

TIMEOUT_S = 5.0
MAX_BYTES = 2 << 20


class Answer(NamedTuple):
    """What came back. `status` 0: nothing did, `problem` says why."""

    status: int
    body: bytes
    problem: str


async def ask(
    host: str, port: int, path: str, *, timeout_s: float = TIMEOUT_S, limit: int = MAX_BYTES
) -> Answer:
    """GET a path. Never raises but for being cancelled."""
    writer = None
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(host, port, limit=1 << 16)
            request = f"GET {path} HTTP/1.0\r\nHost: {host}:{port}\r\nUser-Agent: mltui\r\n\r\n"
            writer.write(request.encode("ascii", "replace"))
            first = await reader.readuntil(b"\n")
            status = _status(first)
            while (await reader.readuntil(b"\n")).strip():
                pass
            body = bytearray()
            while len(body) <= limit and (chunk := await reader.read(1 << 16)):
                body += chunk
    except TimeoutError:
        return Answer(0, b"", f"no answer within {timeout_s:g} s")
    except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        return Answer(0, b"", _why(error))
    finally:
        if writer is not None:
            writer.close()
    if len(body) > limit:
        return Answer(0, b"", f"its answer is larger than {limit >> 20} MiB")
    return Answer(status, bytes(body), "")


def _status(line: bytes) -> int:
    parts = line.split(None, 2)
    if len(parts) < 2 or not parts[0].startswith(b"HTTP/"):
        raise ValueError("its answer is not HTTP")
    return int(parts[1])


def _why(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens on its port yet"
    if isinstance(error, asyncio.IncompleteReadError):
        return "it closed the connection without an answer"
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()


async def is_well(
    host: str, port: int | None, path: str | None, *, timeout_s: float = TIMEOUT_S
) -> str:
    """Why a replica is not well; empty when it is.

    Without a path, a port that takes connections is enough; without a port, that it runs.
    """
    if port is None:
        return ""
    if path is None:
        try:
            async with asyncio.timeout(timeout_s):
                _, writer = await asyncio.open_connection(host, port)
        except TimeoutError:
            return f"no answer within {timeout_s:g} s"
        except OSError as error:
            return _why(error)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        return ""
    answer = await ask(host, port, path, timeout_s=timeout_s, limit=1 << 16)
    if answer.problem:
        return f"{path}: {answer.problem}"
    return "" if 200 <= answer.status < 300 else f"{path} answers {answer.status}"
