"""Every line once, wherever the connection breaks; and a word where lines may be missing."""

from __future__ import annotations

import asyncio
import random
import time
import tracemalloc
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltui.errors import Unreachable
from mltui.live import taking
from mltui.live.gaps import KUBELET, Keeping
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

    async def chunks(self, since: str, follow: bool) -> AsyncGenerator[bytes]:
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
    file = TimedFile(path, keeping=KUBELET)
    host = Host(lines, seed, breaks)
    asyncio.run(take(file, host.chunks, follow=True, goes_on=over, reads_first=reads_first))
    file.close()
    assert path.read_bytes() == b"".join(lines)
    assert file.notes == []


def fast(first: float, count: int) -> list[bytes]:
    """A second of 10,000 lines, and so on."""
    lines = []
    for second in range(count // 10_000):
        head, rest = stamp(first + second)[:20], b"x" * 93
        lines += [b"%s%04d00000Z %06d %s\n" % (head, n, n, rest) for n in range(10_000)]
    return lines


def test_a_pause_of_a_fast_log_may_be_a_loss_and_one_of_a_slow_log_is_none(tmp_path: Path) -> None:
    file = TimedFile(tmp_path / "fast", keeping=KUBELET)
    file.begin()
    lines = fast(50_000.0, 20_000) + fast(50_012.0, 20_000)
    for at in range(0, len(lines), 1000):
        file.feed(b"".join(lines[at : at + 1000]))
    file.settle()
    assert [(seconds(note.from_at), seconds(note.to_at)) for note in file.notes] == [
        (50_002.0, 50_012.0)
    ]
    assert file.notes[0].text.startswith("possible loss from ")
    assert 90_000 <= file.notes[0].about <= 110_000
    offset = file.notes[0].offset
    assert (tmp_path / "fast").read_bytes()[offset:].startswith(stamp(50_012.0))
    file.close()
    slow = TimedFile(tmp_path / "slow", keeping=KUBELET)
    slow.begin()
    for n in range(100):
        slow.feed(stamp(50_000.0 + n * 60) + b" tick\n")
    assert slow.notes == []
    slow.close()


@pytest.mark.parametrize(
    ("kept_from", "marks"),
    [(0, []), (19_999, []), (20_000, [(50_002.0, 50_012.0)]), (25_000, [(50_002.0, 50_012.0)])],
    ids=["all", "line before", "line after", "rotated since"],
)
async def test_the_host_is_asked_whether_lines_are_missing_in_a_pause(
    tmp_path: Path, kept_from: int, marks: list[tuple[float, float]]
) -> None:
    """Only where the line before the pause is gone may others be."""
    lines = fast(50_000.0, 20_000) + fast(50_012.0, 10_000)
    file = TimedFile(tmp_path / "log", keeping=KUBELET)
    await take(
        file, Host(lines, 1, 0).chunks, follow=False, goes_on=over, again=kept(lines[kept_from:])
    )
    file.close()
    assert (tmp_path / "log").read_bytes() == b"".join(lines)
    assert [(seconds(each.from_at), seconds(each.to_at)) for each in file.notes] == marks


async def test_a_loss_over_a_broken_connection_is_said_once(tmp_path: Path) -> None:
    """That nothing known comes again tells of it, and so does the pause in the lines' times."""
    lines, new = fast(50_000.0, 20_000), fast(50_012.0, 20_000)
    given = iter([lines, new])
    file = TimedFile(tmp_path / "log", keeping=KUBELET)

    async def chunks(since: str, follow: bool) -> AsyncGenerator[bytes]:
        yield b"".join(next(given))

    async def ended() -> bool:
        return file.size < len(b"".join(lines + new))

    await take(file, chunks, follow=True, goes_on=ended, again=kept(new))
    file.close()
    assert (tmp_path / "log").read_bytes() == b"".join(lines + new)
    assert [(seconds(each.from_at), seconds(each.to_at)) for each in file.notes] == [
        (50_002.0, 50_012.0)
    ]


@pytest.mark.parametrize("lost", [0, 3000, 10_000])
async def test_what_a_follower_was_not_given_is_fetched_as_far_as_it_is_kept(
    tmp_path: Path, lost: int
) -> None:
    """A daemon that keeps several files gives them to whoever asks again."""
    lines = fast(50_000.0, 40_000)
    given = lines[:20_000] + lines[30_000:]
    file = TimedFile(tmp_path / "log", keeping=Keeping(100_000))
    history = kept(lines if not lost else lines[20_000 + lost :])
    await take(file, Host(given, 1, 0).chunks, follow=False, goes_on=over, again=history)
    file.close()
    assert (tmp_path / "log").read_bytes() == b"".join(lines[:20_000] + lines[20_000 + lost :])
    expected = [(50_002.0, round(50_002.0 + lost / 1e4, 2))] if lost else []
    assert [(seconds(each.from_at), seconds(each.to_at)) for each in file.notes] == expected
    if lost:
        assert 0.8 * lost < file.notes[0].about < 1.2 * lost


@given(st.integers(2, 60), st.integers(1, 5), st.integers(0, 1000), st.integers(1, 20_000))
@settings(max_examples=60, deadline=None)
def test_a_file_that_a_late_follower_is_given_again_is_not_doubled(
    tmp_path_factory: pytest.TempPathFactory, length: int, times: int, seed: int, step_us: int
) -> None:
    """As kubelets do: the newest file from its first line, for each that was made meanwhile."""
    chance = random.Random(seed)
    lines = [
        stamp(50_000.0 + n * step_us / 1e6) + b" %d %s\n" % (n, b"x" * chance.randint(0, 9))
        for n in range(100)
    ]
    first = 100 - length
    came = list(lines[:first])
    for _ in range(times):
        came += lines[first : chance.randint(first + 2, 100)]
    came += lines[first:]
    path = tmp_path_factory.mktemp("again") / "log"
    file = TimedFile(path, keeping=KUBELET)
    file.begin()
    data, at = b"".join(came), 0
    while at < len(data):
        size = chance.choice((1, 50, 500, 5000))
        file.feed(data[at : at + size])
        at += size
    file.end(is_over=True)
    file.close()
    assert path.read_bytes() == b"".join(lines)
    assert file.notes == []


def test_the_end_of_a_line_that_begins_a_file_is_not_doubled_either(tmp_path: Path) -> None:
    """A line is cut in two where a node begins a new file; given again, that has the end only."""
    lines = [stamp(50_000.0 + n / 10) + b" line %d\n" % n for n in range(9)]
    file = TimedFile(tmp_path / "log", keeping=KUBELET)
    file.begin()
    file.feed(b"".join(lines[:6]))
    file.feed(stamp(50_000.35) + b" 3\n" + b"".join(lines[4:]))
    file.close()
    assert (tmp_path / "log").read_bytes() == b"".join(lines)


@pytest.mark.parametrize("cut", [19_990, 20_000])
async def test_two_lines_that_a_node_ran_into_one_are_parted(tmp_path: Path, cut: int) -> None:
    """Also where nothing follows them for a moment."""
    lines = fast(50_000.0, 20_000)
    new = fast(50_012.0, 10_000)
    torn, text = lines[-1][:60], new[0].partition(b" ")[2]
    given = [*lines[:-1], torn + text, *new[1:]]
    file = TimedFile(tmp_path / "log", keeping=KUBELET)

    async def chunks(since: str, follow: bool) -> AsyncGenerator[bytes]:
        yield b"".join(given[:10_000])
        yield b"".join(given[10_000:cut])
        yield b"".join(given[cut:])

    await take(file, chunks, follow=False, goes_on=over, again=kept(new))
    file.close()
    assert (tmp_path / "log").read_bytes() == b"".join([*lines[:-1], torn + b"\n", *new])
    assert [note.offset for note in file.notes] == [len(b"".join(lines[:-1])) + 61]


def test_two_streams_that_a_host_does_not_keep_in_order_are_kept_as_they_came(
    tmp_path: Path,
) -> None:
    times = [0.0, 0.000_002, 0.000_001, 0.5, 0.499, 0.499, 3.0, 1.0, 1.1, 4.0]
    lines = [stamp(50_000.0 + at) + b" %d\n" % n for n, at in enumerate(times)]
    file = TimedFile(tmp_path / "log", keeping=KUBELET)
    file.begin()
    file.feed(b"".join(lines))
    file.close()
    assert (tmp_path / "log").read_bytes() == b"".join(lines)


def kept(lines: list[bytes]) -> taking.Again:
    """A host that gives these, in small pieces."""

    async def again(since: str) -> AsyncGenerator[bytes]:
        start = since.removesuffix("Z").encode()
        data = b"".join(line for line in lines if line[: len(start)] >= start)
        for at in range(0, len(data), 10_000):
            yield data[at : at + 10_000]

    return again


@pytest.mark.parametrize(("silent_s", "marks"), [(1, 0), (1200, 1)])
def test_a_log_that_begins_long_after_its_container_may_lack_its_beginning(
    tmp_path: Path, silent_s: float, marks: int
) -> None:
    lines = fast(50_000.0, 20_000)
    first_at = time_of(lines[0])
    assert first_at is not None
    file = TimedFile(tmp_path / "log", keeping=KUBELET)
    file.began(first_at - silent_s)
    file.begin()
    file.feed(b"".join(lines))
    file.close()
    assert len(file.notes) == marks


def test_a_log_that_is_followed_from_its_first_line_on_lacks_nothing(tmp_path: Path) -> None:
    file = TimedFile(tmp_path / "log", keeping=KUBELET)
    now = datetime.now(UTC)
    file.began((now - timedelta(hours=1)).timestamp())
    file.begin()
    head = (now + timedelta(seconds=5)).strftime("%Y-%m-%dT%H:%M:").encode()
    rest = b"x" * 80
    file.feed(b"".join(b"%s59.%09dZ %s\n" % (head, n * 50_000, rest) for n in range(20_000)))
    file.close()
    assert file.notes == []


async def test_a_host_that_goes_on_without_its_follower_is_followed_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kubelet that lost sight of the new file is silent for ever."""
    monkeypatch.setattr(taking, "_SILENT_S", 0.01)
    monkeypatch.setattr(taking, "_IN_FLIGHT_S", 0.01)
    lines = fast(50_000.0, 20_000)
    asked = []

    async def chunks(since: str, follow: bool) -> AsyncGenerator[bytes]:
        asked.append(follow)
        if len(asked) == 1:
            yield b"".join(lines[:10_000])
            await asyncio.Event().wait()
        yield b"".join(lines[9_000:])

    file = TimedFile(tmp_path / "log", keeping=KUBELET)
    await take(file, chunks, follow=True, goes_on=over, again=kept(lines))
    file.close()
    assert (tmp_path / "log").read_bytes() == b"".join(lines)
    assert asked == [True, True, False] and file.notes == []


class Kept:
    """The files of a host, which has the earlier ones too; or gives none."""

    def __init__(self, lines: list[bytes] | None, cut_ends: Sequence[bytes] = ()) -> None:
        self.lines, self.cut_ends = lines, cut_ends

    async def can_be_read(self) -> bool:
        return self.lines is not None

    async def after(self, last: bytes) -> AsyncGenerator[bytes]:
        assert self.lines is not None
        start = self.lines.index(last + b"\n") if last + b"\n" in self.lines else 0
        for at in range(start, len(self.lines), 1000):
            yield b"".join(self.lines[at : at + 1000])


@pytest.mark.parametrize("late_s", [0.0, 30.0])
@pytest.mark.parametrize("files", ["none", "all", "some"])
async def test_a_loss_at_the_end_is_told_though_nothing_comes_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: str, late_s: float
) -> None:
    """The newest file is empty, and the one before it was thrown away unread; unless it is there.

    Who got each line at once has all there is: the host put away what was read.
    """
    monkeypatch.setattr(taking, "_SILENT_S", 0.01)
    monkeypatch.setattr(taking, "_IN_FLIGHT_S", 0.01)
    lines = fast(50_000.0, 40_000)
    came, rest = lines[:20_000], lines[20_000:]
    is_first = True

    async def chunks(since: str, follow: bool) -> AsyncGenerator[bytes]:
        nonlocal is_first
        if is_first:
            is_first = False
            yield b"".join(came)
            if late_s or files != "none":
                await asyncio.Event().wait()
            await asyncio.sleep(0.1)

    last_at = time_of(came[-1])
    assert last_at is not None
    file = TimedFile(tmp_path / "log", keeping=KUBELET)
    file.skew_s = last_at + late_s - time.time()
    host = Kept({"none": None, "all": lines, "some": rest[10_000:]}[files])
    await take(file, chunks, follow=True, goes_on=over, again=kept([]), files=host)
    file.close()
    expected = {"none": came, "all": lines, "some": came + rest[10_000:]}[files]
    assert (tmp_path / "log").read_bytes() == b"".join(expected)
    marks = [(seconds(note.from_at), note.offset) for note in file.notes]
    is_told = files == "some" or (files == "none" and late_s > 0)
    assert marks == ([(50_002.0, len(b"".join(came)))] if is_told else [])


async def test_a_node_whose_clock_is_in_another_zone_is_asked_in_utc(tmp_path: Path) -> None:
    line = b"2026-11-25T15:30:01.500000000+05:30 one\n"
    file = TimedFile(tmp_path / "log", keeping=KUBELET)
    file.begin()
    file.feed(line)
    file.end(is_over=False)
    assert file.since == "2026-11-25T10:00:00Z"
    file.begin()
    file.feed(line + line.replace(b":01.5", b":02.5").replace(b"one", b"two"))
    file.close()
    assert [each.partition(b" ")[2] for each in (tmp_path / "log").read_bytes().splitlines()] == [
        b"one", b"two",
    ]  # fmt: skip
    assert file.notes == []


def test_what_the_host_threw_away_meanwhile_is_a_possible_loss(tmp_path: Path) -> None:
    file = TimedFile(tmp_path / "log")
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
    file = TimedFile(tmp_path / "log", begins_late=True)
    file.begin()
    file.feed(b"".join(lines[90:]))
    file.end(is_over=False)
    file.begin()
    file.feed(b"".join(lines) + stamp(50_001.0) + b" more\n")
    file.close()
    assert len((tmp_path / "log").read_bytes().splitlines()) == 11


def test_a_restart_is_told_before_the_first_line_after_the_end(tmp_path: Path) -> None:
    file = TimedFile(tmp_path / "log")
    file.begin()
    file.told.restarted(1.0)  # nothing is there from before that
    file.feed(stamp(50_000.0) + b" a\n")
    assert file.notes == []
    at = time_of(stamp(50_000.0) + b" ")
    assert at is not None
    file.told.restarted(at + 4)
    file.feed(stamp(50_001.0) + b" b\n" + stamp(50_005.0) + b" c\n" + stamp(50_006.0) + b" d\n")
    file.told.restarted(at + 4)
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
    file = TimedFile(tmp_path / "log", keeping=KUBELET)

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


@given(st.lists(st.sampled_from([0.0, 0.0001, 3.0, 20.0]), min_size=1, max_size=40))
@settings(max_examples=60, deadline=None)
def test_every_pause_of_a_fast_log_is_noted_once(
    tmp_path_factory: pytest.TempPathFactory, steps: list[float]
) -> None:
    """Each line after a pause, and no other."""
    file = TimedFile(tmp_path_factory.mktemp("pauses") / "log", keeping=Keeping(64 * 1024, 2.5))
    file.begin()
    at = 50_000.0
    for _ in range(40):  # how fast it is
        at += 0.01
        file.feed((stamp(at) + b" " + b"x" * 100 + b"\n") * 50)
    file.release()
    assert file.notes == []
    offset = file.size
    lines: list[bytes] = []
    expected: list[int] = []
    for step in steps:
        if step >= 3:
            expected.append(offset + sum(map(len, lines)))
        at += step
        lines.append(stamp(at) + b" y\n")
    file.feed(b"".join(lines))
    file.release()
    while file.question() is not None:
        file.settle()
    assert [note.offset for note in file.notes] == expected
    assert all((note.to_at or 0) - (note.from_at or 0) > 2.9 for note in file.notes)
    file.close()
