"""Waits for the runner's answer to a request, and says a refusal as it should be said."""

from __future__ import annotations

from mltui.errors import JournalError, UsageError
from mltui.runs import client
from mltui.runs.project import Project

ANSWER_S = 30.0


def await_answer(project: Project, request: int) -> None:
    """Return when it was done. UsageError with the reason if it was refused.

    JournalError when nobody answers in `ANSWER_S`.
    """
    answer = client.wait_answer(project, request, ANSWER_S)
    if answer is None:
        raise JournalError(
            f"the runner has not answered for {ANSWER_S:.0f} s; the request stays in the journal "
            f"(what the runner says is in {project.folder / client.LOG})"
        )
    if answer:
        raise UsageError(answer)
