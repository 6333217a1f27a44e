"""One attempt in the cluster until it is over, and what it left brought here.

Called by the engine's `wait`. Two things are watched beside each other: the record in the store,
where the keeper beside the stage puts log, metrics and result, and the Job with its pod, which say
why there may never be a result. The log comes from the store, so that it is whole and byte for byte
whatever the node keeps of it.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from contextlib import suppress
from pathlib import Path
from typing import Any

from mltui.engines.docker.archive import clear
from mltui.engines.kubernetes import manifest
from mltui.engines.kubernetes.client import Client
from mltui.engines.kubernetes.errors import ApiError, ApiForbidden, ApiNotFound
from mltui.engines.kubernetes.resources import EVENTS, JOBS, PODS
from mltui.engines.kubernetes.standing import (
    Phase,
    Standing,
    interruption,
    read_pod,
    read_result,
    read_standing,
)
from mltui.engines.kubernetes.storage import Storage
from mltui.engines.kubernetes.store.pod import OPEN
from mltui.engines.kubernetes.store.tree import Tree, restore
from mltui.engines.protocol import Attempt, Exit, Stopped, keep_facts
from mltui.errors import Unreachable
from mltui.text.format import format_duration

_FOLLOW_S = 20.0
_METRICS_S = 2.0
_LOOK_S = 10.0
_POLL_S = 1.0
_BEGAN_S = 5.0
"""A stage's result can outrun its kubelet: for so long that may still say when it began."""
_CLASSIFY_S = 20.0
"""The kubelet says why a container was killed a moment after it was."""


