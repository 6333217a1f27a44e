"""Environments as images: built from a folder, fetched by name, or generated from requirements.

Called by the engine. An image is found again by its tag and by the key in its labels: what it was
made of and what its bases were. Equal keys share one build.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from mltui.engines.docker import (
    beforestep,
    blame,
    buildx,
    classic,
    generated,
    images,
)
from mltui.engines.docker.beforestep import Before
from mltui.engines.docker.classic import BrokenBuild, Order
from mltui.engines.docker.client import Client, DockerError
from mltui.engines.docker.container import is_full
from mltui.engines.docker.context import Digests, read_context
from mltui.engines.docker.imageplan import MADE_FROM, Plan, read_plan, shown_from
from mltui.engines.docker.names import BASES, KEY
from mltui.engines.docker.recorder import Recorder
from mltui.engines.docker.steps import Fault
from mltui.engines.protocol import Built
from mltui.errors import BuildFailed, MltuiError, NoRoom
from mltui.spec.model import Environment

_FULL = "the disk of the Docker host is full: `docker system df` shows what fills it"
_LIMITS = {"classic": classic.NOTE}


class Environments:
    """The environments of one daemon."""

    def __init__(
        self, client: Client, pool: Executor, *, base: str | None = None, builder: str | None = None
    ) -> None:
        self._client = client
        self._pool = pool
        self._base = base or client.environ.get(generated.BASE_VARIABLE) or None
        self._builder = builder
        self._digests = Digests()
        self._locks: dict[str, asyncio.Lock] = {}
        self._alike: dict[str, asyncio.Lock] = {}

    # --- what it needs --------------------------------------------------------------------------

    def key(self, environment: Environment, project: Path) -> str:
        """Identity of the build; see `Engine.build_key`. BuildFailed."""
        return self._plan(environment, project).key

    def _plan(self, environment: Environment, project: Path) -> Plan:
        return read_plan(environment, project, self._base, self._digests)

    # --- what there is --------------------------------------------------------------------------

    async def built(self, environment: Environment, project: Path) -> Built | None:
        """The image if it is there and its bases are what they were. Unreachable, BuildFailed."""
        return await self._built(await self._in_pool(self._plan, environment, project))

    async def _built(self, plan: Plan) -> Built | None:
        found = await images.inspect(self._client, plan.tag)
        if found is None:
            return None
        if plan.image is not None:
            resolved = f"image {plan.image}\n{images.digest_of(found, plan.image)}\n"
            return Built(plan.key, resolved, str(found["Id"]))
        labels = (found.get("Config") or {}).get("Labels") or {}
        if labels.get(KEY) != plan.key:
            return None
        bases = _read_bases(labels.get(BASES))
        for name, digest in bases.items():
            base = await images.inspect(self._client, name)
            if base is not None and not images.is_same(base, name, digest):
                return None  # the base has moved on: what is built now would be another image
        return self._describe(plan, bases, found)

    def _describe(self, plan: Plan, bases: Mapping[str, str], found: Mapping[str, Any]) -> Built:
        platform = f"{found.get('Os', 'linux')}/{found.get('Architecture', '')}"
        lines = [
            f"platform {platform}",
            *plan.parts,
            *(f"base {name} {digest}" for name, digest in sorted(bases.items())),
        ]
        return Built(plan.key, "\n".join(lines) + "\n", str(found["Id"]))

    # --- building -------------------------------------------------------------------------------

    async def build(
        self, environment: Environment, project: Path, log: Path, *, no_cache: bool = False
    ) -> Built:
        """Build or fetch it, unless it is there. BuildFailed, Unreachable."""
        plan = await self._in_pool(self._plan, environment, project)
        async with self._locks.setdefault(plan.key, asyncio.Lock()):
            if not no_cache and (found := await self._built(plan)) is not None:
                return found
            recorder = Recorder(log, plan.dockerfile, plan.shown)
            recorder.build(started_at=time.time(), tag=plan.tag)
            try:
                return await self._make(plan, project, log, recorder, no_cache)
            except asyncio.CancelledError:
                recorder.end(cancelled=True)
                raise
            except MltuiError as error:
                if not isinstance(error, _Told):
                    recorder.end(Fault(str(error)))
                raise
            finally:
                recorder.close()

    async def before(
        self, environment: Environment, project: Path, line: int, key: str, log: Path
    ) -> Before:
        """The state before the step of a line of the Dockerfile, which failed in the build `key`.

        StartFailed, BuildFailed, Unreachable.
        """
        plan = await self._in_pool(self._plan, environment, project)
        text, step = beforestep.cut(plan.dockerfile, line, plan.shown)
        tag = _before_tag(plan)
        recorder = Recorder(log, text, plan.shown)
        try:
            async with self._order(plan, project, log, {}, False) as order:
                file = log.parent / "Dockerfile.before"
                file.write_text(text.text, encoding="utf-8")
                ignore = order.dockerfile.with_name(f"{order.dockerfile.name}.dockerignore")
                if ignore.is_file():
                    shutil.copyfile(ignore, file.with_name(f"{file.name}.dockerignore"))
                order = replace(order, dockerfile=file, tag=tag, target=None)
                await self._run_builder(plan, order, recorder)
        except BrokenBuild as error:
            raise BuildFailed(
                f"{plan.shown} fails before line {line} by now: {error.message}"
            ) from error
        except DockerError as error:
            raise BuildFailed(f"{plan.shown}: {error.message}") from error
        finally:
            recorder.close()
        found = await images.inspect(self._client, tag)
        if found is None:
            raise BuildFailed(
                f"{plan.shown} was built up to line {line}, but its image is not there"
            )
        arguments = beforestep.arguments(text, {**order.quiet_args, **plan.args})
        place = f"{plan.shown}:{line}"
        return Before(str(found["Id"]), step, place, arguments, plan.key == key)

    async def _make(
        self, plan: Plan, project: Path, log: Path, recorder: Recorder, no_cache: bool
    ) -> Built:
        if plan.image is not None:
            recorder.build(builder="pull")
            await images.pull(self._client, plan.image, recorder, self._pool)
        else:
            if not plan.dockerfile.instructions:
                raise BuildFailed(f"{plan.shown} is empty: it needs a FROM at least")
            bases = await self._have_bases(plan, recorder)
            labels = {KEY: plan.key, BASES: json.dumps(bases), "mltui.environment": plan.tag}
            async with self._order(plan, project, log, labels, no_cache) as order:
                await self._run(plan, project, order, recorder)
        built = await self._built(plan)
        if built is None:
            raise BuildFailed(f"{plan.shown} was built, but its image {plan.tag} is not there")
        found = await images.inspect(self._client, built.location) or {}
        recorder.build(
            image=built.location,
            size_bytes=found.get("Size"),
            layers=await images.layers(self._client, built.location),
        )
        recorder.end()
        if plan.image is None:
            await images.untag(self._client, _before_tag(plan))
        return built

    async def _have_bases(self, plan: Plan, recorder: Recorder) -> dict[str, str]:
        """Fetch the bases that are missing; name → digest. BuildFailed at the line of a FROM."""
        bases = {}
        for name, instruction in plan.dockerfile.bases(plan.args, plan.target).items():
            try:
                found = await images.inspect(self._client, name)
                if found is None:
                    found = await images.pull(self._client, name, recorder, self._pool)
            except BuildFailed as error:
                step = recorder.steps.get(f"pull {name}")
                if step is not None:
                    recorder.step(recorder.placed(step, instruction))
                if instruction.keyword != "FROM":
                    continue  # a builder may not need it
                fault = replace(
                    recorder.fault(str(error), line=instruction.line), message=str(error)
                )
                recorder.end(fault)
                told = _ToldNoRoom if isinstance(error, NoRoom) else _Told
                raise told(_message(fault)) from error
            bases[name] = images.digest_of(found, name)
        return bases

    @asynccontextmanager
    async def _order(
        self, plan: Plan, project: Path, log: Path, labels: Mapping[str, str], no_cache: bool
    ) -> AsyncIterator[Order]:
        settings = await self._in_pool(generated.read_pip_settings, self._client.environ)
        quiet = {
            name: settings[name]
            for name in generated.PIP_ARGS
            if name in settings and name not in plan.args and plan.dockerfile.declares(name)
        }
        if plan.made is None:
            assert plan.context is not None and plan.file is not None
            yield Order(
                plan.context, plan.file, plan.tag, labels, plan.args, plan.target, no_cache, quiet
            )
            return
        with tempfile.TemporaryDirectory(prefix="mltui-build-") as name:
            folder = Path(name)
            await self._in_pool(generated.write_context, plan.made, project, folder, settings)
            file = log.parent / "Dockerfile"
            file.write_text(plan.made.text, encoding="utf-8")
            context = await self._in_pool(read_context, folder, folder / "Dockerfile")
            yield Order(context, file, plan.tag, labels, {}, None, no_cache, quiet)

    async def _run(self, plan: Plan, project: Path, order: Order, recorder: Recorder) -> None:
        builder = await self._which()
        notes = [note for note in (order.context.note, _LIMITS.get(builder)) if note]
        recorder.build(
            builder=builder,
            note=order.context.note,
            context_bytes=order.context.size_bytes,
            context_files=len(order.context.names),
            has_ignore=order.context.has_ignore,
        )
        size = order.context.size_bytes / 1e6
        recorder.note(f"{builder}: {plan.shown} → {plan.tag}, context {size:.1f} MB")
        for note in notes:
            recorder.note(note)
        try:
            await self._run_builder(plan, order, recorder)
        except BrokenBuild as error:
            recorder.build(note="; ".join(notes))  # now it may be what matters
            fault = await self._in_pool(self._fault, plan, project, error, recorder)
            recorder.end(fault)
            raise (_ToldNoRoom if fault.message == _FULL else _Told)(_message(fault)) from error
        except DockerError as error:
            refused = NoRoom if is_full(error.message) else BuildFailed
            raise refused(f"{plan.shown}: {error.message}") from error

    async def _which(self) -> str:
        """Which builder there is."""
        if self._builder is None:
            has_buildx = await buildx.is_available(self._client.environ)
            self._builder = "buildx" if has_buildx else "classic"
        return self._builder

    async def _run_builder(self, plan: Plan, order: Order, recorder: Recorder) -> None:
        if await self._which() == "buildx":
            await buildx.build(self._client, order, recorder)
            return
        # Builds that begin alike are made one after another: the classic builder shares no step
        # that is under way, and two would fill two layers with the same.
        alike = self._alike.setdefault(plan.dockerfile.text, asyncio.Lock())
        if alike.locked():
            recorder.note("waits for another build of this Dockerfile, to share its steps")
        async with alike:
            await classic.build(self._client, order, recorder, self._pool)

    def _fault(self, plan: Plan, project: Path, error: BrokenBuild, recorder: Recorder) -> Fault:
        fault = recorder.fault(error.message, line=error.line)
        if is_full(error.message) or is_full(fault.message):  # the builder says so, or a step
            return replace(fault, message=_FULL)
        step = recorder.failed
        if step is None:
            return fault
        instruction = next(
            (each for each in plan.dockerfile.instructions if each.line == step.line), None
        )
        files = [project / name for name, _ in plan.made.requirements.texts] if plan.made else []
        if plan.context is not None:
            texts = (name for name in plan.context.names if name.endswith((".txt", ".in", ".pip")))
            files += [plan.context.root / name for name in texts]
        place = blame.requirement_line(recorder.lines(step.id), instruction, files)
        if place is None:
            return fault
        return replace(
            fault, requirement_file=shown_from(place[0], project), requirement_line=place[1]
        )

    async def _in_pool(self, function: Any, *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *args)


def _before_tag(plan: Plan) -> str:
    return f"{plan.tag.rpartition(':')[0]}:{beforestep.TAG}"


class _Told(BuildFailed):
    """A failure whose place and reason were recorded."""


class _ToldNoRoom(_Told, NoRoom):
    """The same for want of space."""


def _message(fault: Fault) -> str:
    """`images/train/Dockerfile:7: No matching distribution found for x==9 (requirements.txt:3)`."""
    named = f"{fault.requirement_file}:{fault.requirement_line}"
    if fault.requirement_file and fault.file.startswith(MADE_FROM):
        return f"{named}: {fault.message}"
    place = f"{fault.file}:{fault.line}: " if fault.line else ""
    return f"{place}{fault.message}{f' ({named})' if fault.requirement_file else ''}"


def _read_bases(text: object) -> dict[str, str]:
    try:
        data = json.loads(str(text))
    except ValueError:
        return {}
    return {str(k): str(v) for k, v in data.items()} if isinstance(data, dict) else {}
