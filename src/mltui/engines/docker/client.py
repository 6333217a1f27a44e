"""One Docker daemon: reached, asked what it speaks, watched for whether it still answers.

Used by the engine and by whoever lists containers and images; one client for a daemon and an event
loop. Every call ends: while anything is due, the daemon is asked for a sign of life (`/_ping`), and
without one all that waits gets `Unreachable`. Source: Docker Engine API, "Versioned API and SDK".
"""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from mltui.engines.docker.events import Events
from mltui.engines.docker.hosts import Host
from mltui.engines.docker.tunnel import Tunnel
from mltui.engines.http.pool import Pool
from mltui.engines.http.wire import (
    CLOSED,
    Body,
    Connection,
    Response,
    WireError,
    connect_tcp,
    connect_unix,
)
from mltui.errors import MltuiError, Unreachable

OLDEST = (1, 40)
"""Docker 19.03: device requests (GPUs), the `local` log driver, platforms."""
NEWEST = (1, 52)
"""The newest API whose changes are known not to matter here (Docker 29)."""
_PATIENCE_S = 2.5


class DockerError(MltuiError):
    """The daemon answered with an error. `status` is HTTP's; the text is the daemon's."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        self.message = message
        super().__init__(f"Docker says: {message}")


@dataclass(frozen=True, slots=True)
class Server:
    """What answers: its version, what it runs on, the API version both speak."""

    version: str
    api: str
    os: str
    arch: str

    @property
    def skips_older(self) -> bool:
        """How it reads `since` of a log: see `frames.Mark`. True before Docker 23.0."""
        return _version(self.api) < (1, 42)


class Client:
    """Calls to one daemon. `patience_s`: how long it may be silent before it is asked for a sign.

    A daemon that accepts and never answers is `Unreachable` after at most twice that.
    """

    def __init__(
        self,
        host: Host,
        environ: Mapping[str, str] | None = None,
        *,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        self.host = host
        self.environ = dict(os.environ if environ is None else environ)
        self.events = Events(self)
        self._tunnel = Tunnel(host, self.environ) if host.scheme == "ssh" else None
        self._tls: ssl.SSLContext | None = None
        self._server: Server | None = None
        self._pool = Pool(
            self._connect,
            ping="/_ping",
            patience_s=patience_s,
            connect_s=patience_s + (0 if self._tunnel is None else 30.0),
            ping_s=patience_s if self._tunnel is None else 2 * patience_s,
            silent=self._forget,
        )

    # --- calls ----------------------------------------------------------------------------------

    async def server(self) -> Server:
        """What answers there; asked once per connection. Unreachable when it is too old or new."""
        if self._server is None:
            raw = await self._ask("GET", "/version", {}, None, {})
            self._server = _negotiate(self.host, raw)
        return self._server

    async def json(
        self,
        method: str,
        path: str,
        query: Mapping[str, object] | None = None,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Call it and decode the answer; None for an empty one.

        `query` values that are not text are written as JSON. DockerError, Unreachable.
        """
        server = await self.server()
        sent = dict(headers or {})
        data = None
        if body is not None:
            data = json.dumps(body).encode("utf-8")
            sent["Content-Type"] = "application/json"
        return await self._ask(method, f"/v{server.api}{path}", query or {}, data, sent)

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        query: Mapping[str, object] | None = None,
        body: Body = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[Response]:
        """Call it and read the answer as it comes; leaving the block ends the call.

        A broken connection, in the block too, is Unreachable. DockerError.
        """
        server = await self.server()
        target = _target(f"/v{server.api}{path}", query or {})
        try:
            async with self._call(method, target, headers or {}, body) as response:
                yield response
        except WireError as error:
            raise self._unreachable(str(error)) from error

    async def ping(self, timeout_s: float | None = None) -> None:
        """A sign of life, on a connection of its own. Unreachable without one."""
        try:
            await self._pool.ping(timeout_s)
        except WireError as error:
            raise self._unreachable(str(error)) from error

    async def endpoint(self) -> dict[str, str]:
        """The variables by which the `docker` program reaches the same daemon."""
        if self._tunnel is not None:
            return {"DOCKER_HOST": f"unix://{await self._tunnel.socket()}"}
        env = {"DOCKER_HOST": self.host.address}
        if self.host.tls is not None:
            env["DOCKER_CERT_PATH"] = str(self.host.tls.folder)
            env["DOCKER_TLS_VERIFY" if self.host.tls.is_verified else "DOCKER_TLS"] = "1"
        return env

    async def close(self) -> None:
        """End all connections, and the ssh that carried them."""
        await self.events.close()
        await self._pool.close()
        if self._tunnel is not None:
            await self._tunnel.close()

    # --- connections ----------------------------------------------------------------------------

    async def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, object],
        body: bytes | None,
        headers: Mapping[str, str],
    ) -> Any:
        target = _target(path, query)
        may_repeat = method in ("GET", "HEAD", "DELETE")
        while True:
            was_idle = self._pool.has_idle
            try:
                async with self._call(method, target, headers, body) as response:
                    raw = await response.read()
                    return json.loads(raw) if raw.strip() else None
            except WireError as error:
                # A kept connection may have been closed while it was idle.
                if not (may_repeat and was_idle and str(error) == CLOSED):
                    raise self._unreachable(str(error)) from error
            except ValueError as error:
                raise self._unreachable("its answer is not JSON: is it Docker?") from error

    @asynccontextmanager
    async def _call(
        self, method: str, target: str, headers: Mapping[str, str], body: Body
    ) -> AsyncIterator[Response]:
        async with self._pool.call(method, target, headers, body) as response:
            if response.status >= 400:
                response.connection.is_waiting = True
                raise DockerError(response.status, _message(await response.read(), response))
            yield response

    async def _connect(self) -> Connection:
        address = self.host.address
        try:
            if self._tunnel is not None:
                return await connect_unix(await self._tunnel.socket())
            if self.host.scheme == "unix":
                return await connect_unix(address.removeprefix("unix://"))
            parts = urlsplit(address)
            return await connect_tcp(parts.hostname or "", parts.port or 2375, self._tls_context())
        except FileNotFoundError as error:
            raise self._unreachable("it is not running (there is no such socket)") from error
        except PermissionError as error:
            raise self._unreachable(
                "you may not use its socket: ask for membership of the group `docker`"
            ) from error
        except ConnectionRefusedError as error:
            raise self._unreachable("it is not running (nothing listens there)") from error
        except ssl.SSLError as error:
            raise self._unreachable(f"TLS fails: {error.reason or error}") from error
        except OSError as error:
            raise self._unreachable(error.strerror or str(error)) from error

    def _tls_context(self) -> ssl.SSLContext | None:
        tls = self.host.tls
        if tls is None or self._tls is not None:
            return self._tls
        authority, cert, key = (tls.folder / name for name in ("ca.pem", "cert.pem", "key.pem"))
        try:
            context = ssl.create_default_context(cafile=authority if authority.exists() else None)
            if cert.exists():
                context.load_cert_chain(cert, key)
        except (OSError, ssl.SSLError) as error:
            raise self._unreachable(
                f"its certificates in {tls.folder} can't be used: {error}"
            ) from error
        if not tls.is_verified:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        self._tls = context
        return context

    def _forget(self) -> None:
        self._server = None

    def _unreachable(self, why: str) -> Unreachable:
        self._server = None  # another daemon may answer next time
        if self._tunnel is not None:
            why = self._tunnel.why() or why
        return Unreachable(f"Docker at {self.host.shown} can't be reached: {why}")


