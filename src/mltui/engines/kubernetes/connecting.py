"""One connection to an API server: direct, or through a proxy by CONNECT.

Called by `client`. OSError and ssl.SSLError pass through; WireError when the proxy refuses.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from urllib.parse import SplitResult, unquote, urlsplit

from mltui.engines.http.wire import LIMIT_BYTES, Connection, WireError, keep_alive
from mltui.engines.kubernetes.access import Access

SPEAKER = "a Kubernetes API server"


async def connect(access: Access, tls: ssl.SSLContext | None) -> Connection:
    """Connect to the server of an access."""
    parts = urlsplit(access.server)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    name = f"[{host}]" if ":" in host else host
    server_name = (access.server_name or host) if tls is not None else None
    if access.proxy:
        reader, writer = await _through(urlsplit(access.proxy), f"{name}:{port}")
        if tls is not None:
            await writer.start_tls(tls, server_hostname=server_name)
    else:
        reader, writer = await asyncio.open_connection(
            host, port, ssl=tls, server_hostname=server_name, limit=LIMIT_BYTES
        )
    keep_alive(writer)
    return Connection(reader, writer, host=f"{name}:{port}", speaker=SPEAKER)


async def _through(
    proxy: SplitResult, target: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A tunnel through an HTTP proxy (RFC 9110, CONNECT)."""
    if proxy.scheme not in ("http", "https") or not proxy.hostname:
        raise WireError(f"its proxy is {proxy.scheme}://…: mltui goes through http and https ones")
    shown = f"the proxy {proxy.hostname}"
    try:
        reader, writer = await asyncio.open_connection(
            proxy.hostname,
            proxy.port or (443 if proxy.scheme == "https" else 80),
            ssl=ssl.create_default_context() if proxy.scheme == "https" else None,
            limit=LIMIT_BYTES,
        )
    except OSError as error:
        raise WireError(f"{shown} can't be reached: {error.strerror or error}") from error
    try:
        lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}", "User-Agent: mltui"]
        if proxy.username is not None:
            login = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}".encode()
            lines.append(f"Proxy-Authorization: Basic {base64.b64encode(login).decode('ascii')}")
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("utf-8"))
        head = await reader.readuntil(b"\r\n\r\n")
        words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
        if len(words) < 2 or words[1] != "200":
            raise WireError(f"{shown} refuses: {' '.join(words[1:]) or 'it does not speak HTTP'}")
    except (EOFError, asyncio.LimitOverrunError, ConnectionError) as error:
        writer.transport.abort()
        raise WireError(f"{shown} closed the connection") from error
    except BaseException:
        writer.transport.abort()
        raise
    return reader, writer
