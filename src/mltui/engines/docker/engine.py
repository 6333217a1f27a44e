"""Runs stages in containers of one Docker daemon, near or far; made for targets `engine: docker`.

An attempt is a container with a name and labels that follow from the attempt, so that another
runner finds it. Code, inputs, secrets and outputs travel through the API: the daemon may be on
another machine. Its object is the container's id.
"""

from __future__ import annotations

import asyncio
import math
import os
import signal
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from mltui.engines.docker import container, logs
from mltui.engines.docker.carrying import Carrier
from mltui.engines.docker.claim import Claims
from mltui.engines.docker.client import Client, DockerError
from mltui.engines.docker.container import VIEW
from mltui.engines.docker.environments import Environments
from mltui.engines.docker.hosts import is_here, proxy_variables, resolve
from mltui.engines.docker.metrics import RunningMetrics
from mltui.engines.docker.names import container_name
from mltui.engines.docker.restarts import read_time, was_restarted
from mltui.engines.docker.shell import Shells
from mltui.engines.docker.watch import Watch
from mltui.engines.protocol import Attempt, Built, Exit, Stopped, View, keep_facts, read_facts
from mltui.engines.shells import Shell, Wanted
from mltui.errors import StartFailed, Unreachable
from mltui.spec.model import Environment, Target

_THREADS = 4
_REMOVE_S = 10.0
_GOES_S = 2.0
_REMOVED = "its container was removed by somebody else while it ran"