class Watching:
    """An attempt that was started, here or by another runner."""

    def __init__(
        self,
        client: Client,
        namespace: str,
        storage: Storage,
        attempt: Attempt,
        obj: str,
        patience_s: float,
        pool: Executor,
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._storage = storage
        self._attempt = attempt
        self._job, _, self._uid = obj.partition("/")
        self._patience_s = patience_s
        self._pool = pool
        self._stuck_since: float | None = None
        self._why = ""
        self._version = ""
        self._seen = asyncio.Event()
        self._exit: Exit | None = None
        self._pod: Mapping[str, Any] | None = None

    async def ended(self, is_stopped: Callable[[], bool]) -> Exit:
        """Wait for its end; log, metrics and outputs are here then. Unreachable, OSError."""
        follow = asyncio.ensure_future(self._follow())
        stand = asyncio.ensure_future(self._stand(is_stopped))
        measure = asyncio.ensure_future(self._measure())
        tasks: tuple[asyncio.Future[Any], ...] = (follow, stand, measure)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if follow.done():
                result = follow.result()
                if result.get("code") in (None, 137) and not stand.done():
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._seen.wait(), _CLASSIFY_S)
                return await self._collect(result, is_stopped())
            if not stand.done():
                measure.result()
                raise Unreachable("its metrics can't be followed")
            seen = stand.result()
            if (await self._storage.describe(self._job))["result"] is not None:
                follow.cancel()
                return await self._collect(await self._follow(), is_stopped())
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return await self._without_result(seen, is_stopped())

    # --- the record -----------------------------------------------------------------------------

    async def _follow(self) -> Mapping[str, Any]:
        """The log as it comes, until there is a result."""
        log = self._attempt.log
        with log.open("ab") as file:
            while True:
                offset = file.tell()
                try:
                    async with asyncio.timeout(2 * _FOLLOW_S):
                        async for data in self._storage.follow(self._job, offset, _FOLLOW_S):
                            file.write(data)
                            file.flush()
                except TimeoutError as error:
                    raise self._storage.silent() from error
                found = await self._storage.describe(self._job)
                result = found["result"]
                if result is not None and found["log"] <= file.tell():
                    assert isinstance(result, dict)
                    return result

    async def _measure(self) -> None:
        """The metrics while they grow, so that curves can be seen."""
        seen = None
        while True:
            await asyncio.sleep(_METRICS_S)
            found = (await self._storage.describe(self._job))["metrics"]
            if found is not None and found != seen:
                await self._keep_metrics()
                seen = found

    async def _keep_metrics(self) -> None:
        data = await self._storage.metrics(self._job)
        if data:
            # Put in its place whole: it is read while it is written.
            part = self._attempt.folder / "metrics.part"
            part.write_bytes(data)
            part.replace(self._attempt.folder / "metrics")

    async def _collect(self, result: Mapping[str, Any], is_stopped: bool) -> Exit:
        """What the keeper brought to the store, brought here."""
        await self._check_log(result)
        await self._keep_metrics()
        limit = self._attempt.resources.memory_bytes
        exit_ = read_result(result, self._exit, limit is not None)
        if exit_.how is Stopped.EXITED and exit_.code == 0:
            try:
                await self._bring(Tree.from_bytes(base64.b64decode(result["outputs"])))
            except (ValueError, KeyError, TypeError) as error:
                message = f"what it left can't be read: {error}"
                return Exit(Stopped.LOST, None, exit_.usage, message)
        elif not is_stopped:
            exit_ = await self._or_interrupted(exit_)
        await self._learn_start()
        self._note(exit_, result)
        return exit_

    async def _or_interrupted(self, exit_: Exit) -> Exit:
        """A failure, unless something from outside ended it."""
        if exit_.how in (Stopped.EXITED, Stopped.SIGNALLED) and exit_.code:
            why = interruption(*await self._objects(), self._pod)
            if why:
                return Exit(Stopped.LOST, None, exit_.usage, why)
        return exit_

    async def _check_log(self, result: Mapping[str, Any]) -> None:
        """The log is what the keeper saw, or it is fetched anew."""
        log = self._attempt.log
        if result.get("log_sha256") != await self._in_pool(_digest, log):
            log.write_bytes(b"")
            await self._follow()

    async def _bring(self, tree: Tree) -> None:
        attempt, digests = self._attempt, tree.digests
        incoming = attempt.folder / "incoming"
        incoming.mkdir(exist_ok=True)
        for digest, size in digests.items():
            await self._storage.fetch(digest, size, incoming / digest)

        def put() -> None:
            for output in attempt.outputs:
                clear(attempt.work / output.rstrip("/"))
            restore(tree, attempt.work, lambda digest, path: _copy(incoming / digest, path))
            clear(incoming)

        await self._in_pool(put)

    async def _without_result(self, seen: Exit, is_stopped: bool) -> Exit:
        """Nothing was brought to the store: what the node still has of its log is taken."""
        await self._rest_of_log()
        with suppress(Unreachable):
            await self._keep_metrics()
        if is_stopped and seen.how is Stopped.LOST:
            seen = Exit(Stopped.SIGNALLED, 143, message=self._why)
        elif not is_stopped:
            seen = await self._or_interrupted(seen)
        if seen.how is Stopped.EXITED and seen.code == 0:
            message = "it ended well, but what it left could not be brought to the store"
            seen = Exit(Stopped.LOST, None, seen.usage, f"{message}: {self._keeper_said()}")
        self._note(seen)
        return seen

    async def _rest_of_log(self) -> None:
        if self._pod is None:
            return
        log = self._attempt.log
        parts = []
        query = {"container": manifest.STAGE}
        name = self._pod["metadata"]["name"]
        with suppress(ApiError, Unreachable):
            async with self._client.log(self._namespace, name, query) as chunks:
                async for data in chunks:
                    parts.append(data)
        whole = b"".join(parts)
        if log.stat().st_size < len(whole):
            log.write_bytes(whole)

    def _keeper_said(self) -> str:
        for each in ((self._pod or {}).get("status") or {}).get("containerStatuses") or ():
            ended = (each.get("state") or {}).get("terminated")
            if each["name"] == manifest.KEEP and ended is not None:
                return str(ended.get("message") or ended.get("reason") or "it was ended")
        return "it was ended"

    # --- the Job and its pod --------------------------------------------------------------------

    async def _stand(self, is_stopped: Callable[[], bool]) -> Exit:
        """Follow Job and pod until nothing more can come of them."""
        while True:
            standing, version = await self._look()
            if standing.phase is Phase.ENDED:
                assert standing.exit is not None
                self._exit = standing.exit
                self._seen.set()
                if standing.is_final:
                    return standing.exit
            self._why = standing.why
            if self._attempt.told is not None:
                self._attempt.told(standing.why if standing.is_stuck else "")
            waited = self._waited(standing)
            if waited > self._patience_s and not is_stopped():
                how_long = format_duration(self._patience_s)
                return Exit(Stopped.LOST, None, message=f"{standing.why} (waited {how_long})")
            await self._changed(version, _POLL_S if standing.why else _LOOK_S)

    def _waited(self, standing: Standing) -> float:
        if not standing.is_stuck:
            self._stuck_since = None
            return 0.0
        now = asyncio.get_running_loop().time()
        if self._stuck_since is None:
            self._stuck_since = now
        return now - self._stuck_since

    async def _look(self) -> tuple[Standing, str]:
        """How it stands now, and the version of the list that says so."""
        job, pods = await self._objects()
        standing = read_standing(job, pods, (), self._pod)
        if standing.phase is Phase.WAITING:
            standing = read_standing(job, pods, await self._events(pods), self._pod)
        return standing, self._version

    async def _objects(self) -> tuple[Any, list[Any]]:
        """Its Job and pods as they are now."""
        query = {"labelSelector": f"{manifest.RECORD}={self._job}"}
        found = await self._client.get(PODS, self._namespace, query=query)
        self._version = str(found["metadata"]["resourceVersion"])
        pods = [pod for pod in found["items"] if _is_of(pod, self._uid)]
        self._pod = max(
            pods, key=lambda each: str(each["metadata"]["creationTimestamp"]), default=self._pod
        )
        job = None
        with suppress(ApiNotFound):
            job = await self._client.get(JOBS, self._namespace, self._job)
            if job["metadata"]["uid"] != self._uid:
                job = None
        return job, pods

    async def _events(self, pods: list[Any]) -> list[Any]:
        """What happened to the Job and its pods; a person may not be allowed to know."""
        events: list[Any] = []
        for uid in (self._uid, *(pod["metadata"]["uid"] for pod in pods)):
            query = {"fieldSelector": f"involvedObject.uid={uid}"}
            with suppress(ApiForbidden):
                events += (await self._client.get(EVENTS, self._namespace, query=query))["items"]
        return events

    async def _changed(self, version: str, limit_s: float) -> None:
        """Until a pod of it changes, or `limit_s` has passed."""
        query = {"labelSelector": f"{manifest.RECORD}={self._job}"}
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                try:
                    async with self._client.watch(
                        PODS, self._namespace, version, query=query, timeout_s=60
                    ) as events:
                        async for event in events:
                            told = json.loads(event)
                            if told.get("type") != "BOOKMARK":
                                self._remember(told.get("object"))
                                return
                except ApiError:  # it may not be watched, or the version is too old
                    await asyncio.sleep(limit_s)

    def _remember(self, found: Any) -> None:
        """What a watch told of a pod of it: asked for, it may be gone already."""
        if isinstance(found, Mapping) and found.get("kind") == "Pod" and _is_of(found, self._uid):
            self._pod = found

    async def _learn_start(self) -> None:
        """Read the pod again when it did not say yet when its stage began."""
        with suppress(ApiError, Unreachable, TimeoutError):
            async with asyncio.timeout(_BEGAN_S):
                if self._pod is None:
                    await self._objects()
                while self._pod is not None and read_pod(self._pod)["started_at"] is None:
                    await self._changed(self._version, _POLL_S)
                    _, pods = await self._objects()
                    if not pods:
                        return

    def _note(self, exit_: Exit, result: Mapping[str, Any] | None = None) -> None:
        """Keep what its pod was: it is removed soon."""
        pod = self._pod or {}
        facts = {"namespace": self._namespace, "job": self._job, "exit_code": exit_.code}
        if result is not None and result.get("network") == OPEN:
            facts["network"] = OPEN
        keep_facts(self._attempt.folder, facts | read_pod(pod))

    async def _in_pool(self, function: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *args)


def _is_of(pod: Mapping[str, Any], uid: str) -> bool:
    return any(each["uid"] == uid for each in pod["metadata"].get("ownerReferences") or ())


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
