"""Let a paused container go on."""

from __future__ import annotations

from mltui.actions._docker import verb_action
from mltui.actions.selection import Selection


def _applies(selection: Selection) -> bool:
    return bool(selection.things) and all(row.state == "paused" for row in selection.things)


ACTION = verb_action(
    "unpause",
    "Unpause",
    "Let a paused container go on.",
    places=("containers",),
    keys=("p",),
    rank=40,
    applies=_applies,
)
