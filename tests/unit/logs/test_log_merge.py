from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltui.logs.index import LogIndex
from mltui.logs.merge import Merged, MergeSource
from mltui.logs.search import compile_pattern, matching
from mltui.logs.sieve import Sieve


def time_of(position: int, raw: bytes) -> float | None:
    head = raw.partition(b" ")[0]
    return float(head) if head.isdigit() else None


def source(path: Path, name: str) -> MergeSource:
    return MergeSource(name, LogIndex(path / name), time_of)


def all_of(merged: Merged) -> list[bytes]:
    while merged.behind_bytes:
        merged.refresh()
    return merged.read(range(merged.end))


def test_a_log_that_joins_another_stands_by_its_times_among_what_is_not_in_order_yet(
    tmp_path: Path,
) -> None:
    """One log alone is not asked for its times: they are read once there are two."""
    (tmp_path / "a").write_bytes(b"".join(b"%d a\n" % at for at in range(4500)))
    (tmp_path / "b").write_bytes(b"4050 b\n4499 b\n")
    merged = Merged([source(tmp_path, "a")])
    merged.refresh()
    assert 0 < merged.end < 4050
    merged.add(source(tmp_path, "b"))
    lines = all_of(merged)
    assert lines.index(b"4050 b") == lines.index(b"4050 a") + 1
    assert lines[-2:] == [b"4499 a", b"4499 b"] and len(lines) == 4502
    merged.close()


def test_the_last_lines_of_logs_without_times_stand_by_when_those_began(tmp_path: Path) -> None:
    (tmp_path / "early").write_bytes(b"".join(b"early %d\n" % n for n in range(3)))
    (tmp_path / "late").write_bytes(b"".join(b"late %d\n" % n for n in range(50)))
    sources = [source(tmp_path, name) for name in ("late", "early")]
    merged = Merged(sources)
    for each, begun_at in zip(sources, (200.0, 100.0), strict=True):
        each.begun_at, each.is_over = begun_at, True
        each.begin_at(each.lines.last_lines(5))
    assert all_of(merged) == [b"early %d" % n for n in range(3)] + [
        b"late %d" % n for n in range(45, 50)
    ]
    merged.close()


PIECE = st.tuples(st.integers(0, 3), st.lists(st.integers(0, 9) | st.none(), max_size=6))


@given(st.lists(PIECE, max_size=12))
@settings(max_examples=150, deadline=None)
def test_every_line_once_and_each_log_in_its_own_order(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[tuple[int, list[int | None]]]
) -> None:
    path = tmp_path_factory.mktemp("merge")
    names = ["a", "b", "c", "d"]
    for name in names:
        (path / name).write_bytes(b"")
    merged = Merged([source(path, name) for name in names])
    wrote: dict[str, list[bytes]] = {name: [] for name in names}
    shown: list[bytes] = []
    for number, times in pieces:
        name = names[number]
        with (path / name).open("ab") as file:
            for at in times:
                line = f"{'' if at is None else at} {name}{len(wrote[name])}".encode()
                file.write((b"\n" if wrote[name] else b"") + line)
                wrote[name].append(line)
        before = list(shown)
        merged.refresh()
        shown = all_of(merged)
        assert shown[: len(before)] == before  # what was shown stays where it was
        for number, name in enumerate(names):
            own = [line for at, line in enumerate(shown) if merged.source_of(at) == number]
            assert own == wrote[name][:-1]  # the last one may go on
    merged.close()


@given(st.lists(st.lists(st.integers(0, 50), max_size=40).map(sorted), min_size=1, max_size=5))
@settings(max_examples=100, deadline=None)
def test_lines_that_are_there_are_in_order_of_time_and_stable(
    tmp_path_factory: pytest.TempPathFactory, logs: list[list[int]]
) -> None:
    path = tmp_path_factory.mktemp("merge")
    for number, times in enumerate(logs):
        (path / str(number)).write_bytes(b"".join(b"%d of %d\n" % (at, number) for at in times))
    merged = Merged([source(path, str(number)) for number in range(len(logs))])
    merged.refresh()
    shown = all_of(merged)
    expected = sorted(
        (at, number, b"%d of %d" % (at, number))
        for number, times in enumerate(logs)
        for at in times
    )
    assert shown == [line for *_, line in expected]
    sieve = Sieve(merged, matching(merged, compile_pattern("of 0$")))
    hits = [at for block in range(merged.block_count) for at in sieve.at(block)]
    assert hits == [at for at, line in enumerate(shown) if line.endswith(b"of 0")]
    merged.close()


