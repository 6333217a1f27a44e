"""When a replica that gets no new connections may be ended, and why one was in vain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from mltui.engines.protocol import Attempt, Engine
from mltui.serving.fleet import Kept, await_quiet
from mltui.serving.fronting import FrontHandle
from mltui.serving.keeper import Keeper
from mltui.serving.ledger import Ledger
from mltui.serving.making import Maker
from mltui.serving.rows import Deployment, Health, Replica, Standing
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


class Told:
    """A journal that keeps what is said of a deployment."""

    def __init__(self) -> None:
        self.said: list[tuple[Standing, str]] = []

    def set_state(self, name: str, state: Standing, reason: str, *of: object) -> None:
        self.said.append((state, reason))


def kept(number: int, health: Health, reason: str = "", waits_for: str = "") -> Kept:
    row = Replica("web@dev", number, 1, health, 0.0, port=80 + number, reason=reason)
    found = Kept(row, cast(Attempt, None), cast(Engine, None))
    found.waits_for = waits_for
    return found


async def test_why_it_is_degraded_is_not_hidden_by_what_its_replacement_waits_for() -> None:
    told, front = Told(), Front()
    front.problem = ""  # type: ignore[attr-defined]
    keeper = Keeper("web@dev", cast(Ledger, told), cast(Maker, None), cast(FrontHandle, front))
    wanted = Deployment("web", "dev", True, 2, 1, None, 0.0, Standing.READY)
    serves = kept(1, Health.READY)
    starts = kept(2, Health.STARTING, waits_for="nothing listens on its port yet")

    def stands(*current: Kept) -> tuple[Standing, str]:
        keeper._fleet.kept = {each.row.number: each for each in current}
        keeper._judge(wanted, list(current), [])
        return told.said[-1]

    assert stands(starts) == (Standing.STARTING, "nothing listens on its port yet")
    assert stands(serves, starts) == (Standing.DEGRADED, "nothing listens on its port yet")
    keeper._trouble.crashed("it was out of memory")
    assert stands(serves, starts) == (Standing.DEGRADED, "it was out of memory")
    unwell = kept(1, Health.UNWELL, "/healthz answers 503")
    assert stands(unwell, starts) == (Standing.DEGRADED, "/healthz answers 503")
    keeper._trouble.lasts()
    keeper._trouble.failed(1, "it never began")
    assert stands(serves, starts) == (Standing.DEGRADED, "it never began")
    keeper._trouble.is_well()
    assert stands(serves, starts) == (Standing.DEGRADED, "nothing listens on its port yet")
