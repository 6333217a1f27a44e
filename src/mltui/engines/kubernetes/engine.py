"""Runs stages as Jobs of one namespace in one cluster; made for targets `engine: kubernetes`.

An attempt is a Job whose name and labels follow from the attempt, so that another runner finds it,
on another machine too. Code, inputs, outputs, metrics and logs travel through the store of the
namespace (`storage`); the Job is removed once all of that is here. Its object is `NAME/UID`.
"""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from mltui.engines.kubernetes import manifest
from mltui.engines.kubernetes.attempts import Watching
from mltui.engines.kubernetes.client import Client, open_client
from mltui.engines.kubernetes.errors import ApiConflict, ApiError, ApiNotFound, ApiThrottled
from mltui.engines.kubernetes.images import ClusterImages
from mltui.engines.kubernetes.manifest import NAME, VIEW, job_name
from mltui.engines.kubernetes.resources import JOBS, PODS, SECRETS
from mltui.engines.kubernetes.services import objects
from mltui.engines.kubernetes.services.host import ClusterHost
from mltui.engines.kubernetes.services.schedules import ClusterSchedules
from mltui.engines.kubernetes.standing import plain_line
from mltui.engines.kubernetes.storage import Storage
from mltui.engines.kubernetes.store.tree import Content, survey
from mltui.engines.protocol import Attempt, Built, Exit, Stopped, View
from mltui.errors import Forbidden, StartFailed, Unreachable, UsageError
from mltui.spec.model import Environment, Target

_THREADS = 4
_GRACE_S = 5.0
_GONE_S = 30.0