def test_a_clock_that_jumps_back_keeps_its_lines_in_order(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"5 a\n1 a\nno time\n7 a\n")
    (tmp_path / "b").write_bytes(b"4 b\n6 b\n8 b")
    merged = Merged([source(tmp_path, "a"), source(tmp_path, "b")])
    merged.refresh()
    assert all_of(merged) == [b"4 b", b"5 a", b"1 a", b"no time", b"6 b", b"7 a"]
    merged.sources[1].is_over = True
    assert all_of(merged)[-1] == b"8 b"


def test_many_lines_joining_and_starting_anew(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"".join(b"%d a\n" % n for n in range(0, 30_000, 2)))
    (tmp_path / "b").write_bytes(b"".join(b"%d b\n" % n for n in range(1, 30_000, 2)))
    merged = Merged([source(tmp_path, "a"), source(tmp_path, "b")])
    assert merged.refresh() < 10_000
    shown = all_of(merged)
    assert [int(line.split()[0]) for line in shown] == list(range(30_000))
    (tmp_path / "c").write_bytes(b"7 late\n")
    merged.add(source(tmp_path, "c"), "c joined")
    assert all_of(merged)[-1] == b"7 late"
    assert merged.marks(30_000) == ["c joined"]
    assert merged.read([29_999, 30_000, 5]) == [b"29999 b", b"7 late", b"5 b"]
    (tmp_path / "c").write_bytes(b"8\n")
    merged.refresh()
    assert merged.generation == 1
    assert "c: the file was cut short" in merged.notice
    assert b"8" in all_of(merged)


@given(st.lists(PIECE, max_size=12), st.integers(0, 12))
@settings(max_examples=100, deadline=None)
def test_what_is_to_come_after_lines_that_were_let_go(
    tmp_path_factory: pytest.TempPathFactory,
    pieces: list[tuple[int, list[int | None]]],
    cut: int,
) -> None:
    """A follower that forgets what it printed goes on with the very next line, once each."""
    path = tmp_path_factory.mktemp("merge")
    names = ["a", "b", "c", "d"]
    for name in names:
        (path / name).write_bytes(b"")
    merged = Merged([source(path, name) for name in names])
    wrote: dict[str, list[bytes]] = {name: [] for name in names}
    shown: list[bytes] = []
    for step, (number, times) in enumerate(pieces):
        name = names[number]
        with (path / name).open("ab") as file:
            for at in times:
                line = f"{'' if at is None else at} {name}{len(wrote[name])}".encode()
                file.write(line + b"\n")
                wrote[name].append(line)
        merged.refresh()
        if step == cut:
            shown += all_of(merged)
            merged = merged.after(merged.sources)
            assert merged.end == 0
    shown += all_of(merged)
    for name in names:
        own = [line for line in shown if line.partition(b" ")[2].startswith(name.encode())]
        assert own == wrote[name]
    merged.close()


def test_a_farewell_stands_after_the_last_line(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1 a\n4 a")
    (tmp_path / "b").write_bytes(b"2 b\n9 b\n")
    leaving, stays = source(tmp_path, "a"), source(tmp_path, "b")
    merged = Merged([leaving, stays])
    assert all_of(merged) == [b"1 a", b"2 b", b"9 b"]
    leaving.farewell, leaving.is_over = "a left", True
    assert all_of(merged) == [b"1 a", b"2 b", b"9 b", b"4 a"]
    with (tmp_path / "b").open("ab") as file:
        file.write(b"10 b\n")
    merged.refresh()
    assert merged.marked(0, merged.end) == [4] and merged.marks(4) == ["a left"]
    merged.close()
