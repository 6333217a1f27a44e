"""The readable page of a container, its processes and the files it changed.

Called by the kind's declaration and by panes. Source: Docker Engine API, "Inspect a container",
"List processes running inside a container", "Get changes on a container's filesystem".
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mltui.errors import MltuiError
from mltui.live.cells import age, plain
from mltui.live.daemon import Daemon, status_of
from mltui.live.exits import exit_meaning
from mltui.live.kinds._container import read_inspected
from mltui.live.kinds._docker import label_lines, labels_of, short_id, when
from mltui.live.masking import mask_command, mask_entry, mask_text, mask_words
from mltui.live.page import Line, Page, given, line, page, section
from mltui.live.times import read_time
from mltui.text import format_bytes, format_duration

_CHECKS = 5
"""Newest health checks shown; the daemon keeps as many."""
_TOP = "-eo pid,user,pcpu,rss,etime,args"
_WORDS = ("USER", "UID", "TTY")
"""Columns of `ps` that hold words; numbers stand on the right."""
_FILES = 1_000
CHANGE_KINDS = ("changed", "added", "deleted")


@dataclass(frozen=True, slots=True)
class Processes:
    """What runs in a container, as `ps` on the host says."""

    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Change:
    """A file that differs from the image's."""

    what: str
    """`added`, `changed` (contents, or something in a folder), `deleted`."""
    path: str


async def top(daemon: Daemon, key: str, columns: str = "") -> Processes:
    """Processes of a running container; `columns` are ps options. DockerError, Unreachable."""
    query = {"ps_args": columns} if columns else None
    found = await daemon.get(f"/containers/{key}/top", query)
    rows = tuple(tuple(plain(str(cell)) for cell in row) for row in found.get("Processes") or ())
    return Processes(tuple(plain(str(title)) for title in found.get("Titles") or ()), rows)


async def changes(daemon: Daemon, key: str) -> list[Change]:
    """Files that a container added, changed or deleted, by path. DockerError, Unreachable."""
    found = await daemon.get(f"/containers/{key}/changes")
    made = [Change(CHANGE_KINDS[int(each["Kind"]) % 3], str(each["Path"])) for each in found or ()]
    return sorted(made, key=lambda change: change.path)


async def top_page(daemon: Daemon, key: str, secrets: bool) -> Page:
    """The processes of a container, the busiest first. DockerError, Unreachable."""
    try:
        found = await top(daemon, key, _TOP)
    except MltuiError as error:
        if status_of(error) != 500:
            raise
        found = await top(daemon, key)  # a host whose `ps` knows no columns
    at = next((n for n, title in enumerate(found.titles) if title in ("%CPU", "C")), None)
    rows = sorted(found.rows, key=lambda row: -_number(row[at])) if at is not None else found.rows
    lines = _aligned(found.titles, rows, secrets)
    count = f"{len(rows)} process{'es' * (len(rows) != 1)}"
    shown = [line("", each, "" if n else "dim") for n, each in enumerate(lines)]
    return page(f"container {await _name(daemon, key)}", (section(count, shown),))


async def changes_page(daemon: Daemon, key: str, secrets: bool) -> Page:
    """The files that a container added, changed or deleted. DockerError, Unreachable."""
    found = await changes(daemon, key)
    title = f"container {await _name(daemon, key)}"
    if not found:
        nothing = (line("", "its files are as in its image"),)
        return page(title, (section("Files", nothing),))
    parts = []
    for what in CHANGE_KINDS[::-1]:
        paths = [change.path for change in found if change.what == what]
        shown = [line("", path) for path in paths[:_FILES]]
        if len(paths) > _FILES:
            shown.append(line("", f"and {len(paths) - _FILES:,} more", "dim"))
        parts.append(section(f"{len(paths)} {what}", shown))
    return page(title, parts)


async def environment_page(daemon: Daemon, key: str, secrets: bool) -> Page:
    """The variables of a container; what looks secret is masked. DockerError, Unreachable."""
    raw = await daemon.get(f"/containers/{key}/json")
    lines = list(_environment(raw.get("Config") or {}, secrets))
    title = f"container {read_inspected(raw).name}"
    return page(
        title, (section("Environment", lines or (line("", "it has no variables of its own"),)),)
    )


async def _name(daemon: Daemon, key: str) -> str:
    return read_inspected(await daemon.get(f"/containers/{key}/json")).name


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _aligned(
    titles: tuple[str, ...], rows: Iterable[tuple[str, ...]], secrets: bool
) -> Iterator[str]:
    """A table as lines; its last column is a command and may be long."""
    rows = list(rows)
    sizes = [
        max(len(row[n]) for row in (titles, *rows) if n < len(row)) for n in range(len(titles))
    ]
    for row in (titles, *rows):
        command = row[-1] if secrets else mask_command(row[-1])
        cells = [
            cell.ljust(size) if title in _WORDS else cell.rjust(size)
            for cell, size, title in zip(row[:-1], sizes, titles, strict=False)
        ]
        yield "  ".join((*cells, command))


async def describe(daemon: Daemon, key: str, secrets: bool) -> Page:
    """The page of a container. DockerError (404 when it is gone), Unreachable."""
    return container_page(await daemon.get(f"/containers/{key}/json"), secrets)


