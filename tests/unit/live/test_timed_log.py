"""Every line once, wherever the connection breaks; and a word where lines may be missing."""

from __future__ import annotations

import asyncio
import random
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltui.errors import Unreachable
from mltui.live import taking
from mltui.live.taking import take
from mltui.live.timedlog import TimedFile
from mltui.logs.timed import TimedIndex, time_of


def stamp(at: float) -> bytes:
    seconds = int(at)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"2026-11-25T{clock}.{round(at % 1 * 1e9):09}Z".encode()


def seconds(at: float | None) -> float:
    """Of the day."""
    assert at is not None
    return round(at % 86_400, 2)


class Host:
    """A host that keeps a log and breaks off somewhere; it begins at whole seconds, as some do."""

    def __init__(self, lines: list[bytes], seed: int, breaks: int) -> None:
        self.lines = lines
        self.chance = random.Random(seed)
        self.breaks = breaks
        self.asked: list[str] = []

    async def chunks(self, since: str, follow: bool) -> AsyncIterator[bytes]:
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
        patch.setattr(taking, "_FIRST_PAUSE_S", 0.0)
        patch.setattr(taking, "_LONGEST_PAUSE_S", 0.0)
        yield


@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, 1e-6, 0.4, 1.0, 30.0]), st.sampled_from("ab")), max_size=40
    ),
    st.integers(0, 1000),
    st.integers(0, 5),
    st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_each_line_once_whatever_breaks(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[float, str]],
    seed: int,
    breaks: int,
    reads_first: bool,
) -> None:
    at, lines = 50_000.0, []
    for step, text in steps:
        at += step
        lines.append(stamp(at) + b" " + text.encode() + b"\n")
    path = tmp_path_factory.mktemp("timed") / "log"
    file = TimedFile(path, watches_gaps=True)
    host = Host(lines, seed, breaks)
    asyncio.run(take(file, host.chunks, follow=True, goes_on=over, reads_first=reads_first))
    file.close()
    assert path.read_bytes() == b"".join(lines)
    assert file.notes == []


def test_a_pause_of_a_fast_log_may_be_a_loss_and_one_of_a_slow_log_is_none(tmp_path: Path) -> None:
    file = TimedFile(tmp_path / "fast", watches_gaps=True)
    file.begin()
    at = 50_000.0
    for part in range(40):
        if part == 20:
            at += 0.5
        file.feed(b"".join(stamp(at + n / 1e5) + b" " + b"x" * 100 + b"\n" for n in range(1000)))
        at += 0.01
    assert [(seconds(note.from_at), seconds(note.to_at)) for note in file.notes] == [
        (50_000.2, 50_000.7)
    ]
    assert file.notes[0].text.startswith("possible loss from ")
    offset = file.notes[0].offset
    assert (tmp_path / "fast").read_bytes()[offset:].startswith(stamp(50_000.7))
    file.close()
    slow = TimedFile(tmp_path / "slow", watches_gaps=True)
    slow.begin()
    for n in range(100):
        slow.feed(stamp(50_000.0 + n * 60) + b" tick\n")
    assert slow.notes == []
    slow.close()


def test_what_the_host_threw_away_meanwhile_is_a_possible_loss(tmp_path: Path) -> None:
    file = TimedFile(tmp_path / "log", watches_gaps=False)
    file.begin()
    file.feed(stamp(50_000.0) + b" a\n" + stamp(50_000.5) + b" b\n" + stamp(50_000.6) + b" cut of")
    file.end(is_over=False)
    file.begin()
    assert file.since == "2026-11-25T13:53:19Z"
    file.feed(stamp(50_009.0) + b" z\n" + stamp(50_010.0) + b" end\n")
    file.close()
    assert [(seconds(note.from_at), seconds(note.to_at)) for note in file.notes] == [
        (50_000.5, 50_009.0)
    ]
    lines = (tmp_path / "log").read_bytes().splitlines()
    assert [line.partition(b" ")[2] for line in lines] == [b"a", b"b", b"z", b"end"]


