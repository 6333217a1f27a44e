"""End a container politely, then at once; it asks first."""

from __future__ import annotations

from mltui.actions._docker import verb_action

ACTION = verb_action(
    "stop",
    "Stop",
    "End a container politely, then at once; it asks first.",
    places=("containers", "compose"),
    keys=("x",),
    rank=18,
    danger=True,
)