class DockerEngine:
    """The Docker engine of a target.

    base: image that generated environments start from; None: `$MLTUI_DOCKER_BASE`, or
    `python:3.N-slim`. `environ` stands for the person's variables (DOCKER_HOST …). One instance
    belongs to one event loop. UsageError when the target names no daemon that can be meant.
    """

    name = "docker"
    SHARED = container.SHARED
    """Where an attempt's `shared` folder is in its container."""

    def __init__(
        self,
        target: Target | None = None,
        *,
        base: str | None = None,
        environ: Mapping[str, str] | None = None,
        builder: str | None = None,
        patience_s: float | None = None,
    ) -> None:
        variables = dict(os.environ if environ is None else environ)
        host = resolve(target, variables)
        self.client = (
            Client(host, variables)
            if patience_s is None
            else Client(host, variables, patience_s=patience_s)
        )
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="mltui-docker")
        self._environments = Environments(self.client, self._pool, base=base, builder=builder)
        self._carrier = Carrier(self.client, self._pool)
        self._claims = Claims()
        self._stopped: set[str] = set()
        self._watches: dict[str, Watch] = {}
        self._images: dict[str, Mapping[str, Any]] = {}
        self.shells = Shells(self.client, self._carrier.fill, self._image)

    # --- environments ---------------------------------------------------------------------------

    async def built(self, environment: Environment, project: Path) -> Built | None:
        """See `Engine`. Unreachable."""
        return await self._environments.built(environment, project)

    def build_key(self, environment: Environment, project: Path) -> str:
        """See `Engine`."""
        return self._environments.key(environment, project)

    async def build(
        self,
        environment: Environment,
        project: Path,
        log: Path,
        *,
        no_cache: bool = False,
    ) -> Built:
        """See `Engine`. Steps go to `steps.jsonl` beside `log`; cancelling ends the build.

        `no_cache`: build every step anew, also when it was built before.
        """
        return await self._environments.build(environment, project, log, no_cache=no_cache)

    async def shell_before(
        self,
        environment: Environment,
        project: Path,
        line: int,
        key: str,
        folder: Path,
        wanted: Wanted,
    ) -> Shell:
        """A shell in the state before the step of a line, which failed in the build `key`.

        `folder` is for its files. StartFailed, BuildFailed, Unreachable.
        """
        log = folder / "log"
        before = await self._environments.before(environment, project, line, key, log)
        return await self.shells.before(before, await self._image(before.image), wanted, folder)

    # --- attempts -------------------------------------------------------------------------------

    def view(self, folder: Path, work: Path) -> View:
        """How an attempt's places are named in its container; the same in all."""
        return VIEW

    async def start(self, attempt: Attempt) -> str:
        """See `Engine`. Created, filled, claimed, then started. Unreachable, StartFailed."""
        if not attempt.argv:
            raise StartFailed(f"{attempt.name} has no command")
        if attempt.built is None:
            raise StartFailed(f"{attempt.name} has no environment, so there is no image for it")
        if (attempt.port or attempt.shared) and not is_here(self.client.host):
            raise StartFailed(
                f"{self.client.host.shown} is another machine, and replicas are only served from "
                "this one's Docker: choose a target without `host`, or run mltui there"
            )
        obj = None
        began = time.time()
        try:
            obj = await self._create(attempt, attempt.built.location)
            await self._carrier.fill(attempt, obj)
            if self._claims.take(attempt.folder, obj) is not None:
                raise StartFailed(f"another runner has taken {attempt.name} over")
            await self.client.json("POST", f"/containers/{obj}/start")
        except DockerError as error:
            await self._give_up(obj)
            raise StartFailed(_not_started(attempt, obj, error)) from error
        except OSError as error:
            await self._give_up(obj)
            raise StartFailed(f"its files can't be read: {error}") from error
        except StartFailed:
            await self._give_up(obj)
            raise
        now = time.time()
        facts = {
            "id": obj,
            "name": container_name(attempt.name),
            "image": attempt.built.location,
            "image_bytes": (await self._image(attempt.built.location)).get("Size"),
            "started_at": now,
            "start_s": now - began,
        }
        keep_facts(attempt.folder, facts)
        self._watch(attempt, obj)
        return obj

    async def _create(self, attempt: Attempt, image: str) -> str:
        image_env = container.read_env((await self._image(image)).get("Config") or {})
        proxies = proxy_variables(self.client.environ, self.client.host)
        body = container.create_body(attempt, image, image_env, proxies)
        name = container_name(attempt.name)
        deadline = asyncio.get_running_loop().time() + _REMOVE_S
        while True:
            try:
                made = await self.client.json("POST", "/containers/create", {"name": name}, body)
            except DockerError as error:
                if error.status != 409 or asyncio.get_running_loop().time() > deadline:
                    raise
                await self._make_room(attempt, name)
                # The daemon may still be making, or removing, what an answer was lost for.
                await asyncio.sleep(0.05)
            else:
                return str(made["Id"])

    async def _make_room(self, attempt: Attempt, name: str) -> None:
        """The name is taken: by what an earlier try left, or by somebody else."""
        found = await self._look(name)
        if found is None:
            return
        if not container.is_ours(found, attempt):
            raise StartFailed(
                f"the name {name} is taken by a container that mltui did not make: "
                "rename or remove it"
            )
        if not (_never_ran(found) and await self._remove_unstarted(name)):
            raise StartFailed(f"{attempt.name} runs already, started by another runner")

    async def _image(self, image: str) -> Mapping[str, Any]:
        """An image's inspection; asked for once."""
        known = self._images.get(image)
        if known is None:
            known = self._images[image] = await self.client.json("GET", f"/images/{image}/json")
        return known

    async def _give_up(self, obj: str | None) -> None:
        if obj is not None:
            with suppress(DockerError, Unreachable):
                await self.client.json("DELETE", f"/containers/{obj}", {"v": "1", "force": "1"})

    async def address(self, attempt: Attempt, obj: str) -> tuple[str, int]:
        """Where the port of a running container is reached from here. StartFailed, Unreachable."""
        found = await self._look(obj)
        ports = ((found or {}).get("NetworkSettings") or {}).get("Ports") or {}
        bound = ports.get(f"{attempt.port}/tcp") or ()
        for each in bound:
            return str(each["HostIp"]), int(each["HostPort"])
        raise StartFailed(f"{attempt.name} ended before its port was open")

    async def find(self, attempt: Attempt) -> str | None:
        """See `Engine`. A container that was made and not started is removed, so it never will."""
        has_folder = attempt.folder.is_dir()
        standing = self._claims.look(attempt.folder) if has_folder else None
        name = container_name(attempt.name)
        found = await self._look(name)
        if found is not None and not container.is_ours(found, attempt):
            found = None
        if found is not None:
            obj = str(found["Id"])
            if not (_never_ran(found) and await self._remove_unstarted(obj)):
                return obj
        elif standing is not None and standing.container:
            return standing.container  # it was there and somebody removed it: `wait` says so
        if has_folder:
            self._claims.over(attempt.folder)
        return None

    async def _remove_unstarted(self, obj: str) -> bool:
        """Remove a container unless it ran: the daemon lets either this or a start win."""
        deadline = asyncio.get_running_loop().time() + _REMOVE_S
        while True:
            try:
                await self.client.json("DELETE", f"/containers/{obj}", {"v": "1"})
            except DockerError as error:
                found = await self._look(obj)
                if found is None:
                    return True
                if not _never_ran(found):
                    return False
                # It is being filled, or somebody else removes it just now.
                if asyncio.get_running_loop().time() > deadline:
                    raise Unreachable(
                        f"the container {obj[:12]} neither runs nor can be removed: {error.message}"
                    ) from error
                await asyncio.sleep(0.05)
            else:
                return True

    async def _look(self, name: str) -> dict[str, Any] | None:
        try:
            found = await self.client.json("GET", f"/containers/{name}/json")
        except DockerError as error:
            if error.status == 404:
                return None
            raise Unreachable(str(error)) from error
        assert isinstance(found, dict)
        return found

    async def _goes(self, obj: str) -> bool:
        """Whether a container that was killed is being removed, which begins a moment later."""
        deadline = asyncio.get_running_loop().time() + _GOES_S
        while True:
            found = await self._look(obj)
            if found is None or found["State"]["Status"] in ("removing", "dead"):
                return True
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(0.05)

    async def wait(self, attempt: Attempt, obj: str) -> Exit:
        """See `Engine`. Unreachable at any time; asked again it goes on where it was."""
        watch = self._watches.get(obj) or self._watch(attempt, obj)
        found = await watch.ended()
        if found is None:
            return Exit(Stopped.LOST, None, watch.usage, _REMOVED)
        state = found["State"]
        self._note(attempt, found)
        code = int(state.get("ExitCode") or 0)
        brought = await self._carrier.bring(attempt, obj, with_outputs=code == 0)
        if not brought and await self._look(obj) is None:
            message = "its container was removed by somebody else before its outputs were collected"
            if code and watch.saw_kill and obj not in self._stopped:
                message = _REMOVED
            return Exit(Stopped.LOST, None, watch.usage, message)
        usage = watch.usage
        if code and watch.saw_kill and obj not in self._stopped and await self._goes(obj):
            return Exit(Stopped.LOST, None, usage, _REMOVED)
        if code and (state.get("OOMKilled") or watch.saw_oom) and obj not in self._stopped:
            limit = attempt.resources.memory_bytes
            message = "" if limit else "the Docker host ran out of memory and ended it"
            return Exit(Stopped.OUT_OF_MEMORY, code, usage, message)
        if obj not in self._stopped and await was_restarted(self.client, state, watch.saw_outage):
            message = "the Docker daemon was restarted while it ran, which ends all containers"
            return Exit(Stopped.LOST, None, usage, message)
        if code > 128 and code - 128 in signal.valid_signals():
            return Exit(Stopped.SIGNALLED, code, usage)
        tail = logs.tail(attempt.log)
        message = container.exit_sentence(code, tail, attempt.argv[0] if attempt.argv else "")
        return Exit(Stopped.EXITED, code, usage, message)

    def _watch(self, attempt: Attempt, obj: str) -> Watch:
        metrics = RunningMetrics(self.client, obj, attempt.folder, self._pool)
        watch = self._watches[obj] = Watch(self.client, attempt, obj, metrics.look)
        return watch

    def _note(self, attempt: Attempt, found: Mapping[str, Any]) -> None:
        """Keep what the container was: it is removed soon."""
        state = found["State"]
        created, started = read_time(found.get("Created")), read_time(state.get("StartedAt"))
        facts = {
            "id": found["Id"],
            "name": str(found.get("Name", "")).lstrip("/"),
            "image": found.get("Image"),
            "image_bytes": self._images.get(str(found.get("Image")), {}).get("Size"),
            "started_at": started,
            "start_s": None if created is None or started is None else started - created,
        }
        # Whoever started it measured from the first request on.
        facts |= read_facts(attempt.folder)
        facts |= {"ended_at": read_time(state.get("FinishedAt")), "exit_code": state["ExitCode"]}
        keep_facts(attempt.folder, facts)

    async def stop(self, attempt: Attempt, obj: str, grace_s: float) -> None:
        """See `Engine`. The image's stop signal, after `grace_s` (whole seconds) SIGKILL."""
        self._stopped.add(obj)
        seconds = str(max(0, math.ceil(grace_s)))
        path = f"/containers/{obj}"
        try:
            found = await self._look(obj)
            if found is not None and found["State"].get("Paused"):
                await self.client.json("POST", f"{path}/unpause")
            await self.client.json("POST", f"{path}/stop", {"t": seconds})
        except DockerError as error:
            if error.status == 404:
                return
            found = await self._look(obj)
            if found is not None and found["State"].get("Running"):
                raise Unreachable(
                    f"{attempt.name} was killed but does not end: {error.message}"
                ) from error

    async def remove(self, attempt: Attempt, obj: str | None) -> None:
        """See `Engine`. Without an object, what has the attempt's name goes if it is ours."""
        if obj is None:
            found = await self._look(container_name(attempt.name))
            if found is None or not container.is_ours(found, attempt):
                return
            obj = str(found["Id"])
        self._watches.pop(obj, None)
        self._stopped.discard(obj)
        deadline = asyncio.get_running_loop().time() + _REMOVE_S
        while True:
            try:
                await self.client.json("DELETE", f"/containers/{obj}", {"v": "1", "force": "1"})
            except DockerError as error:
                if error.status == 404:
                    return
                # 409: somebody else's removal is in progress.
                if error.status != 409 or asyncio.get_running_loop().time() > deadline:
                    raise Unreachable(
                        f"the container of {attempt.name} can't be removed: {error.message}"
                    ) from error
                await asyncio.sleep(0.05)
            else:
                return

    async def close(self) -> None:
        """Give back connections and threads; attempts go on."""
        await self.client.close()
        self._pool.shutdown(wait=False, cancel_futures=True)


def _never_ran(found: Mapping[str, Any]) -> bool:
    state = found["State"]
    return (
        state["Status"] in ("created", "removing", "dead") and read_time(state["StartedAt"]) is None
    )


def _not_started(attempt: Attempt, obj: str | None, error: DockerError) -> str:
    if error.status == 404 and obj is not None:
        return f"the container of {attempt.name} was removed by somebody else before it began"
    return container.refusal(attempt, error.message)
