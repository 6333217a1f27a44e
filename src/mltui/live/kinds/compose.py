"""Compose projects of a Docker host: `:compose`, `mltui ls compose`.

Docker knows only containers; a project is those that carry its label. So this kind is asked of no
daemon: its rows follow from the table of containers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mltui.live.cells import Cell, Column, age_column, plain
from mltui.live.daemon import Daemon
from mltui.live.exits import exit_meaning
from mltui.live.kind import Join, Kind, Relation
from mltui.live.kinds._container import ContainerRow, read_listed
from mltui.live.kinds._docker import COMPOSE_PROJECT
from mltui.live.masking import mask_inspection
from mltui.live.page import Line, Page, given, line, page, section
from mltui.text import glyph, unicode_ok


@dataclass(frozen=True, slots=True)
class ComposeRow:
    """What is shown of a project. Counts are of containers."""

    name: str
    services: tuple[str, ...]
    running: int
    total: int
    failing: int
    """Unhealthy, restarting, dead, or ended with a code that is not 0."""
    folder: str = ""
    """Where it was started, on the machine where that was."""
    created_at: float | None = None
    """Of its oldest container."""
    containers: tuple[str, ...] = ()
    """Their ids."""


def _is_failing(row: ContainerRow) -> bool:
    if row.state == "exited":
        return row.exit_code not in (0, None)
    return row.health == "unhealthy" or row.state in ("restarting", "dead")


def _with_users(
    key: str, own: ComposeRow | None, users: Sequence[ContainerRow]
) -> ComposeRow | None:
    if not users:
        return None
    made = [user.created_at for user in users if user.created_at is not None]
    return ComposeRow(
        name=key,
        services=tuple(sorted({user.place.service for user in users} - {""})),
        running=sum(user.is_running for user in users),
        total=len(users),
        failing=sum(map(_is_failing, users)),
        folder=next((user.place.folder for user in users if user.place.folder), ""),
        created_at=min(made, default=None),
        containers=tuple(sorted(user.id for user in users)),
    )


async def _members(daemon: Daemon, key: str) -> list[dict[str, Any]]:
    filters = {"label": [f"{COMPOSE_PROJECT}={key}"]}
    found = await daemon.get("/containers/json", {"all": "1", "filters": filters})
    return [dict(each) for each in found]


async def _describe(daemon: Daemon, key: str, secrets: bool) -> Page:
    rows = [read_listed(raw) for raw in await _members(daemon, key)]
    row = _with_users(key, None, rows)
    if row is None:
        return page(f"project {key}", (section("State", (line("", "it has no containers"),)),))
    return page(
        f"project {key}",
        (
            section(
                "What it is",
                (
                    given("folder", row.folder),
                    line("containers", f"{row.running} of {row.total} running"),
                ),
            ),
            section("Services", _services(rows)),
        ),
    )


def _services(rows: Sequence[ContainerRow]) -> Iterator[Line]:
    for row in sorted(rows, key=lambda row: (row.place.service, row.name)):
        said = row.health or row.state
        if row.exit_code is not None:
            said = f"{row.state}, {exit_meaning(row.exit_code)} ({row.exit_code})"
        ports = ", ".join(dict.fromkeys(port.text for port in row.ports if port.host))
        text = "  ".join(filter(None, (said, row.image, ports)))
        yield line(row.place.service or row.name, text, "state-failed" if _is_failing(row) else "")


async def _inspect(daemon: Daemon, key: str, secrets: bool) -> str:
    from mltui.live.kinds._inspecting import as_text

    found = await _members(daemon, key)
    return as_text(found if secrets else json.loads(json.dumps(mask_inspection(found))), secrets)


def _state_cell(row: ComposeRow) -> Cell:
    mark, role = ("running", "") if row.running == row.total else ("waiting", "state-waiting")
    if row.failing:
        mark, role = "failed", "state-failed"
    elif not row.running:
        mark, role = "cancelled", "state-cancelled"
    shown = glyph(mark, unicode=unicode_ok())
    return Cell(f"{shown} {row.running}/{row.total} running", role)


KIND: Kind[ComposeRow] = Kind(
    name="compose",
    title="project",
    engine="docker",
    aliases=("projects", "project"),
    columns=(
        Column("name", "PROJECT", lambda r: plain(r.name), min=12, flex=2, max=40, priority=200),
        Column("state", "STATE", _state_cell, width=15, priority=190,
               sort=lambda r: (-r.failing, r.running)),
        Column("services", "SERVICES", lambda r: Cell(plain(", ".join(r.services))), min=10,
               flex=3, max=60, priority=150, shorten="end"),
        Column("folder", "FOLDER", lambda r: Cell(plain(r.folder), "dim"), min=10, flex=2, max=60,
               priority=80, help="where it was started, on that machine"),
        age_column(),
    ),
    key=lambda row: row.name,
    label=lambda row: row.name,
    join=Join(
        uses=lambda container: (container.place.compose,) if container.place.compose else (),
        with_users=_with_users,
    ),
    actions=("stop", "start", "restart", "remove"),
    acts_on=("containers", lambda row: row.containers),
    relations=(Relation("Containers", "containers", lambda row: row.containers),),
    describe=_describe,
    inspect=_inspect,
    has_logs=True,
    empty="no Compose projects on this Docker host",
)  # fmt: skip
"""Compose projects of a Docker host."""