def container_page(raw: Mapping[str, Any], secrets: bool) -> Page:
    """The page of an inspected container."""
    row = read_inspected(raw)
    config, host = raw.get("Config") or {}, raw.get("HostConfig") or {}
    labels = labels_of(config)
    return page(
        f"container {row.name}",
        (
            section("State", _state(raw)),
            section("Health", _health(raw, secrets)),
            section(
                "What it is",
                (
                    given("belongs to", row.place.text),
                    line("image", row.image),
                    line("image id", short_id(row.image_id)),
                    line("id", row.id),
                    given("command", _command(raw, secrets)),
                    given("folder", config.get("WorkingDir")),
                    given("user", config.get("User")),
                    given("host name", config.get("Hostname")),
                    line("made", when(row.created_at)),
                ),
            ),
            section("Limits", _limits(host)),
            section("Ports", (line(p.text, f"{p.number}/{p.protocol}") for p in row.ports)),
            section("Networks", _networks(raw)),
            section("Mounts", _mounts(raw)),
            section("Environment", _environment(config, secrets)),
            section("Labels", label_lines(labels, secrets)),
        ),
    )


def _state(raw: Mapping[str, Any]) -> Iterator[Line | None]:
    row = read_inspected(raw)
    state = raw.get("State") or {}
    bad = row.is_oom or bool(row.error) or row.state == "dead" or bool(row.exit_code)
    yield line("state", row.state, "state-failed" if bad and not row.is_running else "")
    if row.exit_code is not None:
        meaning = exit_meaning(row.exit_code, is_oom=row.is_oom)
        yield line("exit code", f"{row.exit_code}: {meaning}")
    yield given("error", row.error, "state-failed")
    if row.started_at is not None:
        yield line("started", when(row.started_at))
    if row.ended_at is not None:
        yield line("ended", when(row.ended_at))
        if row.started_at is not None and row.ended_at >= row.started_at:
            yield line("ran for", format_duration(row.ended_at - row.started_at))
    if row.is_running:
        yield given("process", state.get("Pid"))
    policy = (raw.get("HostConfig") or {}).get("RestartPolicy") or {}
    name, most = str(policy.get("Name") or "no"), int(policy.get("MaximumRetryCount") or 0)
    yield line("restarts", f"{row.restarts}, policy {name}{f', at most {most}' if most else ''}")


def _health(raw: Mapping[str, Any], secrets: bool) -> Iterator[Line | None]:
    health = (raw.get("State") or {}).get("Health")
    if not health:
        return
    test = ((raw.get("Config") or {}).get("Healthcheck") or {}).get("Test") or []
    words = [str(word) for word in test[1:]]
    yield line("state", health.get("Status"), _health_role(str(health.get("Status"))))
    yield given("check", shlex.join(words if secrets else mask_words(words)))
    yield given("failures in a row", health.get("FailingStreak"))
    for check in (health.get("Log") or [])[-_CHECKS:]:
        code = int(check.get("ExitCode") or 0)
        output = str(check.get("Output") or "").strip()
        said = output if secrets else mask_text(output)
        at = age(read_time(check.get("Start")))
        yield line(f"{at} ago", f"{code}: {said}" if said else code, "state-failed" if code else "")


def _health_role(status: str) -> str:
    return {"unhealthy": "state-failed", "starting": "state-waiting"}.get(status, "")


def _command(raw: Mapping[str, Any], secrets: bool) -> str:
    words = [str(raw.get("Path") or ""), *map(str, raw.get("Args") or ())]
    return shlex.join(words if secrets else mask_words(words)) if words[0] else ""


def _limits(host: Mapping[str, Any]) -> Iterator[Line | None]:
    memory, cpus = int(host.get("Memory") or 0), int(host.get("NanoCpus") or 0)
    quota, period = int(host.get("CpuQuota") or 0), int(host.get("CpuPeriod") or 0)
    if not cpus and quota > 0:
        cpus = quota * 1_000_000_000 // (period or 100_000)
    yield given("memory", format_bytes(memory, binary=True) if memory else None)
    yield given("cpus", f"{cpus / 1e9:g}" if cpus else None)
    yield given("processes", max(0, int(host.get("PidsLimit") or 0)))
    yield given("read only", "its file system" if host.get("ReadonlyRootfs") else None)
    yield given("privileged", "yes" if host.get("Privileged") else None, "state-warning")
    for request in host.get("DeviceRequests") or ():
        yield line("devices", f"{request.get('Driver') or 'gpu'} × {request.get('Count')}")


def _networks(raw: Mapping[str, Any]) -> Iterator[Line]:
    found = ((raw.get("NetworkSettings") or {}).get("Networks") or {}).items()
    for name, network in sorted(found):
        addresses = [
            str((network or {}).get(part) or "") for part in ("IPAddress", "GlobalIPv6Address")
        ]
        aliases = ", ".join(map(str, (network or {}).get("Aliases") or ()))
        shown = " ".join(filter(None, addresses)) or "no address"
        yield line(name, f"{shown}, as {aliases}" if aliases else shown)


def _mounts(raw: Mapping[str, Any]) -> Iterator[Line]:
    for mount in sorted(raw.get("Mounts") or (), key=lambda m: str(m.get("Destination"))):
        kind = str(mount.get("Type", ""))
        source = mount.get("Name") if kind == "volume" else mount.get("Source")
        access = "" if mount.get("RW", True) else ", read only"
        yield line(str(mount.get("Destination")), f"{kind} {source or ''}{access}".strip())


def _environment(config: Mapping[str, Any], secrets: bool) -> Iterator[Line]:
    for entry in sorted(map(str, config.get("Env") or ())):
        name, _, value = (entry if secrets else mask_entry(entry)).partition("=")
        yield line(name, value)
