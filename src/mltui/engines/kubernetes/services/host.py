"""Keeps services in a namespace by telling its API server what is wanted; `KubernetesEngine.host`.

The cluster replaces, spreads and restarts by itself. Code and the accepted artifact come to the
pods through the store of the namespace, checked by their SHA-256, as with stages; nothing but the
API server need be reachable from here.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from mltui.engines.hosting import Hosting, Look, Said, Wanted
from mltui.engines.http.wire import WireError
from mltui.engines.kubernetes.client import Client
from mltui.engines.kubernetes.errors import ApiConflict, ApiError, ApiNotFound, ApiThrottled
from mltui.engines.kubernetes.images import ClusterImages
from mltui.engines.kubernetes.resources import (
    DEPLOYMENTS,
    EVENTS,
    PODS,
    SECRETS,
    SERVICES,
    SLICES,
    Call,
    Resource,
)
from mltui.engines.kubernetes.services import objects
from mltui.engines.kubernetes.services.objects import DEPLOYMENT, HOSTED, MARK, object_name
from mltui.engines.kubernetes.services.podlog import PodLog
from mltui.engines.kubernetes.services.reading import read_look
from mltui.engines.kubernetes.storage import Storage
from mltui.engines.kubernetes.store.pod import PIECE_BYTES
from mltui.engines.kubernetes.store.tree import Content, survey
from mltui.errors import Forbidden, StartFailed, Unreachable, UsageError
from mltui.spec.model import Target

BUDGETS = Resource("poddisruptionbudgets", "PodDisruptionBudget", "policy", short_names=("pdb",))
APPLY = {"fieldManager": "mltui", "force": "true"}
_ANSWER_S = 5.0
_MAX_BYTES = 2 << 20
_FOLLOW_S = 20.0
_AGAIN_S = 1.0
Reach = Callable[[], Awaitable[tuple[Client, str, Storage]]]


class ClusterHost:
    """The services of one target. `reach`: API server, namespace, its store."""

    def __init__(
        self, target: Target, reach: Reach, images: Callable[[], ClusterImages], pool: Executor
    ) -> None:
        self.patience_s = target.pods.patience_s
        self._target, self._reach, self._images, self._pool = target, reach, images, pool
        self._seen: dict[str, str] = {}
        self._trimmed: dict[str, int] = {}
        """Pod → how much of its records the store need not keep."""

    # --- looking --------------------------------------------------------------------------------

    async def look(self, hosting: Hosting) -> Look:
        """See `Host`."""
        client, namespace, _ = await self.reached()
        name = object_name(hosting)
        try:
            query = {"labelSelector": f"{HOSTED}={name}"}
            found = await client.get(PODS, namespace, query=query)
            self._seen[name] = str(found["metadata"]["resourceVersion"])
            deployment = await self.own(client, namespace, DEPLOYMENTS, hosting)
            service = await self.own(client, namespace, SERVICES, hosting)
            slices: list[Any] = []
            if service is not None:
                query = {"labelSelector": f"kubernetes.io/service-name={name}"}
                slices = (await client.get(SLICES, namespace, query=query))["items"]
            pods = [pod for pod in found["items"] if _is_ours(pod, deployment)]
            events = await self._events(client, namespace, pods)
        except ApiThrottled as error:
            raise Unreachable(str(error)) from error
        return read_look(hosting, namespace, deployment, pods, service, slices, events)

    async def _events(self, client: Client, namespace: str, pods: list[Any]) -> list[Any]:
        """What happened to pods that are not ready; a person may not be allowed to know."""
        events: list[Any] = []
        for pod in pods:
            conditions = (pod.get("status") or {}).get("conditions") or ()
            is_ready = any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
            if not is_ready and not pod["metadata"].get("deletionTimestamp"):
                query = {"fieldSelector": f"involvedObject.uid={pod['metadata']['uid']}"}
                with suppress(Forbidden):
                    events += (await client.get(EVENTS, namespace, query=query))["items"]
        return events

    async def own(
        self, client: Client, namespace: str, resource: Resource, hosting: Hosting
    ) -> Any:
        """An object of a service; None when it is not there. StartFailed: its name is another's."""
        name = object_name(hosting)
        try:
            found = await client.get(resource, namespace, name)
        except ApiNotFound:
            return None
        notes = found["metadata"].get("annotations") or {}
        if notes.get(DEPLOYMENT) == hosting.deployment and notes.get(MARK) == hosting.mark:
            return found
        if DEPLOYMENT in notes:
            raise StartFailed(
                f"{resource.kind} {namespace}/{name} belongs to {notes[DEPLOYMENT]} of another "
                "checkout or target of this project: stop it there, or choose another namespace"
            )
        raise StartFailed(
            f"the name {name} is taken in namespace {namespace} by a {resource.kind} that mltui "
            "did not make: rename or remove it"
        )

    async def changed(self, hosting: Hosting, limit_s: float) -> None:
        """See `Host`."""
        name = object_name(hosting)
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                client, namespace, _ = await self.reached()
                query = {"labelSelector": f"{HOSTED}={name}"}
                try:
                    async with client.watch(
                        PODS, namespace, self._seen.get(name, "0"), query=query, timeout_s=60
                    ) as events:
                        async for event in events:
                            if json.loads(event).get("type") != "BOOKMARK":
                                return
                except (ApiError, Unreachable):  # it may not be watched; the version is too old
                    await asyncio.sleep(limit_s)

    # --- telling --------------------------------------------------------------------------------

    async def tell(self, wanted: Wanted) -> None:
        """See `Host`. What a replica needs goes to the store first."""
        attempt = wanted.attempt
        if attempt.built is None:
            raise StartFailed(f"{attempt.name} has no environment, so there is no image for it")
        try:
            client, namespace, storage = await self.reached()
            image = await self._images().bring(attempt.built.location)
            served = await storage.served()
            tree = await self.bring(storage, attempt.work)
            hosting = wanted.hosting
            for resource in (DEPLOYMENTS, SERVICES, BUDGETS):
                await self.own(client, namespace, resource, hosting)
            secrets = await self._in_pool(read_secrets, attempt.secrets)
            if secrets:
                await self._apply(client, namespace, SECRETS, objects.secret(hosting, secrets))
            await self._apply(client, namespace, BUDGETS, objects.budget(wanted))
            made = objects.service(wanted)
            if made is not None:
                await self._apply(client, namespace, SERVICES, made)
            body = objects.deployment(
                wanted,
                image=image,
                tree=tree,
                served=served,
                pods=self._target.pods,
                has_secrets=bool(secrets),
                user=await self._images().user(image),
            )
            await self._apply(client, namespace, DEPLOYMENTS, body)
        except OSError as error:
            raise StartFailed(f"its files can't be read: {error}") from error
        except (ApiThrottled, ApiConflict) as error:
            raise Unreachable(str(error)) from error
        except ApiNotFound as error:
            raise StartFailed(
                f"there is no namespace {self._target.namespace}: make it with "
                f"`kubectl create namespace {self._target.namespace}`"
                if "namespaces" in error.message
                else str(error)
            ) from error
        except (ApiError, UsageError) as error:
            raise StartFailed(str(error)) from error

    async def bring(self, storage: Storage, work: Path) -> str:
        """Code and inputs into the store; the digest of how they are laid out."""
        tree, contents = await self._in_pool(survey, work, ["."])
        data = tree.to_bytes()
        whole = Content(hashlib.sha256(data).hexdigest(), len(data), None, data)
        try:
            await storage.send([*contents, whole])
        except ExceptionGroup as group:
            raise group.exceptions[0] from None
        return whole.digest

    async def _apply(
        self, client: Client, namespace: str, resource: Resource, body: dict[str, Any]
    ) -> None:
        name = body["metadata"]["name"]
        await client.patch(resource, namespace, name, body, patch="apply", query=APPLY)

    async def scale(self, hosting: Hosting, replicas: int) -> None:
        """See `Host`."""
        client, namespace, _ = await self.reached()
        found = await self.own(client, namespace, DEPLOYMENTS, hosting)
        if found is not None:
            change = {
                "metadata": {"uid": found["metadata"]["uid"]},
                "spec": {"replicas": replicas},
            }
            await client.patch(DEPLOYMENTS, namespace, object_name(hosting), change)

    async def take_down(self, hosting: Hosting) -> None:
        """See `Host`. By UID: what has its name and is another's stays."""
        client, namespace, _ = await self.reached()
        for resource in (SERVICES, DEPLOYMENTS, BUDGETS, SECRETS):
            try:
                found = await self.own(client, namespace, resource, hosting)
            except StartFailed:
                continue
            if found is not None:
                with suppress(ApiNotFound, ApiConflict):
                    await client.delete(
                        resource, namespace, object_name(hosting), uid=found["metadata"]["uid"]
                    )

    async def reached(self) -> tuple[Client, str, Storage]:
        """The API server, the namespace, its store. Unreachable."""
        try:
            return await self._reach()
        except UsageError as error:
            raise Unreachable(str(error)) from error

    # --- one replica ----------------------------------------------------------------------------

    async def ask(self, hosting: Hosting, obj: str, port: int, path: str) -> Said:
        """See `Host`. Through the API server, so that pods need not be reachable from here."""
        pod = obj.partition("/")[0]
        try:
            client, namespace, _ = await self.reached()
            call = Call("get", PODS, namespace, f"http:{pod}:{port}", "proxy")
            plain, _, query = path.partition("?")
            asked = dict(part.partition("=")[::2] for part in query.split("&") if part)
            async with (
                asyncio.timeout(_ANSWER_S),
                client.exchange("GET", call, asked, path=plain) as response,
            ):
                body = bytearray()
                async for data in response.chunks():
                    body += data
                    if len(body) > _MAX_BYTES:
                        return Said(0, b"", f"its answer is larger than {_MAX_BYTES >> 20} MiB")
                return Said(response.status, bytes(body), "")
        except TimeoutError:
            return Said(0, b"", f"no answer within {_ANSWER_S:g} s")
        except (ApiError, Unreachable, WireError, OSError) as error:
            return Said(0, b"", str(error))

    async def follow_log(self, hosting: Hosting, obj: str, log: Path) -> None:
        """See `Host`."""
        client, namespace, _ = await self.reached()
        await PodLog(client, namespace, obj.partition("/")[0], log).follow()

    async def follow_records(self, hosting: Hosting, obj: str, records: Path) -> None:
        """See `Host`. They are in the store, where they outlive the pod."""
        while True:
            try:
                await self._records(obj, records, _FOLLOW_S)
            except (ApiError, StartFailed, Unreachable):
                await asyncio.sleep(_FOLLOW_S)
            await asyncio.sleep(_AGAIN_S)

    async def forget_records(self, hosting: Hosting, obj: str, records: Path) -> None:
        """See `Host`."""
        try:
            _, _, storage = await self.reached()
            await self._records(obj, records, 0)
            await storage.forget_record(obj.partition("/")[0])
            self._trimmed.pop(obj.partition("/")[0], None)
        except (ApiError, StartFailed) as error:
            raise Unreachable(str(error)) from error

    async def _records(self, obj: str, records: Path, limit_s: float) -> None:
        _, _, storage = await self.reached()
        await storage.served()
        with records.open("ab") as file:
            try:
                async with asyncio.timeout(2 * _FOLLOW_S):
                    pod = obj.partition("/")[0]

                    # Of what is no longer there a hole is left: offsets are the same everywhere.
                    def skip(begins: int) -> None:
                        file.truncate(begins)

                    async for data in storage.follow(pod, file.tell(), limit_s, skip):
                        file.write(data)
                        file.flush()
                    await self._trim(storage, pod, file)
            except TimeoutError as error:
                raise storage.silent() from error

    async def _trim(self, storage: Storage, pod: str, file: BinaryIO) -> None:
        """What is safely here needs no room in the store."""
        have = file.tell()
        if have - self._trimmed.get(pod, 0) >= PIECE_BYTES:
            await self._in_pool(os.fsync, file.fileno())
            await storage.trim_record(pod, have)
            self._trimmed[pod] = have

    async def _in_pool(self, function: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *args)


def _is_ours(pod: Mapping[str, Any], deployment: Any) -> bool:
    """Made by a ReplicaSet, not put there by hand with our label."""
    owners = pod["metadata"].get("ownerReferences") or ()
    return any(each.get("kind") == "ReplicaSet" and each.get("controller") for each in owners)


def read_secrets(folder: Path | None) -> dict[str, str]:
    """A folder with a file for each, in base64."""
    if folder is None or not folder.is_dir():
        return {}
    return {
        each.name: base64.b64encode(each.read_bytes()).decode("ascii")
        for each in sorted(folder.iterdir())
    }
