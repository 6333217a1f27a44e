"""What Docker's kinds share: labels that say where a thing belongs, sizes, which events to read.

Label names are those that `runs.attempts` and Docker Compose put on what they make.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mltui.live.cells import NOTHING, Cell, Column, age, plain
from mltui.live.daemon import Daemon
from mltui.live.masking import mask_value
from mltui.live.page import Line, given, line
from mltui.live.times import timestamp
from mltui.text import format_bytes

COMPOSE_PROJECT = "com.docker.compose.project"
COMPOSE_SERVICE = "com.docker.compose.service"
COMPOSE_FOLDER = "com.docker.compose.project.working_dir"


@dataclass(frozen=True, slots=True)
class Place:
    """What something belongs to: a stage of a run, a service, a Compose project's service."""

    project: str = ""
    run: int | None = None
    stage: str = ""
    """As people write it: `train~3.2`, `translate[en-es]`."""
    service: str = ""
    compose: str = ""
    folder: str = ""
    """Where the Compose project is, on the machine that started it."""
    monitor: str = ""

    @property
    def text(self) -> str:
        """`train~3.2 of digits 14`, `service classifier of digits`, `web of shop`."""
        if self.monitor:
            return f"monitor {self.monitor} of {self.project}"
        if self.stage:
            run = f" {self.run}" if self.run is not None else ""
            return f"{self.stage} of {self.project}{run}"
        if self.project and self.service:
            return f"service {self.service} of {self.project}"
        if self.compose:
            return f"{self.service} of {self.compose}" if self.service else self.compose
        return self.project


NOWHERE = Place()


def read_place(labels: Mapping[str, str]) -> Place:
    """Where a thing with these labels belongs; other people's labels may say anything."""
    project = labels.get("mltui.project", "")
    compose = labels.get(COMPOSE_PROJECT, "")
    if not project:
        folder = labels.get(COMPOSE_FOLDER, "")
        return Place(service=labels.get(COMPOSE_SERVICE, ""), compose=compose, folder=folder)
    stage = labels.get("mltui.stage", "")
    if stage:
        item = f"[{labels['mltui.item']}]" if "mltui.item" in labels else ""
        path, attempt = labels.get("mltui.round", "1"), labels.get("mltui.attempt", "1")
        again = f".{attempt}" if attempt != "1" else ""
        rounds = f"~{path}{again}" if path != "1" or again else ""
        stage = f"{stage}{item}{rounds}"
    run = labels.get("mltui.run", "")
    return Place(
        project,
        int(run) if run.isascii() and run.isdecimal() and len(run) < 10 else None,
        stage,
        labels.get("mltui.service", ""),
        compose,
        monitor=labels.get("mltui.monitor", ""),
    )


def labels_of(raw: Mapping[str, Any]) -> dict[str, str]:
    """The `Labels` of an object, which may be null."""
    return {str(name): str(value) for name, value in (raw.get("Labels") or {}).items()}


def short_id(key: str) -> str:
    """The twelve digits that Docker's own tools show."""
    return key.removeprefix("sha256:")[:12]


def size_cell(size_bytes: int | None, role: str = "") -> Cell:
    """A size; a dash when it is not known."""
    if size_bytes is None:
        return Cell(NOTHING, "dim")
    return Cell(format_bytes(size_bytes), role)


def used_cell(users: tuple[str, ...]) -> Cell:
    """Which containers use a thing: the one, or how many."""
    if len(users) == 1:
        return Cell(plain(users[0]))
    return Cell(f"{len(users)} containers") if users else Cell(NOTHING, "dim")


def place_column(priority: int = 90) -> Column[Any]:
    """What it is part of."""
    return Column("place", "PART OF", lambda row: Cell(plain(row.place.text), "dim"), min=8,
                  flex=1, max=30, priority=priority)  # fmt: skip


def users_line(users: Iterable[str]) -> Line | None:
    """The same on a page, by name."""
    return given("used by", ", ".join(sorted(users)))


def inspects(path: str) -> Callable[[Daemon, str, bool], Awaitable[str]]:
    """What the API says at a path (`/networks/{key}`), as JSON for a person to read."""

    async def inspect(daemon: Daemon, key: str, secrets: bool) -> str:
        from mltui.live.kinds import _inspecting

        return await _inspecting.inspect(daemon, path.format(key=key), secrets)

    return inspect


async def names_of_users(daemon: Daemon, filters: Mapping[str, list[str]]) -> list[str]:
    """Names of containers that a filter of the API finds. DockerError, Unreachable."""
    found = await daemon.get("/containers/json", {"all": "1", "filters": dict(filters)})
    return [str(next(iter(each.get("Names") or ()), "")).lstrip("/") for each in found]


def label_words(labels: Mapping[str, str]) -> tuple[str, ...]:
    """Labels for filters: `name=value`."""
    return tuple([f"{name}={mask_value(name, value)}" for name, value in sorted(labels.items())])


def label_lines(labels: Mapping[str, str], secrets: bool) -> Iterator[Line]:
    """Labels for a page."""
    for name, value in sorted(labels.items()):
        yield line(name, value if secrets else mask_value(name, value))


def when(at: float | None) -> str:
    """A moment for a page: exact, and how long ago."""
    return f"{timestamp(at)}, {age(at)} ago" if at is not None else "not known"


def of_type(event: Mapping[str, Any], type_: str) -> bool:
    """Whether an event is about a thing of this type."""
    return event.get("Type") == type_


def actor(event: Mapping[str, Any]) -> str:
    """The identity of what an event is about."""
    return str((event.get("Actor") or {}).get("ID", ""))


def action(event: Mapping[str, Any]) -> str:
    """What happened: `die`, `health_status` (without its `: healthy`)."""
    return str(event.get("Action", "")).partition(":")[0]


def attribute(event: Mapping[str, Any], name: str) -> str:
    """One of an event's attributes; empty when it has none of that name."""
    found = ((event.get("Actor") or {}).get("Attributes") or {}).get(name, "")
    return str(found)
