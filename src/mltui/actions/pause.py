"""Freeze a container where it is."""

from __future__ import annotations

from mltui.actions._docker import verb_action
from mltui.actions.selection import Selection


def _applies(selection: Selection) -> bool:
    return not selection.things or any(row.state != "paused" for row in selection.things)


ACTION = verb_action(
    "pause",
    "Pause",
    "Freeze a container where it is.",
    places=("containers",),
    keys=("p",),
    rank=40,
    applies=_applies,
)
