"""Volumes of a Docker host: `:volumes`, `mltui ls volumes`.

Their sizes cost the daemon a walk over every file, so they are found out only when asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mltui.errors import MltuiError
from mltui.live.cells import Cell, Column, age_column, plain
from mltui.live.daemon import Daemon, status_of
from mltui.live.kind import NOTHING_HEARD, Event, Heard, Join, Kind, Reading, Relation
from mltui.live.kinds._container import ContainerRow
from mltui.live.kinds._docker import (
    NOWHERE,
    Place,
    action,
    actor,
    inspects,
    label_lines,
    labels_of,
    names_of_users,
    of_type,
    place_column,
    read_place,
    size_cell,
    used_cell,
    users_line,
    when,
)
from mltui.live.page import Page, given, line, page, section
from mltui.live.times import read_time

_ANONYMOUS = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class VolumeRow:
    """What is shown of a volume."""

    name: str
    driver: str = ""
    scope: str = ""
    mountpoint: str = ""
    """On the Docker host."""
    created_at: float | None = None
    is_anonymous: bool = False
    """Made with a container for a path that needed one; nobody named it."""
    size_bytes: int | None = None
    """None: not asked for yet, or the driver does not tell."""
    place: Place = NOWHERE
    users: tuple[str, ...] = ()
    """Names of the containers that mount it, running or not."""


def read_volume(raw: Mapping[str, Any]) -> VolumeRow:
    """A volume as the API gives it, listed or inspected."""
    labels = labels_of(raw)
    name = str(raw.get("Name", ""))
    return VolumeRow(
        name=name,
        driver=str(raw.get("Driver", "")),
        scope=str(raw.get("Scope", "")),
        mountpoint=str(raw.get("Mountpoint", "")),
        created_at=read_time(raw.get("CreatedAt")),
        is_anonymous=bool(_ANONYMOUS.fullmatch(name)) or "com.docker.volume.anonymous" in labels,
        size_bytes=read_size(raw),
        place=read_place(labels),
    )


def read_size(raw: Mapping[str, Any]) -> int | None:
    """The size in a volume's `UsageData`; None when it is not known (the API says -1)."""
    size = (raw.get("UsageData") or {}).get("Size")
    return int(size) if isinstance(size, int | float) and size >= 0 else None


async def _list(daemon: Daemon) -> list[VolumeRow]:
    found = await daemon.get("/volumes")
    return [read_volume(raw) for raw in found.get("Volumes") or ()]


async def _read(daemon: Daemon, key: str, rows: Mapping[str, VolumeRow]) -> Reading[VolumeRow]:
    try:
        return Reading([read_volume(await daemon.get(f"/volumes/{key}"))])
    except MltuiError as error:
        if status_of(error) == 404:
            return Reading(gone=[key])
        raise


async def _measure(daemon: Daemon, rows: Mapping[str, VolumeRow]) -> list[VolumeRow]:
    server = await daemon.client.server()
    newer = tuple(map(int, server.api.split("."))) >= (1, 42)
    found = await daemon.usage({"type": "volume"} if newer else None)
    sizes = {str(raw.get("Name")): read_size(raw) for raw in found.get("Volumes") or ()}
    return [
        replace(row, size_bytes=sizes[key])
        for key, row in rows.items()
        if sizes.get(key) is not None
    ]


def _heard(event: Event, rows: Mapping[str, VolumeRow]) -> Heard:
    if not of_type(event, "volume"):
        return NOTHING_HEARD
    what, which = action(event), actor(event)
    if what == "destroy":
        return Heard(gone=(which,))
    return Heard(again=(which,)) if what == "create" else NOTHING_HEARD


def _carry(old: VolumeRow, new: VolumeRow) -> VolumeRow:
    if new.size_bytes is not None or old.created_at != new.created_at:
        return new
    return replace(new, size_bytes=old.size_bytes)


def _with_users(key: str, own: VolumeRow | None, users: Sequence[ContainerRow]) -> VolumeRow | None:
    return None if own is None else replace(own, users=tuple(sorted(user.name for user in users)))


async def _describe(daemon: Daemon, key: str, secrets: bool) -> Page:
    raw = await daemon.get(f"/volumes/{key}")
    users = await names_of_users(daemon, {"volume": [key]})
    row = read_volume(raw)
    options = {str(name): str(value) for name, value in (raw.get("Options") or {}).items()}
    return page(
        f"volume {row.name}",
        (
            section(
                "What it is",
                (
                    line("driver", row.driver),
                    given("scope", row.scope),
                    given("on the host", row.mountpoint),
                    given("belongs to", row.place.text),
                    line("made", when(row.created_at)),
                    given("named by", "nobody: made with a container" * row.is_anonymous),
                    users_line(users),
                ),
            ),
            section("Options", label_lines(options, secrets)),
            section("Labels", label_lines(labels_of(raw), secrets)),
        ),
    )


def _name_cell(row: VolumeRow) -> Cell:
    is_id = row.is_anonymous and bool(_ANONYMOUS.fullmatch(row.name))
    return Cell(row.name[:12] if is_id else plain(row.name), "dim" if row.is_anonymous else "")


KIND: Kind[VolumeRow] = Kind(
    name="volumes",
    title="volume",
    engine="docker",
    aliases=("volume", "vol"),
    columns=(
        Column("name", "VOLUME", _name_cell, min=14, flex=3, max=60, priority=200),
        Column("driver", "DRIVER", lambda r: Cell(plain(r.driver), "dim"), min=6, max=14, flex=1,
               priority=70),
        Column("size", "SIZE", lambda r: size_cell(r.size_bytes), width=8, align="right",
               priority=150, sort=lambda r: r.size_bytes, help="known once it was asked for"),
        Column("users", "USED BY", lambda r: used_cell(r.users), min=8, flex=2, max=40,
               priority=180, sort=lambda r: len(r.users), help="containers that mount it"),
        place_column(),
        age_column(),
    ),
    key=lambda row: row.name,
    label=lambda row: row.name,
    list_rows=_list,
    read=_read,
    heard=_heard,
    carry=_carry,
    measure=_measure,
    join=Join(uses=lambda container: container.volumes, with_users=_with_users),
    actions=("remove", "prune"),
    relations=(Relation("Containers", "containers", lambda row: row.users, by_label=True),),
    describe=_describe,
    inspect=inspects("/volumes/{key}"),
    empty="no volumes on this Docker host",
)  # fmt: skip
"""Volumes of a Docker host."""
