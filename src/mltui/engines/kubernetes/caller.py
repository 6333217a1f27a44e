"""How one Kubernetes API server is reached in one context: connections, credentials, single calls.

`client.Client` is this with words for objects, lists and watches. Every call ends: see `http.pool`.
Credentials are renewed before they expire and when they are refused, once for all calls that wait.
Errors name verb, resource, namespace and context (`errors`); `Unreachable` when nothing answers.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from mltui.engines.http.pool import Pool
from mltui.engines.http.wire import CLOSED, Connection, Response, WireError
from mltui.engines.kubernetes.access import Access, open_access
from mltui.engines.kubernetes.answers import Query, query_text, read_body
from mltui.engines.kubernetes.connecting import connect
from mltui.engines.kubernetes.errors import ApiThrottled, api_error
from mltui.engines.kubernetes.kubeconfig import Context, Kubeconfig, read_kubeconfig
from mltui.engines.kubernetes.resources import Call
from mltui.errors import MltuiError, Unreachable

JSON = "application/json"
_PATIENCE_S = 5.0
_CONNECT_S = 10.0
_LOCAL = ("localhost", "127.0.0.1", "::1")


class Caller:
    """Calls to one API server. Nothing is connected before the first."""

    def __init__(
        self,
        config: Kubeconfig,
        context: Context,
        environ: Mapping[str, str] | None = None,
        *,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        """`patience_s`: how long it may be silent before it is asked for a sign of life."""
        self.context = context
        self.environ = dict(os.environ if environ is None else environ)
        self._config = config
        self._access: Access | None = None
        self._tls: ssl.SSLContext | None = None
        self._renewing = asyncio.Lock()
        self.heard_at: float | None = None
        """When it last gave a sign of life (seconds since the epoch)."""
        self._clocks = ("", 0.0)
        """What the server's clock said at its last answer, and this machine's."""
        self._pool = Pool(
            self._connect,
            ping="/livez",
            patience_s=patience_s,
            connect_s=_CONNECT_S,
            lives=self.heard,
        )

    def heard(self) -> None:
        """It gave a sign of life now."""
        self.heard_at = time.time()

    @property
    def name(self) -> str:
        """The context, as sentences call this place."""
        return self.context.name

    @property
    def server(self) -> str:
        """Its address; empty before the first call."""
        return self._access.server if self._access is not None else ""

    async def access(self) -> Access:
        """How it is reached now; credentials are renewed when they are due. See `open_access`."""
        if self._access is None or self._access.is_over:
            await self._renew(self._access)
        assert self._access is not None
        return self._access

    # --- calls ----------------------------------------------------------------------------------

    @asynccontextmanager
    async def stream(
        self,
        call: Call,
        query: Query | None = None,
        *,
        accept: str = JSON,
        headers: Mapping[str, str] | None = None,
        is_long: bool = False,
    ) -> AsyncIterator[Response]:
        """An answer that is read as it comes; leaving the block ends it.

        With headers of its own it gets a connection of its own. `is_long`: it may come packed, for
        `body_chunks`. A broken connection, in the block too, is Unreachable.
        """
        sent = {"Accept": accept, **(headers or {})}
        is_fresh = bool(headers)
        if is_long and not self._is_near:
            sent["Accept-Encoding"] = "gzip"
        path = call.resource.path(call.namespace, call.name, call.subresource)
        access = await self.access()
        for is_last in (False, True):
            try:
                async with self._call(
                    access, "GET", path, query, sent, is_fresh=is_fresh
                ) as response:
                    if response.status == 401 and not is_last:
                        access = await self._renew(access)
                        continue
                    if response.status >= 400:
                        raise await self._refusal(call, response)
                    yield response
                    return
            except WireError as error:
                raise self._unreachable(error) from error

    @asynccontextmanager
    async def exchange(
        self,
        method: str,
        call: Call,
        query: Query | None = None,
        *,
        path: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> AsyncIterator[Response]:
        """Any answer, whatever its status, to a request that may be made twice (proxied services).

        `path` follows the call's. A broken connection, in the block too, is Unreachable.
        """
        target = call.resource.path(call.namespace, call.name, call.subresource) + path
        access = await self.access()
        is_renewed = False
        while True:
            was_idle = self._pool.has_idle
            is_open = False
            try:
                async with self._call(
                    access, method, target, query, headers or {}, body, is_fresh=False
                ) as response:
                    if response.status == 401 and not is_renewed:
                        await response.read()
                        access, is_renewed = await self._renew(access), True
                        continue
                    is_open = True
                    yield response
                    return
            except WireError as error:
                # A kept connection may have been closed while it was idle.
                if is_open or not was_idle or str(error) != CLOSED:
                    raise self._unreachable(error) from error

    async def read(
        self, call: Call, query: Query | None = None, *, accept: str = JSON, path: str = ""
    ) -> bytes:
        """The whole answer to a GET, undecoded."""
        path = path or call.resource.path(call.namespace, call.name, call.subresource)
        headers = {"Accept": accept}
        if not call.name and not self._is_near:
            headers["Accept-Encoding"] = "gzip"
        return await self._ask("GET", path, call, query, headers, None)

    async def _send(
        self,
        method: str,
        path: str,
        call: Call,
        body: Any,
        content_type: str,
        query: Query | None,
    ) -> Any:
        data = json.dumps(body).encode("utf-8")
        headers = {"Accept": JSON, "Content-Type": content_type}
        return self._decoded(await self._ask(method, path, call, query, headers, data))

    async def _ask(
        self,
        method: str,
        path: str,
        call: Call,
        query: Query | None,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> bytes:
        access = await self.access()
        is_renewed = False
        while True:
            was_idle = self._pool.has_idle
            try:
                async with self._call(access, method, path, query, headers, body) as response:
                    if response.status == 401 and not is_renewed:
                        await response.read()
                        access, is_renewed = await self._renew(access), True
                        continue
                    if response.status >= 400:
                        raise await self._refusal(call, response)
                    return await read_body(response)
            except WireError as error:
                # A kept connection may have been closed while it was idle.
                if not (method == "GET" and was_idle and str(error) == CLOSED):
                    raise self._unreachable(error) from error

    @asynccontextmanager
    async def _call(
        self,
        access: Access,
        method: str,
        path: str,
        query: Query | None,
        headers: Mapping[str, str],
        body: bytes | None = None,
        *,
        is_fresh: bool | None = None,
    ) -> AsyncIterator[Response]:
        sent = dict(headers)
        if access.authorization:
            sent["Authorization"] = access.authorization
        target = urlsplit(access.server).path + path + query_text(query)
        if is_fresh is None:
            is_fresh = method not in ("GET", "DELETE")
        async with self._pool.call(method, target, sent, body, is_fresh=is_fresh) as response:
            self.heard()
            self._clocks = (response.headers.get("date", ""), time.time())
            yield response

    @property
    def skew_s(self) -> float:
        """How far the server's clock was ahead of this machine's at its last answer."""
        from email.utils import parsedate_to_datetime

        date, at = self._clocks
        with suppress(ValueError, TypeError):  # it may not say
            return parsedate_to_datetime(date).timestamp() - at
        return 0.0

    async def _refusal(self, call: Call, response: Response) -> MltuiError:
        response.connection.is_waiting = True
        error = api_error(call, self.name, response.status, await read_body(response))
        after = response.headers.get("retry-after", "")
        if isinstance(error, ApiThrottled) and after.isdecimal():
            error.retry_s = float(after)
        return error

    def _decoded(self, raw: bytes) -> Any:
        try:
            return json.loads(raw) if raw.strip() else None
        except ValueError as error:
            raise Unreachable(f"{self.name} sends what is not JSON: is it Kubernetes?") from error

    # --- the connection -------------------------------------------------------------------------

    @property
    def _is_near(self) -> bool:
        """On this machine, where packing costs more than it saves."""
        return self._access is not None and urlsplit(self._access.server).hostname in _LOCAL

    async def _renew(self, old: Access | None) -> Access:
        """New credentials, obtained once for all who wait for them."""
        async with self._renewing:
            if self._access is not None and self._access is not old:
                return self._access
            if old is not None:
                # A login may have written the kubeconfig anew.
                config = await asyncio.to_thread(read_kubeconfig, self.environ)
                if self.context.name in config.contexts:
                    self._config = config
            access = await open_access(self._config, self.context, self.environ)
            try:
                self._tls = await asyncio.to_thread(access.tls)
            except (OSError, ssl.SSLError, ValueError) as error:
                raise Unreachable(
                    f"{self.name} can't be reached: its certificates can't be used: {error}"
                ) from error
            if old is not None and (old.certificate, old.server) != (
                access.certificate, access.server,
            ):  # fmt: skip
                self._pool.forget()
            self._access = access
            return access

    async def _connect(self) -> Connection:
        access = self._access or await self.access()
        parts = urlsplit(access.server)
        try:
            return await connect(access, self._tls)
        except ssl.SSLCertVerificationError as error:
            raise WireError(f"its certificate is not trusted: {error.verify_message}") from error
        except ssl.SSLError as error:
            raise WireError(f"TLS fails: {error.reason or error}") from error
        except ConnectionRefusedError as error:
            raise WireError(f"nothing listens at {parts.netloc}") from error
        except OSError as error:
            raise WireError(f"{parts.netloc}: {error.strerror or error}") from error

    def _unreachable(self, error: WireError) -> Unreachable:
        return Unreachable(f"{self.name} can't be reached: {error}")

    async def close(self) -> None:
        """End all connections."""
        await self._pool.close()
