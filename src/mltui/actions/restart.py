"""Stop a container and start it again; it asks first."""

from __future__ import annotations

from mltui.actions._docker import verb_action

ACTION = verb_action(
    "restart",
    "Restart",
    "Stop a container and start it again; it asks first.",
    places=("containers", "compose"),
    keys=("r",),
    rank=22,
    danger=True,
)