def test_what_was_left_out_at_the_beginning_does_not_come_later(tmp_path: Path) -> None:
    lines = [stamp(50_000.0 + n / 1000) + b" %d\n" % n for n in range(100)]
    file = TimedFile(tmp_path / "log", watches_gaps=False, begins_late=True)
    file.begin()
    file.feed(b"".join(lines[90:]))
    file.end(is_over=False)
    file.begin()
    file.feed(b"".join(lines) + stamp(50_001.0) + b" more\n")
    file.close()
    assert len((tmp_path / "log").read_bytes().splitlines()) == 11


def test_a_restart_is_told_before_the_first_line_after_the_end(tmp_path: Path) -> None:
    file = TimedFile(tmp_path / "log", watches_gaps=False)
    file.begin()
    file.restarted(1.0)  # nothing is there from before that
    file.feed(stamp(50_000.0) + b" a\n")
    assert file.notes == []
    at = time_of(stamp(50_000.0) + b" ")
    assert at is not None
    file.restarted(at + 4)
    file.feed(stamp(50_001.0) + b" b\n" + stamp(50_005.0) + b" c\n" + stamp(50_006.0) + b" d\n")
    file.restarted(at + 4)
    file.feed(stamp(50_007.0) + b" e\n")
    file.close()
    index = TimedIndex(tmp_path / "log", file.notes)
    index.refresh()
    said = [list(index.marks(index.position(number))) for number in range(5)]
    assert said == [[], [], ["container restarted"], [], []]


@pytest.mark.parametrize("breaks", [False, True])
def test_a_line_of_many_megabytes_is_kept_whole_and_not_in_memory(
    tmp_path: Path, breaks: bool
) -> None:
    size = 24 << 20
    first, head = stamp(50_000.0) + b" short\n", stamp(50_000.5) + b" "
    file = TimedFile(tmp_path / "log", watches_gaps=True)

    def come(share: float) -> None:
        file.feed(first + head)
        for _ in range(int(share * (size >> 16))):
            file.feed(b"x" * (1 << 16))

    tracemalloc.start()
    try:
        file.begin()
        come(0.5 if breaks else 1)
        if breaks:
            file.end(is_over=False)
            file.begin()
            come(1)
        file.feed(b"\n" + stamp(50_001.0) + b" after\n")
        file.end(is_over=False)
        file.begin()
        come(1)  # and all of it once more
        file.feed(b"\n" + stamp(50_001.0) + b" after\n")
        assert tracemalloc.get_traced_memory()[1] < 12 << 20
    finally:
        tracemalloc.stop()
        file.close()
    lines = (tmp_path / "log").read_bytes().split(b"\n")
    assert [len(line) for line in lines] == [36, 31 + size, 36, 0]


@given(st.lists(st.sampled_from([0.0, 0.0001, 0.3, 2.0]), min_size=1, max_size=40))
@settings(max_examples=60, deadline=None)
def test_every_pause_of_a_fast_log_is_noted_once(
    tmp_path_factory: pytest.TempPathFactory, steps: list[float]
) -> None:
    """Each line after a pause, and no other."""
    file = TimedFile(tmp_path_factory.mktemp("pauses") / "log", watches_gaps=True)
    file.begin()
    at = 50_000.0
    for _ in range(40):  # how fast it is
        at += 0.01
        file.feed(b"".join(stamp(at) + b" " + b"x" * 100 + b"\n" for n in range(1000)))
    assert file.notes == []
    offset = file.size
    lines: list[bytes] = []
    expected: list[int] = []
    for step in steps:
        if step >= 0.3:
            expected.append(offset + sum(map(len, lines)))
        at += step
        lines.append(stamp(at) + b" y\n")
    file.feed(b"".join(lines))
    assert [note.offset for note in file.notes] == expected
    assert all((note.to_at or 0) - (note.from_at or 0) > 0.29 for note in file.notes)
    file.close()
