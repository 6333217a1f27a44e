"""Remove a container, image, volume or network; it asks first."""

from __future__ import annotations

from mltui.actions._docker import verb_action

ACTION = verb_action(
    "remove",
    "Remove",
    "Remove a container, image, volume or network; it asks first.",
    places=("containers", "images", "volumes", "networks", "compose"),
    keys=("ctrl+d",),
    rank=24,
    danger=True,
)