class KubernetesEngine:
    """The Kubernetes engine of a target. One instance belongs to one event loop.

    `environ` stands for the person's variables (KUBECONFIG, DOCKER_HOST …); `cache` is where the
    build log of the store's image goes; `grace_s` is what a stage gets between being asked to end
    and being ended.
    """

    name = "kubernetes"
    SHARED = objects.SHARED
    """Where a service writes what it records."""

    def __init__(
        self,
        target: Target,
        *,
        environ: Mapping[str, str] | None = None,
        cache: Path | None = None,
        grace_s: float = _GRACE_S,
    ) -> None:
        self.target = target
        self._environ = dict(os.environ if environ is None else environ)
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="mltui-kubernetes")
        self._cache = cache or _cache_of(self._environ)
        self._grace_s = grace_s
        self._images_made: ClusterImages | None = None
        self._reached: tuple[Client, str, Storage] | None = None
        self._reaching = asyncio.Lock()
        self._stopped: set[str] = set()
        self.host = ClusterHost(target, self.reach, lambda: self._images, self._pool)
        """Keeps services."""
        self.schedules = ClusterSchedules(
            target, self.host, lambda: self._images, self._pool, grace_s
        )
        """Measures monitors at their times."""

    # --- environments ---------------------------------------------------------------------------

    @property
    def _images(self) -> ClusterImages:
        if self._images_made is None:
            self._images_made = ClusterImages(self.target, self._environ, self._pool)
        return self._images_made

    async def built(self, environment: Environment, project: Path) -> Built | None:
        """See `Engine`. Unreachable."""
        return await self._images.built(environment, project)

    def build_key(self, environment: Environment, project: Path) -> str:
        """See `Engine`."""
        return self._images.key(environment, project)

    async def build(
        self, environment: Environment, project: Path, log: Path, *, no_cache: bool = False
    ) -> Built:
        """See `Engine`. Built by Docker as the Docker engine does, then pushed."""
        return await self._images.build(environment, project, log, no_cache=no_cache)

    # --- the cluster ----------------------------------------------------------------------------

    async def reach(self) -> tuple[Client, str, Storage]:
        """The API server, the namespace, its store. UsageError when the context is not known."""
        async with self._reaching:
            if self._reached is None:
                client = await open_client(self.target.context, self._environ)
                namespace = self.target.namespace or client.context.namespace
                log = self._cache / "store-image" / "log"
                storage = Storage(
                    client,
                    namespace,
                    self.target,
                    lambda: self._images.store_image(log),
                    self._pool,
                )
                self._reached = client, namespace, storage
            return self._reached

    async def _reach_again(self) -> tuple[Client, str, Storage]:
        """For what was started: a kubeconfig that is odd now may be right again later."""
        try:
            return await self.reach()
        except UsageError as error:
            raise Unreachable(str(error)) from error

    # --- attempts -------------------------------------------------------------------------------

    def view(self, folder: Path, work: Path) -> View:
        """How an attempt's places are named in its pod; the same in all."""
        return VIEW

    async def start(self, attempt: Attempt) -> str:
        """See `Engine`. What it needs goes to the store, then the Job is made."""
        if not attempt.argv:
            raise StartFailed(f"{attempt.name} has no command")
        if attempt.built is None:
            raise StartFailed(f"{attempt.name} has no environment, so there is no image for it")
        try:
            client, namespace, storage = await self.reach()
        except UsageError as error:
            raise StartFailed(str(error)) from error
        try:
            served = await storage.served()
            secrets = await self._in_pool(_read_secrets, attempt)
            tree, contents = await self._in_pool(survey, attempt.work, ["."])
            data = tree.to_bytes()
            whole = await self._in_pool(_content_of, data)
            await _alone(storage.send([*contents, whole]))
            body = manifest.job(
                attempt,
                image=attempt.built.location,
                tree=whole.digest,
                served=served,
                pods=self.target.pods,
                grace_s=self._grace_s,
                secrets=tuple(secrets),
                user=await self._images.user(attempt.built.location),
            )
            if not attempt.network:
                await storage.close_network()
            made = await self._create(client, namespace, attempt, body)
            if secrets and made["spec"].get("suspend"):
                await self._give_secrets(client, namespace, made, secrets)
        except OSError as error:
            raise StartFailed(f"its files can't be read: {error}") from error
        except (ApiThrottled, ApiConflict) as error:
            raise Unreachable(str(error)) from error
        except (ApiError, Forbidden) as error:
            raise StartFailed(self._refusal(error, namespace)) from error
        return _object(made)

    async def _create(
        self, client: Client, namespace: str, attempt: Attempt, body: dict[str, Any]
    ) -> Any:
        """The Job: made, or as an earlier try at the same attempt made it."""
        deadline = asyncio.get_running_loop().time() + _GONE_S
        while True:
            try:
                return await client.create(JOBS, namespace, body)
            except ApiConflict:
                found = await self._look(client, namespace, job_name(attempt.name))
                if found is not None and not _is_named(found, attempt):
                    raise StartFailed(
                        f"the name {found['metadata']['name']} is taken in namespace {namespace} "
                        "by a Job that mltui did not make: rename or remove it"
                    ) from None
                if found is not None and not found["metadata"].get("deletionTimestamp"):
                    return found
                if asyncio.get_running_loop().time() > deadline:
                    raise
            # What has its name is on its way out.
            await asyncio.sleep(0.2)

    async def _give_secrets(
        self, client: Client, namespace: str, made: Any, secrets: dict[str, str]
    ) -> None:
        """Its Secret, owned by the Job so that it goes with it; then the Job may begin."""
        name, uid = made["metadata"]["name"], made["metadata"]["uid"]
        with suppress(ApiConflict):
            await client.create(SECRETS, namespace, manifest.secret(name, uid, secrets))
        change = {"metadata": {"uid": uid}, "spec": {"suspend": False}}
        await client.patch(JOBS, namespace, name, change)

    def _refusal(self, error: Exception, namespace: str) -> str:
        said = plain_line(getattr(error, "message", "") or str(error))
        if isinstance(error, ApiNotFound) and f'namespaces "{namespace}" not found' in said:
            return (
                f"there is no namespace {namespace} in {self._where}: make it with "
                f"`kubectl create namespace {namespace}`"
            )
        return str(error)

    @property
    def _where(self) -> str:
        return self._reached[0].name if self._reached else str(self.target.context)

    async def find(self, attempt: Attempt) -> str | None:
        """See `Engine`. A Job that waits for secrets that were never given is removed."""
        client, namespace, _ = await self._reach_again()
        try:
            found = await self._look(client, namespace, job_name(attempt.name))
            if found is None or not _is_ours(found, attempt):
                return None
            if not found["spec"].get("suspend"):
                return _object(found)
            await self._delete(client, namespace, _object(found))
        except ApiError as error:
            raise Unreachable(str(error)) from error
        return None

    async def _look(self, client: Client, namespace: str, name: str) -> Any:
        with suppress(ApiNotFound):
            return await client.get(JOBS, namespace, name)
        return None

    async def wait(self, attempt: Attempt, obj: str) -> Exit:
        """See `Engine`. Unreachable at any time; asked again it goes on where it was."""
        client, namespace, storage = await self._reach_again()
        watching = Watching(
            client, namespace, storage, attempt, obj, self.target.pods.patience_s, self._pool
        )
        try:
            await storage.served()
            return await watching.ended(lambda: obj in self._stopped)
        except (ApiError, StartFailed, Unreachable) as error:
            storage.forget()
            if await self._is_gone(client, namespace, obj):
                return Exit(Stopped.LOST, None, message="its Job was removed by somebody else")
            raise Unreachable(str(error)) from error
        except OSError as error:
            raise Unreachable(f"what it left can't be kept here: {error}") from error

    async def _is_gone(self, client: Client, namespace: str, obj: str) -> bool:
        """Whether the server says that its Job, or all of the namespace, is not there."""
        with suppress(ApiError, Unreachable):
            found = await self._look(client, namespace, obj.partition("/")[0])
            return found is None or _object(found) != obj
        return False

    async def stop(self, attempt: Attempt, obj: str, grace_s: float) -> None:
        """See `Engine`. Its pod is deleted: the stage is asked to end, after the engine's grace
        made to, and what it left is still kept."""
        self._stopped.add(obj)
        client, namespace, _ = await self._reach_again()
        name, _, uid = obj.partition("/")
        loop = asyncio.get_running_loop()
        told: set[str] = set()
        deadline = loop.time() + max(grace_s, self._grace_s) + _GONE_S
        while True:
            try:
                query = {"labelSelector": f"{manifest.RECORD}={name}"}
                pods = (await client.get(PODS, namespace, query=query))["items"]
                alive = [pod for pod in pods if _owner(pod) == uid and not _is_still(pod)]
                for pod in alive:
                    if pod["metadata"]["uid"] not in told:
                        told.add(pod["metadata"]["uid"])
                        with suppress(ApiNotFound, ApiConflict):
                            await client.delete(
                                PODS, namespace, pod["metadata"]["name"], uid=pod["metadata"]["uid"]
                            )
                if not alive:
                    found = await self._look(client, namespace, name)
                    if pods or found is None or _is_finished(found):
                        return
                    # Its pod is not made yet: without the Job it never is.
                    await self._delete(client, namespace, obj)
                    return
            except ApiError as error:
                raise Unreachable(str(error)) from error
            if loop.time() > deadline:
                raise Unreachable(f"{attempt.name} was told to end and does not")
            await asyncio.sleep(0.2)

    async def remove(self, attempt: Attempt, obj: str | None) -> None:
        """See `Engine`. The Job goes with its pods and secrets, and what the store has of it."""
        client, namespace, storage = await self._reach_again()
        try:
            if obj is None:
                found = await self._look(client, namespace, job_name(attempt.name))
                if found is None or not _is_ours(found, attempt):
                    return
                obj = _object(found)
            await self._delete(client, namespace, obj)
            with suppress(ApiError):  # of a namespace that goes nothing is left
                await storage.served()
                await storage.forget_record(job_name(attempt.name))
        except (ApiError, StartFailed) as error:
            raise Unreachable(str(error)) from error
        self._stopped.discard(obj)

    async def _delete(self, client: Client, namespace: str, obj: str) -> None:
        name, _, uid = obj.partition("/")
        with suppress(ApiNotFound, ApiConflict):
            await client.delete(JOBS, namespace, name, uid=uid)

    async def _in_pool(self, function: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *args)

    async def close(self) -> None:
        """Give back connections and threads; attempts go on."""
        if self._reached is not None:
            await self._reached[0].close()
        if self._images_made is not None:
            await self._images_made.close()
        self._pool.shutdown(wait=False, cancel_futures=True)


