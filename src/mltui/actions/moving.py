"""Move about: back and forward through places, to relatives, a pane over the whole width."""

from __future__ import annotations

from mltui.actions.action import Action
from mltui.actions.context import Context
from mltui.actions.selection import EVERYWHERE, LISTS, PAGE, Selection

STEP = 5
"""Percent of the width."""


async def _back(context: Context, argument: str) -> None:
    await context.go_through_places(-1)


async def _forward(context: Context, argument: str) -> None:
    await context.go_through_places(1)


async def _relatives(context: Context, argument: str) -> None:
    await context.go_to_relative()


async def _wider(context: Context, argument: str) -> None:
    context.widen(STEP)


async def _narrower(context: Context, argument: str) -> None:
    context.widen(-STEP)


async def _zoom(context: Context, argument: str) -> None:
    context.zoom()


def _has_relatives(selection: Selection) -> bool:
    return bool(selection.things) if selection.place != "pipeline" else selection.row is not None


def _why_no_relatives(selection: Selection) -> str | None:
    return None if _has_relatives(selection) else "nothing is selected"


ACTIONS = (
    Action(
        id="look.before",
        title="Place before",
        help="The list or screen that was shown before, as often as you like.",
        group="Look",
        run=_back,
        keys=("left_square_bracket",),
        places=EVERYWHERE,
        on_footer=False,
    ),
    Action(
        id="look.after",
        title="Place after",
        help="Forward again.",
        group="Look",
        run=_forward,
        keys=("right_square_bracket",),
        places=EVERYWHERE,
        on_footer=False,
    ),
    Action(
        id="look.relatives",
        title="Jump",
        help="To what belongs to it: a container's image, a pod's owner and node, its stage; a "
        "stage's container, run and line.",
        group="Look",
        run=_relatives,
        keys=("J",),
        command="jump",
        places=("pipeline", *LISTS, PAGE),
        why_not=_why_no_relatives,
        on_footer=False,
    ),
    Action(
        id="look.zoom",
        title="Zoom",
        help="Give the stage's pane the whole width, or not.",
        group="Look",
        run=_zoom,
        keys=("z",),
        command="zoom",
        on_footer=False,
    ),
    Action(
        id="look.wider",
        title="Wider list",
        help="More of the width for the list of stages; it is remembered.",
        group="Look",
        run=_wider,
        keys=("greater_than_sign",),
        on_footer=False,
        rank=80,
    ),
    Action(
        id="look.narrower",
        title="Narrower list",
        help="More of the width for the stage's pane; it is remembered.",
        group="Look",
        run=_narrower,
        keys=("less_than_sign",),
        on_footer=False,
        rank=80,
    ),
)
