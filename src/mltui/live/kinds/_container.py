"""What mltui knows of a container, and how the daemon's answers are read. Pure.

The list ("List containers") says less than an inspection ("Inspect a container"); read one after
the other, both give the same row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mltui.live.kinds._docker import NOWHERE, Place, label_words, labels_of, read_place, short_id
from mltui.live.stats import Usage
from mltui.live.times import read_time
from mltui.text import unicode_ok

_STATUS = re.compile(r"\((?P<code>\d+)\)")
_HEALTH = {"(healthy)": "healthy", "(unhealthy)": "unhealthy", "(health: starting)": "starting"}


@dataclass(frozen=True, slots=True)
class Port:
    """A port of a container; `host` is None where it is not published."""

    number: int
    protocol: str = "tcp"
    host: int | None = None
    address: str = ""

    @property
    def text(self) -> str:
        """`8080→80`, `127.0.0.1:8080→80/udp`, `80` when it is not published."""
        end = str(self.number) if self.protocol == "tcp" else f"{self.number}/{self.protocol}"
        if self.host is None:
            return end
        where = "" if self.address in ("", "0.0.0.0", "::") else f"{self.address}:"
        arrow = "→" if unicode_ok() else ">"
        return f"{where}{self.host}{arrow}{end}"


@dataclass(frozen=True, slots=True)
class ContainerRow:
    """What is shown of a container. None: not known (yet)."""

    id: str
    name: str
    image: str
    image_id: str
    state: str
    """Docker's word: created running paused restarting removing exited dead."""
    health: str = ""
    """`starting`, `healthy`, `unhealthy`; empty when nothing checks it or it does not run."""
    exit_code: int | None = None
    is_oom: bool = False
    """Ended because it reached its memory limit."""
    error: str = ""
    """Why it could not be started, in the daemon's words."""
    restarts: int | None = None
    created_at: float | None = None
    started_at: float | None = None
    ended_at: float | None = None
    memory_limit_bytes: int | None = None
    ports: tuple[Port, ...] = ()
    networks: tuple[str, ...] = ()
    """Ids; empty before its first start."""
    volumes: tuple[str, ...] = ()
    place: Place = NOWHERE
    labels: tuple[str, ...] = ()
    """`name=value`, what looks secret masked: filters ask for them."""
    usage: Usage | None = None

    @property
    def is_running(self) -> bool:
        """It uses the processor, or could."""
        return self.state == "running"

    def with_usage(self, usage: Usage) -> ContainerRow:
        """The same with a new measurement."""
        return replace(self, usage=usage)


def read_listed(raw: Mapping[str, Any]) -> ContainerRow:
    """A container of the list ("List containers"), which says less than its inspection."""
    labels = labels_of(raw)
    state, status = str(raw.get("State", "")), str(raw.get("Status", ""))
    names = [str(name).lstrip("/") for name in raw.get("Names") or ()]
    code = _STATUS.search(status) if state in ("exited", "dead", "restarting") else None
    health = next((word for text, word in _HEALTH.items() if text in status), "")
    found = str(raw.get("Id", ""))
    # A container that others link to has their names for it too: `/web/db`.
    name = next((name for name in names if "/" not in name), next(iter(names), short_id(found)))
    created = raw.get("Created")
    return ContainerRow(
        id=found,
        name=name,
        image=str(raw.get("Image", "")),
        image_id=str(raw.get("ImageID", "")),
        state=state,
        health=health if state == "running" else "",
        exit_code=int(code["code"]) if code else None,
        created_at=float(created) if isinstance(created, int | float) else None,
        ports=_listed_ports(raw.get("Ports") or ()),
        networks=_networks(raw),
        volumes=_volumes(raw),
        place=read_place(labels),
        labels=label_words(labels),
    )


def read_inspected(raw: Mapping[str, Any]) -> ContainerRow:
    """A container as "Inspect a container" gives it."""
    state, config = raw.get("State") or {}, raw.get("Config") or {}
    word = str(state.get("Status", ""))
    started, ended = read_time(state.get("StartedAt")), read_time(state.get("FinishedAt"))
    is_over = word in ("exited", "dead", "restarting")
    created = read_time(raw.get("Created"))
    health = str((state.get("Health") or {}).get("Status", "")) if word == "running" else ""
    limit = int((raw.get("HostConfig") or {}).get("Memory") or 0)
    return ContainerRow(
        id=str(raw.get("Id", "")),
        name=str(raw.get("Name", "")).lstrip("/"),
        image=str(config.get("Image", "")),
        image_id=str(raw.get("Image", "")),
        state=word,
        health="" if health == "none" else health,
        exit_code=int(state.get("ExitCode") or 0) if is_over else None,
        is_oom=bool(state.get("OOMKilled")) and is_over,
        error=str(state.get("Error") or ""),
        restarts=int(raw.get("RestartCount") or 0),
        created_at=None if created is None else float(int(created)),
        started_at=started,
        ended_at=ended if is_over else None,
        memory_limit_bytes=limit or None,
        ports=_inspected_ports((raw.get("NetworkSettings") or {}).get("Ports") or {}),
        networks=_networks(raw),
        volumes=_volumes(raw),
        place=read_place(labels_of(config)),
        labels=label_words(labels_of(config)),
    )


def _listed_ports(raw: Any) -> tuple[Port, ...]:
    found = {
        Port(
            int(each.get("PrivatePort") or 0),
            str(each.get("Type", "tcp")),
            int(each["PublicPort"]) if each.get("PublicPort") else None,
            str(each.get("IP", "")),
        )
        for each in raw
    }
    return _sorted_ports(found)


def _inspected_ports(raw: Mapping[str, Any]) -> tuple[Port, ...]:
    found = set()
    for name, bindings in raw.items():
        number, _, protocol = str(name).partition("/")
        inner = int(number) if number.isdecimal() else 0
        if not bindings:
            found.add(Port(inner, protocol or "tcp"))
        for each in bindings or ():
            host = str(each.get("HostPort", ""))
            outer = int(host) if host.isdecimal() else None
            found.add(Port(inner, protocol or "tcp", outer, str(each.get("HostIp", ""))))
    return _sorted_ports(found)


def _sorted_ports(ports: set[Port]) -> tuple[Port, ...]:
    return tuple(sorted(ports, key=lambda p: (p.number, p.protocol, p.host or 0, p.address)))


def _networks(raw: Mapping[str, Any]) -> tuple[str, ...]:
    found = ((raw.get("NetworkSettings") or {}).get("Networks") or {}).values()
    ids = {str((each or {}).get("NetworkID", "")) for each in found}
    return tuple(sorted(ids - {""}))


def _volumes(raw: Mapping[str, Any]) -> tuple[str, ...]:
    mounts = raw.get("Mounts") or ()
    return tuple(sorted({str(m.get("Name")) for m in mounts if m.get("Type") == "volume"}))