async def _alone(work: Any) -> None:
    """The first error of a group of tasks, as itself."""
    try:
        await work
    except ExceptionGroup as group:
        raise group.exceptions[0] from None


def _content_of(data: bytes) -> Content:
    import hashlib

    return Content(hashlib.sha256(data).hexdigest(), len(data), None, data)


def _read_secrets(attempt: Attempt) -> dict[str, str]:
    folder = attempt.secrets or attempt.folder / "secrets"
    if not folder.is_dir():
        return {}
    return {
        each.name: base64.b64encode(each.read_bytes()).decode("ascii")
        for each in sorted(folder.iterdir())
    }


def _object(job: Any) -> str:
    return f"{job['metadata']['name']}/{job['metadata']['uid']}"


def _owner(pod: Any) -> str:
    owners = pod["metadata"].get("ownerReferences") or ()
    return next((str(each["uid"]) for each in owners if each.get("controller")), "")


def _is_named(found: Any, attempt: Attempt) -> bool:
    notes = found["metadata"].get("annotations") or {}
    return bool(notes.get(NAME) == attempt.name)


def _is_ours(found: Any, attempt: Attempt) -> bool:
    return _is_named(found, attempt) and not found["metadata"].get("deletionTimestamp")


def _is_still(pod: Any) -> bool:
    """The stage in it no longer runs, or never will."""
    status = pod.get("status") or {}
    if status.get("phase") in ("Succeeded", "Failed"):
        return True
    for each in status.get("containerStatuses") or ():
        if each["name"] == manifest.STAGE and "terminated" in (each.get("state") or {}):
            return True
    return False


def _is_finished(job: Any) -> bool:
    conditions = (job.get("status") or {}).get("conditions") or ()
    return any(c["type"] in ("Complete", "Failed") and c["status"] == "True" for c in conditions)


def _cache_of(environ: Mapping[str, str]) -> Path:
    base = environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "mltui"
