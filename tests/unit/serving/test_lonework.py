"""A stage outside any run, while its engine is out of reach."""

from __future__ import annotations

import pytest

from mltui.errors import Unreachable
from mltui.serving import lonework


async def test_an_engine_that_does_not_answer_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lonework, "_AGAIN_S", 0.0)
    answers: list[object] = [Unreachable("the cluster is away"), Unreachable("still"), "an exit"]
    told: list[str] = []

    async def ask() -> object:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert await lonework._patiently(60, told.append, ask) == "an exit"
    assert told == ["the cluster is away", "still", ""]


async def test_it_is_not_asked_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lonework, "_AGAIN_S", 0.0)

    async def ask() -> None:
        raise Unreachable("the cluster is away")

    with pytest.raises(Unreachable):
        await lonework._patiently(0, lambda why: None, ask)
