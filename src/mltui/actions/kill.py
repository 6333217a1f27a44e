"""End a container at once, without saving anything; it asks first."""

from __future__ import annotations

from mltui.actions._docker import verb_action

ACTION = verb_action(
    "kill",
    "Kill",
    "End a container at once, without saving anything; it asks first.",
    places=("containers",),
    keys=("ctrl+k",),
    rank=42,
    danger=True,
)
