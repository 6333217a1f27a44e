"""Stop a container: its stop signal, and SIGKILL when it does not end in its time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mltui.errors import MltuiError
from mltui.live.daemon import Daemon
from mltui.live.verbs._verb import Question, Ref, Verb, named, refused, same_container, whom


async def _act(daemon: Daemon, ref: Ref) -> str:
    found = await same_container(daemon, ref)
    if not (found.get("State") or {}).get("Running"):
        return f"{ref.text} does not run"
    try:
        await daemon.post(f"/containers/{ref.key}/stop")
    except MltuiError as error:
        raise refused(daemon, ref, "stop", error) from error
    return f"stopped {ref.text}"


def _question(refs: Sequence[Ref], place: str) -> Question:
    ends = "It has" if len(refs) == 1 else "They have"
    sentence = f"Stop {whom(refs)} on {place}? {ends} some seconds to end, then it is killed."
    return Question(sentence.replace("then it is", "then they are") if len(refs) > 1 else sentence,
                    "Stop", detail=named(refs))  # fmt: skip


def _refuses(row: Any) -> str | None:
    if getattr(row, "running", None) == 0:
        return "nothing of it runs"
    state = getattr(row, "state", "running")
    return None if state in ("running", "paused", "restarting") else "it does not run"


VERB = Verb(
    id="stop",
    title="Stop",
    help="End a container politely, then at once",
    doing="stopping…",
    kinds=("containers", "compose"),
    act=_act,
    question=_question,
    refuses=_refuses,
)
"""Stop."""
