"""Let a paused container go on."""

from __future__ import annotations

from typing import Any

from mltui.errors import MltuiError
from mltui.live.daemon import Daemon
from mltui.live.verbs._verb import Ref, Verb, refused, same_container


async def _act(daemon: Daemon, ref: Ref) -> str:
    found = await same_container(daemon, ref)
    if not (found.get("State") or {}).get("Paused"):
        return f"{ref.text} is not paused"
    try:
        await daemon.post(f"/containers/{ref.key}/unpause")
    except MltuiError as error:
        raise refused(daemon, ref, "unpause", error) from error
    return f"unpaused {ref.text}"


def _refuses(row: Any) -> str | None:
    return None if row.state == "paused" else "it is not paused"


VERB = Verb(
    id="unpause",
    title="Unpause",
    help="Let a paused container go on",
    doing="unpausing…",
    kinds=("containers",),
    act=_act,
    refuses=_refuses,
)
"""Unpause."""
