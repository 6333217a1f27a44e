"""Containers of a Docker host: `:containers`, `mltui ls containers`.

The list gives rows at once; each is then read by itself for what only that tells: restarts, when it
started and ended, whether memory was the reason.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from mltui.errors import MltuiError
from mltui.live.cells import NOTHING, Cell, Column, age, age_column, plain
from mltui.live.daemon import Daemon, status_of
from mltui.live.exits import exit_meaning
from mltui.live.kind import NOTHING_HEARD, Event, Heard, Kind, Reading, Relation
from mltui.live.kinds._container import ContainerRow, read_inspected, read_listed
from mltui.live.kinds._docker import action, actor, attribute, inspects, of_type, short_id
from mltui.text import format_bytes, glyph, unicode_ok

if TYPE_CHECKING:
    from mltui.live.page import Page

_READ_AGAIN = frozenset(
    ("create", "start", "die", "oom", "pause", "unpause", "rename", "update", "health_status")
)
_CALM_CODES = (130, 137, 143)
"""Ended by ^C, `docker kill`, `docker stop`: somebody wanted that."""


async def _list(daemon: Daemon) -> list[ContainerRow]:
    found = await daemon.get("/containers/json", {"all": "1"})
    return [read_listed(raw) for raw in found]


async def _read(
    daemon: Daemon, key: str, rows: Mapping[str, ContainerRow]
) -> Reading[ContainerRow]:
    try:
        row = read_inspected(await daemon.get(f"/containers/{key}/json"))
    except MltuiError as error:
        if status_of(error) == 404:
            return Reading(gone=[key])
        raise
    if row.image.startswith("sha256:"):
        row = replace(row, image=await _image_name(daemon, row.image_id))
    return Reading([row])


async def _image_name(daemon: Daemon, image: str) -> str:
    """A name of an image that a container was made from by id; asked for once."""
    known = daemon.image_names.get(image)
    if known is None:
        try:
            tags = (await daemon.get(f"/images/{image}/json")).get("RepoTags") or ()
        except MltuiError as error:
            if not status_of(error):
                raise
            tags = ()
        known = daemon.image_names[image] = next(iter(tags), short_id(image))
    return known


def _heard(event: Event, rows: Mapping[str, ContainerRow]) -> Heard:
    what = action(event)
    if of_type(event, "container"):
        if what == "destroy":
            return Heard(gone=(actor(event),))
        return Heard(again=(actor(event),)) if what in _READ_AGAIN else NOTHING_HEARD
    if of_type(event, "network") and what in ("connect", "disconnect"):
        found = attribute(event, "container")
        return Heard(again=(found,)) if found in rows else NOTHING_HEARD
    if of_type(event, "image") and what in ("tag", "untag"):
        # One that was made by its image's id is shown with a name of that image.
        image = actor(event)
        return Heard(again=tuple(key for key, row in rows.items() if row.image_id == image))
    return NOTHING_HEARD


def _carry(old: ContainerRow, new: ContainerRow) -> ContainerRow:
    """What a list does not say stays as it was read, until it is read again."""
    usage = old.usage if new.is_running else None
    if new.restarts is not None or old.restarts is None:
        return replace(new, usage=usage)
    is_same = (new.state, new.exit_code) == (old.state, old.exit_code)
    return replace(
        new,
        usage=usage,
        image=old.image,
        restarts=old.restarts,
        memory_limit_bytes=old.memory_limit_bytes,
        started_at=old.started_at if is_same else None,
        ended_at=old.ended_at if is_same else None,
        is_oom=old.is_oom and is_same,
        error=old.error if is_same else "",
    )


# cells


def _marked(row: ContainerRow) -> tuple[str, str, str]:
    """Which glyph, which word, which role."""
    state = row.state
    if state == "running":
        if row.health == "unhealthy":
            return "failed", "unhealthy", "state-failed"
        if row.health == "starting":
            return "waiting", "starting", "state-waiting"
        return "running", "running", ""
    if state == "exited":
        code = row.exit_code or 0
        if row.is_oom:
            return "failed", "out of memory", "state-failed"
        if not code:
            return "succeeded", "exited", "state-succeeded"
        calm = code in _CALM_CODES
        return (
            ("cancelled" if calm else "failed"),
            f"exited {code}",
            ("state-cancelled" if calm else "state-failed"),
        )
    if state == "created" and row.error:
        return "failed", "not started", "state-failed"
    return {
        "created": ("pending", "created", "state-pending"),
        "paused": ("paused", "paused", "state-paused"),
        "restarting": ("warning", "restarting", "state-warning"),
        "removing": ("waiting", "removing", "state-waiting"),
        "dead": ("failed", "dead", "state-failed"),
    }.get(state, ("unknown", state or "unknown", "state-unknown"))


_RANK = {"failed": 0, "warning": 1, "unknown": 2, "paused": 3, "waiting": 4, "running": 5}


def state_cell(row: ContainerRow) -> Cell:
    """`● running`, `✗ out of memory`, `⊘ exited 143`."""
    mark, word, role = _marked(row)
    return Cell(f"{glyph(mark, unicode=unicode_ok())} {plain(word)}", role)


def _health_cell(row: ContainerRow) -> Cell:
    roles = {"unhealthy": "state-failed", "starting": "state-waiting", "healthy": "dim"}
    return Cell(row.health or NOTHING, roles.get(row.health, "dim"))


def _exit_cell(row: ContainerRow) -> Cell:
    if row.error:
        return Cell(plain(row.error), "dim")
    return Cell(exit_meaning(row.exit_code, is_oom=row.is_oom), "dim")


def _cpu_cell(row: ContainerRow) -> Cell:
    cpu = row.usage.cpu_percent if row.usage else None
    if cpu is None:
        return Cell(NOTHING, "dim")
    return Cell(f"{cpu:.1f}%" if cpu < 10 else f"{cpu:.0f}%", "dim" if cpu == 0 else "")


def _memory_cell(row: ContainerRow) -> Cell:
    if row.usage is None:
        return Cell(NOTHING, "dim")
    used, limit = row.usage.memory_bytes, row.memory_limit_bytes
    is_near = limit is not None and used >= 0.9 * limit
    return Cell(format_bytes(used, binary=True), "state-warning" if is_near else "")


def _net_cell(row: ContainerRow) -> Cell:
    usage = row.usage
    if usage is None or usage.rx_bytes_s is None or usage.tx_bytes_s is None:
        return Cell(NOTHING, "dim")
    text = f"{format_bytes(usage.rx_bytes_s)}/{format_bytes(usage.tx_bytes_s)}"
    return Cell(text, "" if usage.rx_bytes_s or usage.tx_bytes_s else "dim")


def _net_sort(row: ContainerRow) -> int | None:
    usage = row.usage
    if usage is None or usage.rx_bytes_s is None or usage.tx_bytes_s is None:
        return None
    return usage.rx_bytes_s + usage.tx_bytes_s


def _restarts_cell(row: ContainerRow) -> Cell:
    if row.restarts is None:
        return Cell(NOTHING, "dim")
    return Cell(str(row.restarts), "state-warning" if row.restarts else "dim")


def _ports_text(row: ContainerRow) -> str:
    """Published ports once, though they are there for IPv4 and IPv6."""
    return ", ".join(dict.fromkeys(plain(port.text) for port in row.ports if port.host))


def _image_text(row: ContainerRow) -> str:
    image = row.image
    return short_id(image) if image.startswith("sha256:") else plain(image)


def _since(row: ContainerRow) -> float | None:
    """When its present state began."""
    return row.ended_at or (row.started_at if row.is_running else None) or row.created_at


_COLUMNS: tuple[Column[ContainerRow], ...] = (
    Column("name", "NAME", lambda r: plain(r.name), min=20, flex=2, max=48, priority=200),
    Column("state", "STATE", state_cell, width=15, priority=190, shorten="end",
           sort=lambda r: (_RANK.get(_marked(r)[0], 9), r.exit_code or 0),
           help="Docker's word; a running one's failed health check; a code that is not 0"),
    Column("health", "HEALTH", _health_cell, width=9, priority=60,
           help="what its health check says"),
    Column("place", "PART OF", lambda r: Cell(plain(r.place.text), "dim"), min=8, flex=2, max=34,
           priority=120, shorten="end",
           help="the stage, service or Compose project it belongs to"),
    Column("image", "IMAGE", lambda r: Cell(_image_text(r), "dim"), min=10, flex=2, max=40,
           priority=90),
    Column("exit", "WHY", _exit_cell, min=8, flex=2, max=34, priority=50, shorten="end",
           help="what its exit code means, or why it could not be started"),
    Column("restarts", "↻", _restarts_cell, width=3, align="right", priority=110,
           sort=lambda r: r.restarts, help="how often Docker started it again"),
    Column("cpu", "CPU", _cpu_cell, width=5, align="right", priority=160,
           sort=lambda r: r.usage.cpu_percent if r.usage else None,
           help="of one core: two busy cores are 200 %"),
    Column("memory", "MEM", _memory_cell, width=8, align="right", priority=150,
           sort=lambda r: r.usage.memory_bytes if r.usage else None,
           help="without cache that can be taken back; amber near its limit"),
    Column("net", "IN/OUT", _net_cell, width=15, align="right", priority=70, sort=_net_sort,
           help="bytes a second over its networks"),
    Column("ports", "PORTS", lambda r: Cell(_ports_text(r)), min=8, flex=1, max=28, priority=100,
           help="published ports: host→container"),
    age_column(priority=140),
    Column("since", "FOR", lambda r: Cell(age(_since(r)), "dim"), width=4, align="right",
           priority=80, sort=lambda r: None if _since(r) is None else -(_since(r) or 0),
           help="how long it has been in this state"),
)  # fmt: skip


async def _describe(daemon: Daemon, key: str, secrets: bool) -> Page:
    from mltui.live.kinds._container_page import describe

    return await describe(daemon, key, secrets)


def _page(name: str) -> Callable[[Daemon, str, bool], Awaitable[Page]]:
    async def read(daemon: Daemon, key: str, secrets: bool) -> Page:
        from mltui.live.kinds import _container_page

        found: Page = await getattr(_container_page, f"{name}_page")(daemon, key, secrets)
        return found

    return read


KIND: Kind[ContainerRow] = Kind(
    name="containers",
    title="container",
    engine="docker",
    aliases=("container", "c", "ps"),
    columns=_COLUMNS,
    key=lambda row: row.id,
    label=lambda row: row.name,
    list_rows=_list,
    read=_read,
    heard=_heard,
    unfinished=lambda row: row.restarts is None,
    carry=_carry,
    actions=("stop", "start", "restart", "pause", "unpause", "kill", "remove", "prune"),
    relations=(
        Relation("Image", "images", lambda row: (row.image_id,)),
        Relation("Volumes", "volumes", lambda row: row.volumes),
        Relation("Networks", "networks", lambda row: row.networks),
        Relation("Project", "compose", lambda row: filter(None, (row.place.compose,))),
    ),
    describe=_describe,
    inspect=inspects("/containers/{key}/json"),
    pages={name: _page(name) for name in ("top", "environment", "changes")},
    has_logs=True,
    has_stats=True,
    empty="no containers on this Docker host",
)
"""Containers of a Docker host."""
