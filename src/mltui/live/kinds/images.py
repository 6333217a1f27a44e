"""Images of a Docker host: `:images`, `mltui ls images`. One row an image, whatever its names.

An image without a name is listed unless another was built on it; only the daemon can tell, so
those few are asked for together (`_UNNAMED`) when a name was taken away.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mltui.errors import MltuiError
from mltui.live.cells import NOTHING, Cell, Column, age_column, plain
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
    short_id,
    size_cell,
    used_cell,
    users_line,
    when,
)
from mltui.live.masking import mask_command, mask_entry
from mltui.live.page import Line, Page, given, line, page, section
from mltui.live.times import read_time
from mltui.text import format_bytes, unicode_ok

if TYPE_CHECKING:
    from collections.abc import Iterable

_BAR = 12
"""Cells of the largest layer's bar."""
_UNNAMED = "<unnamed>"
_CHANGED = frozenset(("tag", "untag", "pull", "load", "import"))
_SHELL = re.compile(r"^(/bin/sh -c )?#\(nop\)\s*|^(\|\d+ .*?)?/bin/sh -c (?=\S)|\s*# buildkit$")
"""What a builder puts around an instruction; build arguments too, which may be secrets."""


@dataclass(frozen=True, slots=True)
class ImageRow:
    """What is shown of an image."""

    id: str
    names: tuple[str, ...] = ()
    """`repository:tag`, sorted; empty for an image that lost its name."""
    digests: tuple[str, ...] = ()
    """`repository@sha256:…` of what was pulled or pushed."""
    created_at: float | None = None
    size_bytes: int | None = None
    place: Place = NOWHERE
    users: tuple[str, ...] = ()
    """Names of the containers made of it, running or not."""

    @property
    def name(self) -> str:
        """Its first name, else its short id."""
        if self.names:
            return self.names[0]
        return self.digests[0].partition("@")[0] if self.digests else short_id(self.id)


@dataclass(frozen=True, slots=True)
class Layer:
    """A step of an image's history, newest last."""

    command: str
    size_bytes: int
    created_at: float | None
    names: tuple[str, ...] = ()
    comment: str = ""


def _real(names: Iterable[object] | None) -> tuple[str, ...]:
    """Names without the `<none>` that stand for none."""
    return tuple(sorted(str(name) for name in names or () if "<none>" not in str(name)))


def read_listed(raw: Mapping[str, Any]) -> ImageRow:
    """An image of "List images"."""
    created = raw.get("Created")
    return ImageRow(
        id=str(raw.get("Id", "")),
        names=_real(raw.get("RepoTags")),
        digests=_real(raw.get("RepoDigests")),
        created_at=float(created) if isinstance(created, int | float) else None,
        size_bytes=int(raw.get("Size") or 0),
        place=read_place(labels_of(raw)),
    )


def read_inspected(raw: Mapping[str, Any]) -> ImageRow:
    """An image as "Inspect an image" gives it."""
    created = read_time(raw.get("Created"))
    return ImageRow(
        id=str(raw.get("Id", "")),
        names=_real(raw.get("RepoTags")),
        digests=_real(raw.get("RepoDigests")),
        created_at=None if created is None else float(int(created)),
        size_bytes=int(raw.get("Size") or 0),
        place=read_place(labels_of(raw.get("Config") or {})),
    )


async def layers(daemon: Daemon, image: str, *, secrets: bool = False) -> list[Layer]:
    """What an image is made of, from its base up. DockerError (404), Unreachable."""
    found = await daemon.get(f"/images/{image}/history")
    return [read_layer(raw, secrets) for raw in reversed(found)]


def read_layer(raw: Mapping[str, Any], secrets: bool = False) -> Layer:
    """A step of "Get the history of an image"; the shell around it left out."""
    created = raw.get("Created")
    command = _SHELL.sub("", str(raw.get("CreatedBy") or "")).strip()
    return Layer(
        command if secrets else mask_command(command),
        int(raw.get("Size") or 0),
        float(created) if isinstance(created, int | float) and created > 0 else None,
        _real(raw.get("Tags")),
        str(raw.get("Comment") or ""),
    )


async def _list(daemon: Daemon) -> list[ImageRow]:
    return [read_listed(raw) for raw in await daemon.get("/images/json")]


async def _read(daemon: Daemon, key: str, rows: Mapping[str, ImageRow]) -> Reading[ImageRow]:
    if key == _UNNAMED:
        found = await daemon.get("/images/json", {"filters": {"dangling": ["true"]}})
        unnamed = [read_listed(raw) for raw in found]
        ids = {row.id for row in unnamed}
        gone = [key for key, row in rows.items() if not row.names and key not in ids]
        return Reading(unnamed, gone)
    try:
        row = read_inspected(await daemon.get(f"/images/{key}/json"))
    except MltuiError as error:
        if status_of(error) == 404:
            return Reading(gone=[key])
        raise
    if not row.names:
        return Reading(again=[_UNNAMED])
    moved = [
        other.id
        for other in rows.values()
        if other.id != row.id and set(other.names) & {*row.names}
    ]
    return Reading([row], again=moved)


def _heard(event: Event, rows: Mapping[str, ImageRow]) -> Heard:
    if not of_type(event, "image"):
        return NOTHING_HEARD
    what, which = action(event), actor(event)
    if what == "delete":
        return Heard(again=(_UNNAMED,), gone=(which,))
    return Heard(again=(which,)) if what in _CHANGED else NOTHING_HEARD


