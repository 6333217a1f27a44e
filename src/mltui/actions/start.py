"""Start a container that does not run, as it was."""

from __future__ import annotations

from mltui.actions._docker import verb_action

ACTION = verb_action(
    "start",
    "Start",
    "Start a container that does not run, as it was.",
    places=("containers", "compose"),
    keys=("u",),
    rank=20,
)
