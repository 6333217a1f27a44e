"""The store of a namespace as a runner uses it: made, filled, read, all through the API server.

Called by the engine. Nothing but the API server need be reachable: requests go through its proxy
for Services. Content is checked by its SHA-256 on both sides, goes up in pieces and goes on where
a broken connection left it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from concurrent.futures import Executor
from contextlib import suppress
from pathlib import Path
from typing import Any

from mltui.engines.http.wire import Response
from mltui.engines.kubernetes import manifest
from mltui.engines.kubernetes.client import Client
from mltui.engines.kubernetes.errors import ApiConflict, ApiForbidden, ApiNotFound, status_error
from mltui.engines.kubernetes.manifest import FORMAT, STORE, STORE_FORMAT, Served
from mltui.engines.kubernetes.resources import (
    CLAIMS,
    DEPLOYMENTS,
    EVENTS,
    NETWORK_POLICIES,
    PODS,
    SECRETS,
    SERVICES,
    Call,
    Resource,
)
from mltui.engines.kubernetes.standing import read_standing
from mltui.engines.kubernetes.store.pod import PIECE_BYTES
from mltui.engines.kubernetes.store.server import FROM, PORT, TOKEN
from mltui.engines.kubernetes.store.tree import Content
from mltui.errors import StartFailed, Unreachable
from mltui.spec.model import Target

_READY_S = 90.0
_SILENT_S = 45.0
_AT_ONCE = 3
_TRIES = 5


class Storage:
    """The store of one namespace. `image`: gives the image that it and the pods run."""

    def __init__(
        self,
        client: Client,
        namespace: str,
        target: Target,
        image: Callable[[], Awaitable[str]],
        pool: Executor,
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._target = target
        self._image = image
        self._pool = pool
        self._token = ""
        self._served: Served | None = None
        self._making = asyncio.Lock()
        self._is_network_closed = False
        self._room = asyncio.Semaphore(_AT_ONCE)

    # --- making it ------------------------------------------------------------------------------

    async def served(self) -> Served:
        """The store, made and ready. Unreachable while it is not, StartFailed, Forbidden."""
        async with self._making:
            if self._served is None:
                self._served = await self._make()
            return self._served

    def forget(self) -> None:
        """It did not answer: look at it anew before it is used again."""
        self._served = None

    async def _make(self) -> Served:
        image = await self._image()
        made = manifest.store_secret(secrets.token_urlsafe(32))
        await self._have(SECRETS, made)
        await self._have(CLAIMS, manifest.store_claim(self._target.store))
        wanted = manifest.store_service()
        service = await self._have(SERVICES, wanted)
        if len(service["spec"]["ports"]) < len(wanted["spec"]["ports"]):
            await self._client.patch(SERVICES, self._namespace, STORE, wanted, patch="strategic")
        await self._deploy(image)
        await self._find_token()
        return Served(f"{service['spec']['clusterIP']}:{PORT}", image)

    async def close_network(self) -> None:
        """Have stages without a network reach the store alone, where the cluster enforces that.

        One who may not make policies goes on: what the stage could reach is found out in its pod.
        """
        if not self._is_network_closed:
            with suppress(ApiForbidden):
                await self._have(NETWORK_POLICIES, manifest.closed_policy())
            self._is_network_closed = True

    async def _find_token(self) -> None:
        import base64

        found = await self._client.get(SECRETS, self._namespace, STORE)
        self._token = base64.b64decode(found["data"]["token"]).decode("ascii")

    async def _have(self, resource: Resource, body: dict[str, Any]) -> Any:
        """The object as it is there; made if it is not."""
        name = body["metadata"]["name"]
        with suppress(ApiNotFound):
            return await self._client.get(resource, self._namespace, name)
        with suppress(ApiConflict):
            return await self._client.create(resource, self._namespace, body)
        return await self._client.get(resource, self._namespace, name)

    async def _deploy(self, image: str) -> None:
        wanted = manifest.store_deployment(image, self._target.pods)
        found = await self._have(DEPLOYMENTS, wanted)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _READY_S
        is_changed = False
        while not _is_ready(found):
            # One that is ready serves as it is; one that is not may want an image that is gone.
            if not is_changed and _image_of(found) != image:
                await self._client.patch(
                    DEPLOYMENTS, self._namespace, STORE, wanted, patch="strategic"
                )
                is_changed = True
            if loop.time() > deadline:
                raise Unreachable(
                    f"the artifact store in namespace {self._namespace} does not get ready: "
                    f"{await self._why_not()}"
                )
            await asyncio.sleep(0.3)
            found = await self._client.get(DEPLOYMENTS, self._namespace, STORE)

    async def _why_not(self) -> str:
        query = {"labelSelector": f"app.kubernetes.io/name={STORE}"}
        pods = (await self._client.get(PODS, self._namespace, query=query))["items"]
        events = (await self._client.get(EVENTS, self._namespace))["items"]
        names = {STORE, *(pod["metadata"]["name"] for pod in pods)}
        said = [e for e in events if e.get("involvedObject", {}).get("name") in names]
        standing = read_standing({"metadata": {}}, pods, said)
        return standing.why or (standing.exit.message if standing.exit else "") or "its pod waits"

    # --- content --------------------------------------------------------------------------------

    async def send(self, contents: Iterable[Content]) -> None:
        """Have all of it in the store. Unreachable; StartFailed when the store is full."""
        known = {content.digest: content for content in contents}
        missing = await self._say("POST", "/missing", json.dumps(list(known)).encode())

        async def one(digest: str, have: int) -> None:
            async with self._room:
                await self._send_one(known[digest], have)

        async with asyncio.TaskGroup() as group:
            for digest, have in missing.items():
                group.create_task(one(digest, have))

    async def _send_one(self, content: Content, at: int) -> None:
        loop = asyncio.get_running_loop()
        tries = 0
        while True:
            piece = await loop.run_in_executor(self._pool, content.read, at, PIECE_BYTES)
            path, query = f"/blobs/{content.digest}", {"offset": at, "size": content.size}
            status, told = await self._ask("PUT", path, query, piece)
            if status == 200:
                at = int(told["have"])
                if at >= content.size:
                    return
                continue
            tries += 1
            if tries > _TRIES or status not in (409, 422):
                raise self._refusal(status, told)
            at = int(told["have"])
            if at < 0:  # another runner, or a pod, sends the same just now
                await asyncio.sleep(0.3)
                missing = await self._say("POST", "/missing", json.dumps([content.digest]).encode())
                if content.digest not in missing:
                    return
                at, tries = int(missing[content.digest]), 1

    async def fetch(self, digest: str, size: int, path: Path) -> None:
        """Content into a file, checked; what of it is there already is not fetched again.

        Unreachable when it does not come whole.
        """
        if await self._in_pool(_digest_of, path) == digest:
            return
        part = path.with_name(f"{path.name}.part")
        for attempt in range(_TRIES):
            with suppress(Unreachable):
                await self._fetch_on(digest, part)
            found = await self._in_pool(_digest_of, part)
            if found == digest:
                part.replace(path)
                return
            if part.exists() and part.stat().st_size >= size:
                part.unlink()  # damaged on the way, or there
            await asyncio.sleep(0.2 * attempt)
        raise Unreachable(
            f"an artifact can't be fetched from the store in namespace {self._namespace}: "
            f"{digest[:12]} of {size} bytes"
        )

    async def _fetch_on(self, digest: str, part: Path) -> None:
        at = part.stat().st_size if part.exists() else 0
        loop = asyncio.get_running_loop()
        async with self._open("GET", f"/blobs/{digest}", {"offset": at}) as response:
            if response.status != 200:
                raise self._refusal(response.status, _told(await response.read()))
            with part.open("ab") as file:
                try:
                    async with asyncio.timeout(_SILENT_S) as limit:
                        async for data in response.chunks():
                            file.write(data)
                            limit.reschedule(loop.time() + _SILENT_S)
                except TimeoutError as error:
                    raise self.silent() from error

    # --- what attempts left ---------------------------------------------------------------------

    async def describe(self, record: str) -> dict[str, Any]:
        """How long its log is, whether its metrics changed, its result once there is one."""
        found = await self._say("GET", f"/records/{record}")
        assert isinstance(found, dict)
        return found

    async def follow(
        self,
        record: str,
        offset: int,
        limit_s: float,
        skip: Callable[[int], None] = lambda begins: None,
    ) -> AsyncIterator[bytes]:
        """Its log from an offset and what comes, until it is over or `limit_s` has passed.

        `skip` is told where it begins if that is later: the store no longer has what is before.
        """
        path, query = f"/records/{record}/log", {"offset": offset, "follow": limit_s}
        async with self._open("GET", path, query) as response:
            if response.status != 200:
                raise self._refusal(response.status, _told(await response.read()))
            begins = response.headers.get(FROM.lower(), "")
            if begins.isdecimal() and int(begins) > offset:
                skip(int(begins))
            async for data in response.chunks():
                yield data

    async def metrics(self, record: str) -> bytes:
        """The metrics file as it was last."""
        async with self._open("GET", f"/records/{record}/metrics") as response:
            data = await response.read()
            return data if response.status == 200 else b""

    async def trim_record(self, record: str, until: int) -> None:
        """What a service recorded before an offset is kept here: the store may give it back."""
        await self._ask("POST", f"/records/{record}/trim", {"until": until})

    async def forget_record(self, record: str) -> None:
        """Remove what an attempt left; content stays."""
        await self._say("DELETE", f"/records/{record}")

    async def scheduled(self, schedule: str) -> dict[str, Any]:
        """A monitor's pods left this: `now`, `made` (name, when, version, whether it is whole)."""
        found = await self._say("GET", f"/schedules/{schedule}")
        assert isinstance(found, dict)
        return found

    async def keep_windows(self, schedule: str, windows: Mapping[str, float] | None) -> None:
        """How far back a monitor looks into what services record, in seconds; None: no more."""
        if windows is None:
            await self._say("DELETE", f"/schedules/{schedule}")
        else:
            await self._say("PUT", f"/schedules/{schedule}", json.dumps(dict(windows)).encode())

    async def take(self, record: str, by: str) -> str:
        """Who decides on a measurement: whoever asked first."""
        status, told = await self._ask("POST", f"/records/{record}/take", {"by": by})
        if status != 200:
            raise self._refusal(status, told)
        return str(told["by"])

    # --- requests -------------------------------------------------------------------------------

    def _open(self, method: str, path: str, query: Any = None, body: bytes | None = None) -> Any:
        call = Call(_VERBS[method], SERVICES, self._namespace, f"http:{STORE}:{PORT}", "proxy")
        headers = {TOKEN: self._token, "Content-Type": "application/octet-stream"}
        return self._client.exchange(method, call, query, path=path, headers=headers, body=body)

    async def _ask(
        self, method: str, path: str, query: Any = None, body: bytes | None = None
    ) -> tuple[int, dict[str, Any]]:
        response: Response
        try:
            async with (
                asyncio.timeout(_SILENT_S),
                self._open(method, path, query, body) as response,
            ):
                return response.status, _told(await response.read())
        except TimeoutError as error:
            raise self.silent() from error

    def silent(self) -> Unreachable:
        """The API server answers, the store behind it does not: its node may be lost."""
        return Unreachable(f"the artifact store in namespace {self._namespace} is silent")

    async def _say(self, method: str, path: str, body: bytes | None = None) -> Any:
        status, told = await self._ask(method, path, None, body)
        if status != 200:
            raise self._refusal(status, told)
        return told

    def _refusal(self, status: int, told: dict[str, Any]) -> Exception:
        where = f"the artifact store in namespace {self._namespace}"
        said = str(told.get("message") or f"HTTP status {status}")
        if told.get("kind") == "Status" and status in (401, 403):
            call = Call("use", SERVICES, self._namespace, STORE, "proxy")
            return status_error(call, self._client.name, status, told)
        self.forget()
        if status == 507:
            return StartFailed(
                f"{where} is full: give it more room (`store: {{size: …}}` of the target, if its "
                f"storage class can grow) or delete its claim {STORE}"
            )
        return Unreachable(f"{where} does not answer: {said}")

    async def _in_pool(self, function: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *args)


_VERBS = {"GET": "get", "POST": "create", "PUT": "update", "DELETE": "delete"}


def _is_ready(found: Any) -> bool:
    status = found.get("status") or {}
    notes = found["metadata"].get("annotations") or {}
    return bool(
        int(notes.get(FORMAT, "0")) >= STORE_FORMAT
        and status.get("observedGeneration", 0) >= found["metadata"].get("generation", 0)
        and status.get("availableReplicas")
    )


def _image_of(found: Any) -> str:
    return str(found["spec"]["template"]["spec"]["containers"][0]["image"])


def _told(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError:
        return {"message": data[:200].decode("utf-8", "replace")}
    return found if isinstance(found, dict) else {}


def _digest_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return ""
