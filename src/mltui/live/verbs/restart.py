"""Stop a container and start it again."""

from __future__ import annotations

from collections.abc import Sequence

from mltui.errors import MltuiError
from mltui.live.daemon import Daemon
from mltui.live.verbs._verb import (
    Question,
    Ref,
    Verb,
    effect,
    named,
    refused,
    same_container,
    whom,
)


async def _act(daemon: Daemon, ref: Ref) -> str:
    await same_container(daemon, ref)
    try:
        await daemon.post(f"/containers/{ref.key}/restart")
    except MltuiError as error:
        raise refused(daemon, ref, "restart", error) from error
    return f"restarted {ref.text}"


def _question(refs: Sequence[Ref], place: str) -> Question:
    what = effect(len(refs), "What it does now is cut off.", "What they do now is cut off.")
    return Question(f"Restart {whom(refs)} on {place}? {what}", "Restart", detail=named(refs))


VERB = Verb(
    id="restart",
    title="Restart",
    help="Stop a container and start it again",
    doing="restarting…",
    kinds=("containers", "compose"),
    act=_act,
    question=_question,
)
"""Restart."""
