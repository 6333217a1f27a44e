"""Freeze the processes of a container where they are."""

from __future__ import annotations

from typing import Any

from mltui.errors import MltuiError
from mltui.live.daemon import Daemon
from mltui.live.verbs._verb import Ref, Verb, refused, same_container


async def _act(daemon: Daemon, ref: Ref) -> str:
    found = await same_container(daemon, ref)
    if (found.get("State") or {}).get("Paused"):
        return f"{ref.text} is paused already"
    try:
        await daemon.post(f"/containers/{ref.key}/pause")
    except MltuiError as error:
        raise refused(daemon, ref, "pause", error) from error
    return f"paused {ref.text}"


def _refuses(row: Any) -> str | None:
    return None if row.state == "running" else "only what runs can be paused"


VERB = Verb(
    id="pause",
    title="Pause",
    help="Freeze a container's processes; Unpause lets them go on",
    doing="pausing…",
    kinds=("containers",),
    act=_act,
    refuses=_refuses,
)
"""Pause."""
