"""Networks of a Docker host: `:networks`, `mltui ls networks`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
    of_type,
    place_column,
    read_place,
    short_id,
    used_cell,
    when,
)
from mltui.live.page import Line, Page, given, line, page, section
from mltui.live.times import read_time

BUILT_IN = ("bridge", "host", "none")
"""Docker makes these itself and does not let go of them."""


@dataclass(frozen=True, slots=True)
class NetworkRow:
    """What is shown of a network."""

    id: str
    name: str
    driver: str = ""
    scope: str = ""
    subnets: tuple[str, ...] = ()
    is_internal: bool = False
    """Containers on it reach nothing outside."""
    created_at: float | None = None
    place: Place = NOWHERE
    users: tuple[str, ...] = ()
    """Names of the containers on it that were started at least once."""

    @property
    def is_built_in(self) -> bool:
        """Docker's own."""
        return self.name in BUILT_IN


def read_network(raw: Mapping[str, Any]) -> NetworkRow:
    """A network as the API gives it, listed or inspected."""
    pools = (raw.get("IPAM") or {}).get("Config") or ()
    subnets = sorted(str(pool["Subnet"]) for pool in pools if pool.get("Subnet"))
    return NetworkRow(
        id=str(raw.get("Id", "")),
        name=str(raw.get("Name", "")),
        driver=str(raw.get("Driver", "")),
        scope=str(raw.get("Scope", "")),
        subnets=tuple(subnets),
        is_internal=bool(raw.get("Internal")),
        created_at=read_time(raw.get("Created")),
        place=read_place(labels_of(raw)),
    )


async def _list(daemon: Daemon) -> list[NetworkRow]:
    return [read_network(raw) for raw in await daemon.get("/networks")]


async def _read(daemon: Daemon, key: str, rows: Mapping[str, NetworkRow]) -> Reading[NetworkRow]:
    try:
        return Reading([read_network(await daemon.get(f"/networks/{key}"))])
    except MltuiError as error:
        if status_of(error) == 404:
            return Reading(gone=[key])
        raise


def _heard(event: Event, rows: Mapping[str, NetworkRow]) -> Heard:
    if not of_type(event, "network"):
        return NOTHING_HEARD
    what, which = action(event), actor(event)
    if what in ("destroy", "remove"):
        return Heard(gone=(which,))
    return Heard(again=(which,)) if what in ("create", "update") else NOTHING_HEARD


def _with_users(
    key: str, own: NetworkRow | None, users: Sequence[ContainerRow]
) -> NetworkRow | None:
    return None if own is None else replace(own, users=tuple(sorted(user.name for user in users)))


async def _describe(daemon: Daemon, key: str, secrets: bool) -> Page:
    raw = await daemon.get(f"/networks/{key}")
    row = read_network(raw)
    options = {str(name): str(value) for name, value in (raw.get("Options") or {}).items()}
    return page(
        f"network {row.name}",
        (
            section(
                "What it is",
                (
                    line("driver", row.driver),
                    given("scope", row.scope),
                    given("subnets", ", ".join(row.subnets)),
                    given("reaches", "nothing outside" * row.is_internal),
                    given("belongs to", row.place.text),
                    line("id", row.id),
                    line("made", when(row.created_at)),
                ),
            ),
            section("Containers", _members(raw)),
            section("Options", label_lines(options, secrets)),
            section("Labels", label_lines(labels_of(raw), secrets)),
        ),
    )


def _members(raw: Mapping[str, Any]) -> Iterator[Line]:
    """Running containers; the API leaves the others out."""
    found = (raw.get("Containers") or {}).items()
    for key, each in sorted(found, key=lambda pair: str(pair[1].get("Name"))):
        addresses = " ".join(filter(None, (each.get("IPv4Address"), each.get("IPv6Address"))))
        yield line(str(each.get("Name") or short_id(key)), addresses or "no address")


KIND: Kind[NetworkRow] = Kind(
    name="networks",
    title="network",
    engine="docker",
    aliases=("network", "net"),
    columns=(
        Column("name", "NETWORK", lambda r: Cell(plain(r.name), "dim" if r.is_built_in else ""),
               min=12, flex=3, max=48, priority=200),
        Column("driver", "DRIVER", lambda r: Cell(plain(r.driver), "dim"), width=8, priority=120),
        Column("subnets", "SUBNET", lambda r: Cell(plain(", ".join(r.subnets))), min=10, flex=1,
               max=40, priority=110),
        Column("users", "USED BY", lambda r: used_cell(r.users), min=8, flex=2, max=40,
               priority=180, sort=lambda r: len(r.users), help="containers that are on it"),
        place_column(),
        age_column(),
    ),
    key=lambda row: row.id,
    label=lambda row: row.name,
    list_rows=_list,
    read=_read,
    heard=_heard,
    join=Join(uses=lambda container: container.networks, with_users=_with_users),
    actions=("remove", "prune"),
    relations=(Relation("Containers", "containers", lambda row: row.users, by_label=True),),
    describe=_describe,
    inspect=inspects("/networks/{key}"),
    empty="no networks on this Docker host",
)  # fmt: skip
"""Networks of a Docker host."""
