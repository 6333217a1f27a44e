"""Facts for triage from a Docker host: the containers that are not well, read closely.

Called by the app with the rows of its live table and by `mltui triage`. Each sick container is
read once for each change of it: its inspection, the end of its log, who stopped it.
"""

from __future__ import annotations

import asyncio
import shlex
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mltui.errors import MltuiError, Unreachable
from mltui.live.cells import plain
from mltui.live.daemon import Daemon, message_of, opened
from mltui.live.kinds._container import ContainerRow, read_inspected, read_listed
from mltui.live.masking import mask_lines, mask_text, mask_words
from mltui.logs.errors import exception_of
from mltui.logs.sanitize import plain as plain_bytes
from mltui.triage.facts import ContainerFact, HostFact, Mount

if TYPE_CHECKING:
    from mltui.spec.model import Target

LINES = 40
KEPT = 8
MOST = 60
"""Sick containers that are read closely; of more the newest."""
ANSWER_S = 8.0
_BEFORE_END_S = 30
"""A stop that was asked for comes at most so long before the end."""
_ANSWER_CHARS = 300
_KILLED = (129, 130, 137, 143, 255)


def is_suspect(row: ContainerRow) -> bool:
    """Whether a container may be ill, by what its row says."""
    if row.state in ("restarting", "dead", "created") or row.error or row.is_oom:
        return True
    if row.state == "exited":
        return bool(row.exit_code)
    return row.is_running and (row.health == "unhealthy" or bool(row.restarts))


def moved_to(image: str, image_id: str, tags: Mapping[str, str]) -> str:
    """The image that the name of a container's image stands for now, if another."""
    name = image if ":" in image.rpartition("/")[2] else f"{image}:latest"
    found = tags.get(name, "")
    return found if image_id and found != image_id else ""


def _may_be_moved(row: ContainerRow, tags: Mapping[str, str]) -> bool:
    """The daemon lists a container whose image's name was moved with the image's number."""
    if not row.is_running or not tags:
        return False
    short = row.image.removeprefix("sha256:")
    is_number = bool(short) and row.image_id.removeprefix("sha256:").startswith(short)
    return is_number or bool(moved_to(row.image, row.image_id, tags))


def tags_of(images: Iterable[tuple[str, Iterable[str]]]) -> dict[str, str]:
    """Which image each name stands for."""
    return {name: id_ for id_, names in images for name in names}


def looked_words(containers: int, images: int) -> str:
    """What was looked at on a host."""
    several = "s" * (containers != 1), "s" * (images != 1)
    return f"{containers} container{several[0]}, the names of {images} image{several[1]}"


