"""Every line once, wherever the connection breaks; and a word where lines may be missing."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltui.errors import Unreachable
from mltui.live import timedlog
from mltui.live.timedlog import TimedFile, take


def stamp(at: float) -> bytes:
    seconds = int(at)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"2026-11-25T{clock}.{round(at % 1 * 1e9):09}Z".encode()


class Host:
    """A host that keeps a log and breaks off somewhere; it begins at whole seconds, as some do."""

    def __init__(self, lines: list[bytes], seed: int, breaks: int) -> None:
        self.lines = lines
        self.chance = random.Random(seed)
        self.breaks = breaks
        self.asked: list[str] = []

    async def chunks(self, since: str) -> AsyncIterator[bytes]:
        self.asked.append(since)
        start = since.removesuffix("Z").encode()
        data = b"".join(line for line in self.lines if line[: len(start)] >= start)
        stop = len(data)
        if self.breaks:
            self.breaks -= 1
            stop = self.chance.randint(0, len(data))
        at = 0
        while at < stop:
            size = self.chance.randint(1, 200)
            yield data[at : min(at + size, stop)]
            at += size
        if stop < len(data):
            raise Unreachable("the host is gone")


async def over() -> bool:
    return False


@pytest.fixture(scope="module", autouse=True)
def brisk() -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timedlog, "_FIRST_PAUSE_S", 0.0)
        patch.setattr(timedlog, "_LONGEST_PAUSE_S", 0.0)
        yield


@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, 1e-6, 0.4, 1.0, 30.0]), st.sampled_from("ab")), max_size=40
    ),
    st.integers(0, 1000),
    st.integers(0, 5),
)
@settings(max_examples=150, deadline=None)
def test_each_line_once_whatever_breaks(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[float, str]],
    seed: int,
    breaks: int,
) -> None:
    at, lines = 50_000.0, []
    for step, text in steps:
        at += step
        lines.append(stamp(at) + b" " + text.encode() + b"\n")
    path = tmp_path_factory.mktemp("timed") / "log"
    file = TimedFile(path, watches_gaps=True)
    host = Host(lines, seed, breaks)
    asyncio.run(take(file, host.chunks, follow=True, goes_on=over))
    file.close()
    assert path.read_bytes() == b"".join(lines)
    assert file.gaps == []


def test_a_pause_of_a_fast_log_may_be_a_loss_and_one_of_a_slow_log_is_none(tmp_path: Path) -> None:
    file = TimedFile(tmp_path / "fast", watches_gaps=True)
    file.begin()
    at = 50_000.0
    for part in range(40):
        if part == 20:
            at += 0.5
        file.feed(b"".join(stamp(at + n / 1e5) + b" " + b"x" * 100 + b"\n" for n in range(1000)))
        at += 0.01
    assert [
        (round(gap.from_at % 86_400, 2), round(gap.to_at % 86_400, 2)) for gap in file.gaps
    ] == [(50_000.2, 50_000.7)]
    offset = file.gaps[0].offset
    assert (tmp_path / "fast").read_bytes()[offset:].startswith(stamp(50_000.7))
    file.close()
    slow = TimedFile(tmp_path / "slow", watches_gaps=True)
    slow.begin()
    for n in range(100):
        slow.feed(stamp(50_000.0 + n * 60) + b" tick\n")
    assert slow.gaps == []
    slow.close()