def _negotiate(host: Host, raw: object) -> Server:
    fields = raw if isinstance(raw, dict) else {}
    api = fields.get("ApiVersion")
    if not isinstance(api, str) or not _version(api):
        raise Unreachable(f"{host.shown} answers, but not as Docker does")
    name = f"Docker {fields.get('Version', '?')} at {host.shown}"
    oldest = _version(str(fields.get("MinAPIVersion", api)))
    if _version(api) < OLDEST:
        raise Unreachable(
            f"{name} is too old: it speaks API {api}, mltui needs {_text(OLDEST)} (Docker 19.03)"
        )
    if oldest > NEWEST:
        raise Unreachable(
            f"{name} is too new for this mltui: it speaks API {_text(oldest)} and up, mltui up to "
            f"{_text(NEWEST)}: update mltui"
        )
    chosen = min(_version(api), NEWEST)
    return Server(
        str(fields.get("Version", "?")),
        _text(chosen),
        str(fields.get("Os", "linux")),
        str(fields.get("Arch", "")),
    )


def _version(text: str) -> tuple[int, ...]:
    with suppress(ValueError):
        return tuple(map(int, text.split(".")))
    return ()


def _text(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _target(path: str, query: Mapping[str, object]) -> str:
    pairs = [
        (name, value if isinstance(value, str) else json.dumps(value))
        for name, value in query.items()
        if value is not None
    ]
    path = quote(path, safe="/:@%+~,=!*'()$&;._-")
    return f"{path}?{urlencode(pairs)}" if pairs else path


def _message(raw: bytes, response: Response) -> str:
    with suppress(ValueError, KeyError, TypeError):
        return str(json.loads(raw)["message"]).strip()
    return raw.decode("utf-8", "replace").strip()[:500] or f"HTTP status {response.status}"