def _with_users(key: str, own: ImageRow | None, users: Sequence[ContainerRow]) -> ImageRow | None:
    return None if own is None else replace(own, users=tuple(sorted(user.name for user in users)))


async def _describe(daemon: Daemon, key: str, secrets: bool) -> Page:
    raw = await daemon.get(f"/images/{key}/json")
    made = await layers(daemon, key, secrets=secrets)
    users = await names_of_users(daemon, {"ancestor": [key]})
    return image_page(raw, made, users, secrets)


def image_page(
    raw: Mapping[str, Any], made: Sequence[Layer], users: Sequence[str], secrets: bool
) -> Page:
    """The page of an inspected image, its history and its containers' names."""
    row, config = read_inspected(raw), raw.get("Config") or {}
    platform = "/".join(filter(None, (raw.get("Os"), raw.get("Architecture"), raw.get("Variant"))))
    words = [*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())]
    command = " ".join(map(str, words))
    env = sorted(map(str, config.get("Env") or ()))
    return page(
        f"image {row.name}",
        (
            section(
                "What it is",
                (
                    given("names", ", ".join(row.names)),
                    line("id", row.id),
                    given("digests", ", ".join(row.digests)),
                    given("belongs to", row.place.text),
                    line("size", format_bytes(row.size_bytes)),
                    line("made", when(row.created_at)),
                    line("for", platform),
                    given("command", command if secrets else mask_command(command)),
                    given("user", config.get("User")),
                    given("folder", config.get("WorkingDir")),
                    given("ports", ", ".join(config.get("ExposedPorts") or {})),
                    users_line(users),
                ),
            ),
            section("Layers", (_layer_line(layer) for layer in made)),
            section("Environment", (_variable(entry, secrets) for entry in env)),
            section("Labels", label_lines(labels_of(config), secrets)),
        ),
    )


async def _layers_page(daemon: Daemon, key: str, secrets: bool) -> Page:
    """An image's layers from its base up, with their sizes drawn beside each other."""
    raw = await daemon.get(f"/images/{key}/json")
    made = await layers(daemon, key, secrets=secrets)
    largest = max((layer.size_bytes for layer in made), default=0)
    total = sum(layer.size_bytes for layer in made)
    filled = [layer for layer in made if layer.size_bytes]
    how_many = "1 layer" if len(filled) == 1 else f"{len(filled)} layers"
    title = f"{how_many}, {format_bytes(total)}"
    empty = len(made) - len(filled)
    note = given("", f"and {empty} steps that made no layer, such as ENV and LABEL" * bool(empty))
    return page(
        f"image {read_inspected(raw).name}",
        (section(title, (*(_layer_bar(layer, largest) for layer in filled), note)),),
    )


def _layer_bar(layer: Layer, largest: int) -> Line:
    share = layer.size_bytes / largest
    drawn = ("█" if unicode_ok() else "#") * max(round(share * _BAR), 1)
    names = f"  ({', '.join(layer.names)})" if layer.names else ""
    said = (layer.command or layer.comment or NOTHING) + names
    return line(f"{format_bytes(layer.size_bytes):>8} {drawn:<{_BAR}}", said)


def _layer_line(layer: Layer) -> Line:
    size = format_bytes(layer.size_bytes) if layer.size_bytes else NOTHING
    return line(f"{size:>8}", layer.command or layer.comment, "" if layer.size_bytes else "dim")


def _variable(entry: str, secrets: bool) -> Line:
    name, _, value = (entry if secrets else mask_entry(entry)).partition("=")
    return line(name, value)


async def _environment_page(daemon: Daemon, key: str, secrets: bool) -> Page:
    raw = await daemon.get(f"/images/{key}/json")
    env = sorted(map(str, (raw.get("Config") or {}).get("Env") or ()))
    lines = [_variable(entry, secrets) for entry in env] or [line("", "it has no variables")]
    return page(f"image {read_inspected(raw).name}", (section("Environment", lines),))


def _name_cell(row: ImageRow) -> Cell:
    more = f" +{len(row.names) - 1}" if len(row.names) > 1 else ""
    return Cell(plain(row.name) + more, "" if row.names else "dim")


KIND: Kind[ImageRow] = Kind(
    name="images",
    title="image",
    engine="docker",
    aliases=("image", "img"),
    columns=(
        Column("name", "IMAGE", _name_cell, min=16, flex=4, max=60, priority=200,
               help="repository:tag; +2: it has two more names"),
        Column("id", "ID", lambda r: Cell(short_id(r.id), "dim"), width=12, priority=60),
        Column("size", "SIZE", lambda r: size_cell(r.size_bytes), width=8, align="right",
               priority=180, sort=lambda r: r.size_bytes, help="shared layers counted in each"),
        Column("users", "USED BY", lambda r: used_cell(r.users), min=8, flex=2, max=32,
               priority=150, sort=lambda r: len(r.users), help="containers made of it"),
        place_column(priority=80),
        age_column(priority=170),
    ),
    key=lambda row: row.id,
    label=lambda row: row.name,
    list_rows=_list,
    read=_read,
    heard=_heard,
    join=Join(uses=lambda container: (container.image_id,), with_users=_with_users),
    actions=("remove", "tag", "push", "pull", "prune"),
    relations=(Relation("Containers", "containers", lambda row: row.users, by_label=True),),
    describe=_describe,
    inspect=inspects("/images/{key}/json"),
    pages={"layers": _layers_page, "environment": _environment_page},
    empty="no images on this Docker host",
)  # fmt: skip
"""Images of a Docker host."""
