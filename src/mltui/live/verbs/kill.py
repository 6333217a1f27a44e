"""End a container at once, by SIGKILL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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
    found = await same_container(daemon, ref)
    if not (found.get("State") or {}).get("Running"):
        return f"{ref.text} does not run"
    try:
        await daemon.post(f"/containers/{ref.key}/kill", {"signal": "SIGKILL"})
    except MltuiError as error:
        raise refused(daemon, ref, "kill", error) from error
    return f"killed {ref.text}"


def _question(refs: Sequence[Ref], place: str) -> Question:
    what = effect(len(refs), "It ends at once", "They end at once")
    sentence = f"Kill {whom(refs)} on {place}? {what}, without saving anything."
    return Question(sentence, "Kill", detail=named(refs))


def _refuses(row: Any) -> str | None:
    return None if row.state in ("running", "paused", "restarting") else "it does not run"


VERB = Verb(
    id="kill",
    title="Kill",
    help="End a container at once",
    doing="killing…",
    kinds=("containers",),
    act=_act,
    question=_question,
    refuses=_refuses,
)
"""Kill."""
