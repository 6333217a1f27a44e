"""Images from and to registries: pull one by its name, name one anew, push one."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from mltui.actions._docker import no_host
from mltui.actions.action import Action
from mltui.actions.context import Context, Question
from mltui.actions.listed import DOCKER
from mltui.actions.selection import PAGE, Selection

if TYPE_CHECKING:
    from mltui.live.daemon import Daemon
    from mltui.live.verbs.registry import Progress

_SAY_S = 0.5
"""How far a pull or push is, is said so often."""


def _of_images(selection: Selection) -> bool:
    return selection.kind == "images"


def _why_not(selection: Selection) -> str | None:
    if not _of_images(selection):
        return "that is for images: `:images` lists them"
    return no_host(selection)


def _silent(selection: Selection) -> str | None:
    return f"{selection.host} does not answer" if selection.is_stale else None


def _first_name(selection: Selection) -> str:
    names = selection.things[0].names if selection.things else ()
    return str(names[0]) if names else ""


async def _pull(context: Context, argument: str) -> None:
    from mltui.live.verbs import registry

    if not argument:
        selection = context.selection
        context.begin_command(f"pull {_first_name(selection) if _of_images(selection) else ''}")
        return
    await _move(context, f"pulling {argument}", lambda d, heard: registry.pull(d, argument, heard))


async def _push(context: Context, argument: str) -> None:
    from mltui.live.verbs import registry

    selection = context.selection
    name = argument or _first_name(selection)
    if not name:
        context.notice("the image has no name to push it by: `:tag NAME` gives it one", bad=True)
        return
    if not argument and len(selection.things[0].names) > 1:
        context.begin_command(f"push {name}")
        return
    where = registry.registry_of(registry.split_name(name)[0])
    question = Question(
        f"Push {name} from {selection.host} to {where}? Whoever may read there can have it.", "Push"
    )
    if await context.confirm(question):
        await _move(context, f"pushing {name}", lambda d, heard: registry.push(d, name, heard))


async def _tag(context: Context, argument: str) -> None:
    from mltui.live.verbs import registry

    if not argument:
        context.begin_command("tag ")
        return
    ref = context.refs()[0]
    said = await context.on_host(lambda daemon: registry.tag(daemon, ref, argument))
    if said is not None:
        context.notice(said)


async def _move(
    context: Context,
    doing: str,
    act: Callable[[Daemon, Callable[[Progress], None]], Awaitable[str]],
) -> None:
    """Have it done, and say meanwhile how far it is."""
    from mltui.text import format_bytes

    said_at = 0.0

    def heard(progress: Progress) -> None:
        nonlocal said_at
        now = time.monotonic()
        if now - said_at < _SAY_S:
            return
        said_at = now
        size = ""
        if progress.total_bytes:
            done, total = format_bytes(progress.done_bytes), format_bytes(progress.total_bytes)
            size = f"{done} of {total}, "
        context.notice(f"{doing}: {size}{progress.layers_done} of {progress.layers} layers")

    context.notice(f"{doing}…")
    said = await context.on_host(lambda daemon: act(daemon, heard))
    if said is not None:
        context.notice(said)


PULL = Action(
    id="docker.pull",
    title="Pull",
    help="Fetch an image by its name; of the selected one, whether its name means a newer one.",
    group="Docker",
    run=_pull,
    keys=("p",),
    command="pull",
    argument="NAME",
    places=("images", *(each for each in DOCKER if each != "images")),
    applies=_of_images,
    why_not=_silent,
    rank=20,
)
TAG = Action(
    id="docker.tag",
    title="Tag",
    help="Give the image one more name.",
    group="Docker",
    run=_tag,
    keys=("T",),
    command="tag",
    argument="NAME",
    places=("images", PAGE),
    applies=_of_images,
    why_not=_why_not,
    rank=22,
)
PUSH = Action(
    id="docker.push",
    title="Push",
    help="Send the image to the registry that its name says; it asks first.",
    group="Docker",
    run=_push,
    keys=("P",),
    command="push",
    argument="NAME",
    places=("images", PAGE),
    applies=_of_images,
    why_not=_why_not,
    danger=True,
    rank=24,
)
