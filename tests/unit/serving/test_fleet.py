"""When a replica that gets no new connections may be ended, and why one was in vain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from mltui.serving.fleet import await_quiet
from mltui.serving.fronting import FrontHandle
from mltui.serving.trouble import TRIES, Trouble

LABEL = "web@dev/3"


class Front:
    """Says what it is told to, one answer after the other; None: it is late."""

    is_there = True

    def __init__(self, *answers: Mapping[str, int] | None) -> None:
        self.left = list(answers)

    async def open_connections(self) -> Mapping[str, int] | None:
        return self.left.pop(0)


async def test_a_late_answer_is_not_taken_for_quiet() -> None:
    busy = {LABEL: 1, "web@dev/4": 2}
    front = Front(None, busy, None, None, busy, {"web@dev/4": 2}, {})
    await await_quiet(cast(FrontHandle, front), LABEL)
    assert front.left == [{}], "not before the front has said so"


async def test_without_a_front_nothing_is_waited_for() -> None:
    front = Front()
    front.is_there = False
    await await_quiet(cast(FrontHandle, front), LABEL)


async def test_a_version_is_given_up_for_what_was_wrong_with_it() -> None:
    """Not for what a replica beside it waits for, which nobody has given up."""
    trouble = Trouble(lambda: None)
    for _ in range(TRIES):
        trouble.failed(2, "it ended with exit code 1: the model file does not load")
        trouble.reason = "/healthz: nothing listens on its port yet"
    assert trouble.is_given_up(2)
    assert trouble.why(2) == "it ended with exit code 1: the model file does not load"
    assert trouble.why(3) == "its replicas do not get healthy"