class Clinic:
    """Looks closely at what may be ill; what was seen of an unchanged row is not read again."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._known: dict[str, tuple[object, ContainerFact]] = {}

    async def look(
        self, rows: Sequence[ContainerRow], tags: Mapping[str, str] | None = None
    ) -> tuple[ContainerFact, ...]:
        """The facts of those that may be ill; `tags`: see `tags_of`. Unreachable."""
        tags = tags or {}
        sick = [row for row in rows if is_suspect(row) or _may_be_moved(row, tags)]
        sick = sorted(sick, key=lambda row: -(row.ended_at or row.created_at or 0.0))[:MOST]
        self._known = {row.id: self._known[row.id] for row in sick if row.id in self._known}
        found = await asyncio.gather(*(self._one(row) for row in sick))
        return tuple(
            fact
            if not (other := moved_to(fact.image, fact.image_id, tags))
            else replace(fact, moved_to=other)
            for fact in found
            if fact is not None
        )

    async def _one(self, row: ContainerRow) -> ContainerFact | None:
        stamp = (row.state, row.exit_code, row.health, row.restarts, row.started_at, row.ended_at)
        known = self._known.get(row.id)
        if known is not None and known[0] == stamp:
            return known[1]
        async with self._daemon.reading:
            try:
                fact = await examine(self._daemon, row.id)
            except Unreachable:
                raise
            except MltuiError:
                return None  # it went away meanwhile
        self._known[row.id] = (stamp, fact)
        return fact


async def examine(daemon: Daemon, key: str) -> ContainerFact:
    """All that is known of one container. DockerError when it is gone, Unreachable."""
    raw = await daemon.get(f"/containers/{key}/json")
    row = read_inspected(raw)
    fact = _fact(raw, row, daemon.name)
    if row.state == "created" and daemon.client.host.scheme == "unix":
        mounts = await asyncio.to_thread(_with_missing, fact.mounts)
        fact = replace(fact, mounts=mounts)
    lines: list[bytes] = []
    with suppress(MltuiError):
        if not isinstance(row.error, str) or not row.error or row.started_at is not None:
            is_terminal = bool((raw.get("Config") or {}).get("Tty"))
            lines = await last_lines(daemon, key, is_terminal=is_terminal)
    asked = None
    if row.exit_code in _KILLED and not row.is_oom:
        with suppress(MltuiError):
            asked = await _was_asked(daemon, key, row.ended_at)
    return replace(
        fact,
        was_asked=asked,
        exception=mask_text(exception_of(b"\n".join(lines)) or ""),
        last_lines=tuple(mask_lines(plain_bytes(x).rstrip() for x in lines)[-KEPT:])
        if lines
        else (),
    )


def _fact(raw: Mapping[str, Any], row: ContainerRow, host: str) -> ContainerFact:
    config, settings = raw.get("Config") or {}, raw.get("HostConfig") or {}
    health = (raw.get("State") or {}).get("Health") or {}
    checks = health.get("Log") or []
    test = [str(word) for word in (config.get("Healthcheck") or {}).get("Test") or ()]
    words = [str(raw.get("Path") or ""), *map(str, raw.get("Args") or ())]
    place = row.place
    return ContainerFact(
        id=row.id,
        name=plain(row.name),
        host=host,
        image=plain(row.image),
        image_id=row.image_id,
        state=row.state,
        health=row.health,
        health_output=_answer(str(checks[-1].get("Output") or "")) if checks else "",
        health_test=plain(shlex.join(mask_words(test[1:]))),
        health_failures=int(health.get("FailingStreak") or 0),
        exit_code=row.exit_code,
        is_oom=row.is_oom or bool((raw.get("State") or {}).get("OOMKilled")),
        error=mask_text(plain(row.error)),
        restarts=row.restarts or 0,
        restart_policy=str((settings.get("RestartPolicy") or {}).get("Name") or "no"),
        created_at=row.created_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        memory_limit_bytes=row.memory_limit_bytes,
        command=plain(shlex.join(mask_words(words))) if words[0] else "",
        is_init=bool(settings.get("Init")),
        mounts=tuple(_mounts(settings)),
        ports=tuple(_ports(settings)),
        part_of=plain(place.text),
        project=place.project,
        run=place.run,
        stage=place.stage,
    )


def _answer(output: str) -> str:
    """What a check says: of much that it prints the line with the error."""
    said = output.strip()
    if "\n" in said or len(said) > _ANSWER_CHARS:
        said = exception_of(said.encode("utf-8", "replace")) or said
    return mask_text(plain(said))[:_ANSWER_CHARS]


def _mounts(settings: Mapping[str, Any]) -> Iterable[Mount]:
    for bind in settings.get("Binds") or ():
        source, _, rest = str(bind).partition(":")
        yield Mount(plain(source), plain(rest.partition(":")[0]))
    for mount in settings.get("Mounts") or ():
        kind = str(mount.get("Type") or "bind")
        yield Mount(plain(str(mount.get("Source") or "")), plain(str(mount.get("Target"))), kind)


def _with_missing(mounts: Iterable[Mount]) -> tuple[Mount, ...]:
    """Docker keeps no error of a start that failed for a missing folder, so it is looked for."""

    def is_missing(mount: Mount) -> bool:
        source = Path(mount.source)
        return mount.kind == "bind" and source.is_absolute() and not source.exists()

    return tuple(replace(each, is_missing=True) if is_missing(each) else each for each in mounts)


def _ports(settings: Mapping[str, Any]) -> Iterable[str]:
    for bindings in (settings.get("PortBindings") or {}).values():
        for each in bindings or ():
            if each.get("HostPort"):
                yield str(each["HostPort"])


async def last_lines(
    daemon: Daemon, key: str, *, is_terminal: bool, count: int = LINES
) -> list[bytes]:
    """The last lines that a container wrote. DockerError, Unreachable."""
    from mltui.engines.docker.frames import BadFrame, Demux

    query = {"stdout": "1", "stderr": "1", "tail": str(count)}
    demux = Demux()
    found = bytearray()
    async with daemon.stream("GET", f"/containers/{key}/logs", query) as response:
        async for data in response.chunks():
            try:
                pieces = [data] if is_terminal else [text for _, text in demux.feed(data)]
            except BadFrame:
                break
            for text in pieces:
                found += text
    return bytes(found).split(b"\n")[:-1] if found.endswith(b"\n") else bytes(found).split(b"\n")


async def _was_asked(daemon: Daemon, key: str, ended_at: float | None) -> bool | None:
    """Whether the daemon was told to stop or kill it; None when it has forgotten."""
    if ended_at is None:
        return None
    import json

    query = {
        "since": str(int(ended_at) - _BEFORE_END_S),
        "until": str(max(int(ended_at) + 2, int(time.time()))),
        "filters": {"container": [key], "event": ["kill", "stop", "die"]},
    }
    data = bytearray()
    async with daemon.stream("GET", "/events", query) as response:
        async for piece in response.chunks():
            data += piece
    actions = set()
    for line in bytes(data).splitlines():
        with suppress(ValueError):
            actions.add(str(json.loads(line).get("Action", "")))
    if "kill" in actions or "stop" in actions:
        return True
    return False if "die" in actions else None


# --- without a screen -----------------------------------------------------------------------------


async def host_facts(daemon: Daemon) -> HostFact:
    """How the host itself is; never raises."""
    try:
        async with asyncio.timeout(ANSWER_S):
            info = await daemon.get("/info")
    except TimeoutError:
        return HostFact(daemon.name, "docker", False, "it does not answer", time.time())
    except MltuiError as error:
        return HostFact(daemon.name, "docker", False, message_of(error), time.time())
    used = None
    if daemon.client.host.scheme == "unix":
        used = await asyncio.to_thread(_disk_used, str(info.get("DockerRootDir") or ""))
    return HostFact(daemon.name, "docker", disk_used=used)


def _disk_used(folder: str) -> float | None:
    import shutil

    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return None
    return 1.0 - usage.free / usage.total if usage.total else None


async def look_once(
    target: Target | None = None, environ: Mapping[str, str] | None = None
) -> tuple[HostFact, tuple[ContainerFact, ...]]:
    """The host and its sick containers. UsageError for an unknown context."""
    async with opened(target, environ) as daemon:
        host = await host_facts(daemon)
        if not host.is_up:
            return host, ()
        try:
            async with asyncio.timeout(4 * ANSWER_S):
                listed = await daemon.get("/containers/json", {"all": "1"})
                images = await daemon.get("/images/json")
                tags = tags_of((str(x.get("Id")), x.get("RepoTags") or ()) for x in images)
                host = replace(host, looked=looked_words(len(listed), len(images)))
                return host, await Clinic(daemon).look(await _read(daemon, listed), tags)
        except (MltuiError, TimeoutError) as error:
            said = message_of(error) if isinstance(error, MltuiError) else "it answers too slowly"
            return replace(host, is_up=False, why=said, since=time.time()), ()


async def _read(daemon: Daemon, listed: Iterable[Mapping[str, Any]]) -> list[ContainerRow]:
    """Rows; those that the list alone can't clear are read: restarts, errors of a start."""
    found = []
    for raw in listed:
        row = read_listed(raw)
        if row.state in ("created", "running") and not is_suspect(row):
            with suppress(MltuiError):
                row = read_inspected(await daemon.get(f"/containers/{row.id}/json"))
        found.append(row)
    return found
