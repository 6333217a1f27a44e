"""Start a container that does not run."""

from __future__ import annotations

from typing import Any

from mltui.errors import MltuiError
from mltui.live.daemon import Daemon
from mltui.live.verbs._verb import Ref, Verb, refused, same_container


async def _act(daemon: Daemon, ref: Ref) -> str:
    found = await same_container(daemon, ref)
    state = found.get("State") or {}
    if state.get("Paused"):
        return f"{ref.text} is paused: unpause it"
    if state.get("Running"):
        return f"{ref.text} runs already"
    try:
        await daemon.post(f"/containers/{ref.key}/start")
    except MltuiError as error:
        raise refused(daemon, ref, "start", error) from error
    return f"started {ref.text}"


def _refuses(row: Any) -> str | None:
    if getattr(row, "total", None) and row.running == row.total:
        return "all of it runs already"
    state = getattr(row, "state", "exited")
    if state == "paused":
        return "it is paused: unpause it"
    return "it runs already" if state in ("running", "restarting") else None


VERB = Verb(
    id="start",
    title="Start",
    help="Start a container that does not run, as it was",
    doing="starting…",
    kinds=("containers", "compose"),
    act=_act,
    refuses=_refuses,
)
"""Start."""
