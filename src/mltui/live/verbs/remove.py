"""Remove containers, images, volumes, networks: what the person saw, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mltui.errors import Conflict, MltuiError
from mltui.live.cells import plain
from mltui.live.daemon import Daemon, status_of
from mltui.live.kinds._container import read_listed
from mltui.live.times import read_time
from mltui.live.verbs._verb import (
    Question,
    Ref,
    Verb,
    counted,
    effect,
    named,
    refused,
    same_container,
    whom,
)


async def _act(daemon: Daemon, ref: Ref) -> str:
    remove = {"images": _image, "volumes": _volume, "networks": _network}.get(ref.kind, _container)
    try:
        return await remove(daemon, ref)
    except MltuiError as error:
        raise refused(daemon, ref, "remove", error) from error


async def _container(daemon: Daemon, ref: Ref) -> str:
    found = await same_container(daemon, ref)
    if (found.get("State") or {}).get("Running") and not ref.is_running:
        raise Conflict(f"{ref.text} on {daemon.name} runs now; nothing was done: look again")
    query = {"force": "1"} if ref.is_running else None
    await daemon.delete(f"/containers/{ref.key}", query)
    return f"removed {ref.text}"


async def _image(daemon: Daemon, ref: Ref) -> str:
    """Name by name, as an image with several is not removed at once without force.

    Looked at first: a container that uses it would stop that half way.
    """
    filters = {"ancestor": [ref.key]}
    for raw in await daemon.get("/containers/json", {"all": "1", "filters": filters}):
        if raw.get("ImageID") == ref.key:
            user = plain(read_listed(raw).name)
            raise Conflict(
                f"{ref.text} on {daemon.name} is used by container {user}: remove that first"
            )
    for name in ref.names:
        try:
            found = await daemon.get(f"/images/{name}/json")
        except MltuiError as error:
            if status_of(error) == 404:
                continue
            raise
        if found.get("Id") != ref.key:
            raise Conflict(
                f"{plain(name)} on {daemon.name} is another image now; nothing was done: look again"
            )
    removed = 0
    for name in ref.names or (ref.key,):
        try:
            done = await daemon.delete(f"/images/{name}")
        except MltuiError as error:
            if status_of(error) != 404 or name == ref.key:
                raise
            continue
        removed += sum("Deleted" in each for each in done or ())
    layers = f" ({counted(removed, 'layer')})" if removed else ", which others still use"
    return f"removed {ref.text}{layers}"


async def _volume(daemon: Daemon, ref: Ref) -> str:
    found = await daemon.get(f"/volumes/{ref.key}")
    if ref.made_at is not None and read_time(found.get("CreatedAt")) != ref.made_at:
        raise Conflict(
            f"{ref.text} on {daemon.name} is another one now (it was removed and made anew); "
            "nothing was done: look again"
        )
    await daemon.delete(f"/volumes/{ref.key}")
    return f"removed {ref.text}"


async def _network(daemon: Daemon, ref: Ref) -> str:
    await daemon.delete(f"/networks/{ref.key}")
    return f"removed {ref.text}"


def _question(refs: Sequence[Ref], place: str) -> Question:
    running = sum(ref.is_running for ref in refs)
    said = ""
    if refs[0].kind == "volumes":
        said = effect(len(refs), " What is in it is lost.", " What is in them is lost.")
    elif running and len(refs) == 1:
        said = " It runs and will be killed."
    elif running:
        said = effect(running, " 1 runs and will be killed.", f" {running} run and will be killed.")
    return Question(f"Remove {whom(refs)} on {place}?{said}", "Remove", detail=named(refs))


def _refuses(row: Any) -> str | None:
    if getattr(row, "is_built_in", False):
        return "it is Docker's own"
    return None


VERB = Verb(
    id="remove",
    title="Remove",
    help="Remove a container, an image with all its names, a volume, a network",
    doing="removing…",
    kinds=("containers", "images", "volumes", "networks", "compose"),
    act=_act,
    question=_question,
    refuses=_refuses,
)
"""Remove."""
