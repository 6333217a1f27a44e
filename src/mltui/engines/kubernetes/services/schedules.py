"""Measures monitors in a namespace by CronJobs; `KubernetesEngine.schedules`.

A Job's pod gets its window of what the services recorded from the namespace's store, and leaves
log, metrics and result there, under the Job's name. So nothing is lost when the cluster forgets the
Job, and nothing of mltui need be there when it runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from mltui.engines.hosting import Hosting
from mltui.engines.kubernetes.client import Client
from mltui.engines.kubernetes.errors import (
    ApiConflict,
    ApiError,
    ApiForbidden,
    ApiNotFound,
    ApiThrottled,
)
from mltui.engines.kubernetes.images import ClusterImages
from mltui.engines.kubernetes.resources import (
    CRON_JOBS,
    DEPLOYMENTS,
    EVENTS,
    JOBS,
    PODS,
    SECRETS,
    Resource,
)
from mltui.engines.kubernetes.services import cron
from mltui.engines.kubernetes.services.cron import JOB, MONITOR, SCHEDULE, SIGN, cron_name
from mltui.engines.kubernetes.services.host import APPLY, ClusterHost, read_secrets
from mltui.engines.kubernetes.services.objects import MARK, object_name
from mltui.engines.kubernetes.standing import read_result, read_standing
from mltui.engines.kubernetes.storage import Storage
from mltui.engines.protocol import Attempt, Exit, Stopped
from mltui.engines.scheduling import Made, Scheduling, Seen, Timetable
from mltui.errors import Forbidden, StartFailed, Unreachable, UsageError
from mltui.spec.model import Target
from mltui.text.format import format_duration

_FOLLOW_S = 20.0


class ClusterSchedules:
    """The monitors of one target."""

    def __init__(
        self,
        target: Target,
        host: ClusterHost,
        images: Callable[[], ClusterImages],
        pool: Executor,
        grace_s: float,
    ) -> None:
        self._target, self._host, self._images, self._pool = target, host, images, pool
        self._grace_s = grace_s

    def unfit(self, every_s: float) -> str:
        """Why a period is none that a CronJob knows; empty where it is."""
        if cron.cron_text(every_s, "") is None:
            return f"a CronJob knows whole minutes, not {format_duration(every_s)}"
        return ""

    # --- looking --------------------------------------------------------------------------------

    async def look(self, scheduling: Scheduling) -> Seen:
        """See `Schedules`."""
        client, namespace, storage = await self._host.reached()
        name = cron_name(scheduling)
        try:
            found = await self._own(client, namespace, CRON_JOBS, name, scheduling)
            await storage.served()
            left = await storage.scheduled(name)
            # After it: whatever has left something has its Job, unless that is gone.
            query = {"labelSelector": f"{SCHEDULE}={name}"}
            jobs = (await client.get(JOBS, namespace, query=query))["items"]
            if {job["metadata"]["name"] for job in jobs if _has_failed(job)} - _names(left):
                left = await storage.scheduled(name)
            at_work = {str(record) for record, _, _, is_whole in left["made"] if not is_whole}
            for record in at_work - {job["metadata"]["name"] for job in jobs}:
                # One that a person ran again has none of our labels.
                with suppress(ApiNotFound):
                    jobs.append(await client.get(JOBS, namespace, record))
        except (ApiThrottled, ApiConflict) as error:
            raise Unreachable(str(error)) from error
        except ApiError as error:
            if isinstance(error, Forbidden):
                raise
            raise StartFailed(str(error)) from error
        by_name = {job["metadata"]["name"]: job for job in jobs}
        made = []
        for record, at, version, is_whole in left["made"]:
            job = by_name.pop(record, None)
            is_over = is_whole or job is None or _is_finished(job)
            made.append(Made(str(record), float(at), int(version), is_over, is_kept=True))
        for record, job in by_name.items():
            # One that ended well and has left nothing was collected.
            if _has_failed(job):
                at = _time(job["metadata"].get("creationTimestamp")) or 0.0
                made.append(Made(record, at, is_over=True))
        made.sort(key=lambda each: each.at)
        obj, now = f"{namespace}/{name}", float(left["now"])
        is_busy = any(not _is_finished(job) for job in jobs)
        if found is None:
            return Seen(obj, now=now, is_busy=is_busy, made=tuple(made))
        meta, status = found["metadata"], found.get("status") or {}
        return Seen(
            obj,
            sign=str((meta.get("annotations") or {}).get(SIGN) or ""),
            is_paused=bool(found["spec"].get("suspend")),
            made_at=_time(meta.get("creationTimestamp")) or 0.0,
            last_at=_time(status.get("lastScheduleTime")),
            now=now,
            changed=int(meta.get("generation") or 0),
            is_busy=is_busy,
            made=tuple(made),
        )

    async def _own(
        self,
        client: Client,
        namespace: str,
        resource: Resource,
        name: str,
        scheduling: Scheduling,
    ) -> Any:
        """An object of a monitor; None: there is none. StartFailed: its name is another's."""
        try:
            found = await client.get(resource, namespace, name)
        except ApiNotFound:
            return None
        notes = found["metadata"].get("annotations") or {}
        if (notes.get(MONITOR), notes.get(MARK)) == (scheduling.monitor, scheduling.mark):
            return found
        whose = "that mltui did not make"
        if MONITOR in notes:
            whose = f"of {notes[MONITOR]} of another checkout or target of this project"
        raise StartFailed(
            f"the name {name} is taken in namespace {namespace} by a {resource.kind} {whose}"
        )

    # --- telling --------------------------------------------------------------------------------

    async def tell(self, wanted: Timetable) -> int:
        """See `Schedules`. What a measurement needs goes to the store first."""
        attempt, scheduling = wanted.attempt, wanted.scheduling
        if attempt.built is None:
            raise StartFailed(f"{scheduling.monitor} has no environment: there is no image for it")
        name = cron_name(scheduling)
        secret = f"{name}-monitor"
        try:
            client, namespace, storage = await self._host.reached()
            await self._own(client, namespace, CRON_JOBS, name, scheduling)
            owners = [
                cron.owner(await self._deployment(client, namespace, each.service))
                for each in wanted.records
            ]
            image = await self._images().bring(attempt.built.location)
            served = await storage.served()
            tree = await self._host.bring(storage, attempt.work)
            if not attempt.network:
                await storage.close_network()
            windows: dict[str, float] = {}
            for each in wanted.records:
                service = object_name(each.service)
                windows[service] = max(windows.get(service, 0.0), each.window_s)
            secrets = await self._in_pool(read_secrets, attempt.secrets)
            if secrets:
                await self._own(client, namespace, SECRETS, secret, scheduling)
                body = cron.cron_secret(wanted, secret, owners, secrets)
                await client.patch(SECRETS, namespace, secret, body, patch="apply", query=APPLY)
            body = cron.cron_job(
                wanted,
                image=image,
                tree=tree,
                served=served,
                pods=self._target.pods,
                owners=owners,
                secret=secret if secrets else None,
                user=await self._images().user(image),
                grace_s=self._grace_s,
            )
            made = await client.patch(CRON_JOBS, namespace, name, body, patch="apply", query=APPLY)
            await storage.keep_windows(name, windows)
        except OSError as error:
            raise StartFailed(f"its files can't be read: {error}") from error
        except (ApiThrottled, ApiConflict) as error:
            raise Unreachable(str(error)) from error
        except (ApiError, UsageError) as error:
            if isinstance(error, Forbidden):
                raise
            raise StartFailed(str(error)) from error
        return int(made["metadata"].get("generation") or 0)

    async def _deployment(self, client: Client, namespace: str, service: Hosting) -> Any:
        found = await self._host.own(client, namespace, DEPLOYMENTS, service)
        if found is None:
            raise StartFailed(f"{service.deployment} is not there (yet)")
        return found

    async def take_down(self, scheduling: Scheduling) -> None:
        """See `Schedules`. By UID: what has its name and is another's stays."""
        client, namespace, storage = await self._host.reached()
        name = cron_name(scheduling)
        for resource, each in ((CRON_JOBS, name), (SECRETS, f"{name}-monitor")):
            with suppress(StartFailed, ApiNotFound, ApiConflict):
                found = await self._own(client, namespace, resource, each, scheduling)
                if found is not None:
                    await client.delete(resource, namespace, each, uid=found["metadata"]["uid"])
        await storage.served()
        await storage.keep_windows(name, None)

    # --- what was measured ------------------------------------------------------------------------

    async def collect(self, made: Made, by: str, attempt: Attempt) -> tuple[Exit, int] | None:
        """See `Schedules`."""
        client, namespace, storage = await self._host.reached()
        try:
            await storage.served()
            if made.is_kept:
                if await storage.take(made.name, by) != by:
                    return None
                result = (await storage.describe(made.name))["result"]
                await self._bring_log(storage, made.name, attempt.log)
                await self._in_pool(_keep, attempt.folder, await storage.metrics(made.name))
                if result is not None:
                    has_limit = attempt.resources.memory_bytes is not None
                    rows = str(result.get("rows") or "")
                    exit_ = read_result(result, None, has_limit)
                    return exit_, int(rows) if rows.isdecimal() else 0
            return await self._why_not(client, namespace, made.name), 0
        except ApiError as error:
            raise Unreachable(str(error)) from error

    async def _bring_log(self, storage: Storage, record: str, log: Path) -> None:
        with log.open("wb") as file:
            try:
                async with asyncio.timeout(2 * _FOLLOW_S):
                    async for data in storage.follow(record, 0, 0):
                        file.write(data)
            except TimeoutError as error:
                raise storage.silent() from error

    async def _why_not(self, client: Client, namespace: str, job: str) -> Exit:
        """Why a Job left no result."""
        found = None
        with suppress(ApiNotFound):
            found = await client.get(JOBS, namespace, job)
        query = {"labelSelector": f"{JOB}={job}"}
        pods = (await client.get(PODS, namespace, query=query))["items"]
        events: list[Any] = []
        for each in filter(None, (found, *pods)):
            query = {"fieldSelector": f"involvedObject.uid={each['metadata']['uid']}"}
            with suppress(ApiForbidden):
                events += (await client.get(EVENTS, namespace, query=query))["items"]
        standing = read_standing(found, pods, events)
        exit_ = standing.exit
        if exit_ is None or exit_.code == 0:
            lost = "what it measured could not be brought to the store"
            return Exit(Stopped.LOST, None, message=standing.why or lost)
        return exit_

    async def forget(self, made: Made) -> None:
        """See `Schedules`."""
        _, _, storage = await self._host.reached()
        with suppress(ApiError):
            await storage.served()
            await storage.forget_record(made.name)

    async def _in_pool(self, function: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *args)


def _keep(folder: Path, metrics: bytes) -> None:
    (folder / "metrics").write_bytes(metrics)


def _names(left: Any) -> set[str]:
    return {str(record) for record, *_ in left["made"]}


def _is_finished(job: Any) -> bool:
    return _has(job, "Complete") or _has_failed(job)


def _has_failed(job: Any) -> bool:
    return _has(job, "Failed")


def _has(job: Any, kind: str) -> bool:
    conditions = (job.get("status") or {}).get("conditions") or ()
    return any(c["type"] == kind and c["status"] == "True" for c in conditions)


def _time(text: object) -> float | None:
    """RFC 3339 as a Unix time."""
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return None
