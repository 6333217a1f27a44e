"""A node that rotates a log under its follower: every line once, also those that are in two files.

The host here does what kubelets and containerd do: a new file every few seconds, a line cut in two
where it begins, a follower that is late finds itself in the newest file.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mltui.errors import Unreachable
from mltui.live import taking
from mltui.live.gaps import Keeping
from mltui.live.kube.crilines import CriLines
from mltui.live.taking import take
from mltui.live.timedlog import TimedFile
from mltui.logs.timed import Note

START = datetime(2026, 11, 25, 13, 53, 20, tzinfo=UTC).timestamp()
PACE, FILE_S = 40, 3.0
KEEPING = Keeping(0.5 * PACE * FILE_S * 90, 2.5)


def stamp(at: float) -> bytes:
    seconds = datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{seconds}.{round(at % 1 * 1e6):06}000Z".encode()


class Node:
    """Files of records, of which those are there that were written `until` now."""

    def __init__(self, seed: int, files: int) -> None:
        self.chance = random.Random(seed)
        self.files: list[list[bytes]] = [[]]
        self.lines: list[bytes] = []
        self.is_there = True
        at, count = START, int(PACE * FILE_S * files)
        for number in range(count):
            at += 1 / PACE
            text = b"%06d %s" % (number, b"x" * 53)
            self.lines.append(b"%s %s\n" % (stamp(at), text))
            is_last = number % (PACE * FILE_S) == PACE * FILE_S - 1 and number < count - 1
            cut = self.chance.randint(1, len(text) - 1)
            if is_last and self.chance.random() < 0.7:
                self._put(at, b"P", text[:cut])
                self.files.append([])
                self._put(at + self.chance.choice((0.0, 1e-6, 3e-3)), b"F", text[cut:])
                continue
            self._put(at, b"F", text)
            if is_last:
                self.files.append([])
        self.all = [record for file in self.files for record in file]
        self.at = 0
        """So many of all records are written."""
        self.cut_ends: list[bytes] = []

    def _put(self, at: float, tag: bytes, text: bytes) -> None:
        self.files[-1].append(b"%s stdout %s %s\n" % (stamp(at), tag, text))

    def _begin(self) -> int:
        """Where the newest file begins."""
        begin = 0
        for file in self.files:
            if begin + len(file) >= max(self.at, 1):
                break
            begin += len(file)
        return begin

    def _end(self, at: int) -> int:
        """Where the file ends in which a record is."""
        end = 0
        for file in self.files:
            end += len(file)
            if end > at:
                break
        return end

    def _given(self, first: int, stop: int, is_open: bool) -> tuple[bytes, bool]:
        """Records as a kubelet gives them, and whether the line goes on."""
        out = b""
        for record in self.all[first:stop]:
            at, _, tag, text = record.split(b" ", 3)
            out += (b"" if is_open else at + b" ") + text[: -1 if tag == b"P" else None]
            is_open = tag == b"P"
        return out, is_open

    def _from(self, since: str) -> int:
        begin = self._begin()
        while begin < self.at and self.all[begin][:19] < since.removesuffix("Z").encode():
            begin += 1
        return begin

    async def chunks(self, since: str, follow: bool) -> AsyncGenerator[bytes]:
        first, is_open = self._from(since), False
        while True:
            data, is_open = self._given(first, self.at, is_open)
            if data:
                yield data
            if not follow or self.at == len(self.all):
                return
            first = self.at
            self.at = min(self.at + self.chance.choice((1, 7, 100, 200, 400)), len(self.all))
            if self._end(first) < self._begin():  # late: after this file it opens the newest
                data, is_open = self._given(first, self._end(first), is_open)
                if data:
                    yield data
                first = self._begin()
            if self.chance.random() < 0.1:
                raise Unreachable("the connection broke")
            await asyncio.sleep(0)

    async def again(self, since: str) -> AsyncGenerator[bytes]:
        yield self._given(self._from(since), self.at, False)[0]

    async def can_be_read(self) -> bool:
        return self.is_there

    async def after(self, last: bytes) -> AsyncGenerator[bytes]:
        lines, begin = CriLines(), 0
        for file in self.files:
            lines.begin_file()
            yield lines.feed(b"".join(file[: max(self.at - begin, 0)]))
            begin += len(file)
        self.cut_ends = list(lines.cut_ends)

    async def older(self) -> AsyncGenerator[bytes]:
        if self.is_there and self._begin():
            async for data in self.after(b""):
                yield data

    async def goes_on(self) -> bool:
        return self.at < len(self.all)


@pytest.fixture(scope="module", autouse=True)
def brisk() -> object:
    with pytest.MonkeyPatch.context() as patch:
        for name in (
            "_FIRST_PAUSE_S",
            "_LONGEST_PAUSE_S",
            "_AGAIN_S",
            "_LONGEST_AGAIN_S",
            "_FILES_S",
        ):
            patch.setattr(taking, name, 0.0)
        yield


def followed(node: Node, path: Path, *, behind_s: float, reads_first: bool) -> list[Note]:
    """Its log, in a file; what was said of it."""
    file = TimedFile(path, keeping=KEEPING)
    file.skew_s = START - time.time() + behind_s
    asyncio.run(
        take(
            file, node.chunks, follow=True, goes_on=node.goes_on, reads_first=reads_first,
            again=node.again, files=node, older=node.older,
        )
    )  # fmt: skip
    file.close()
    return file.notes


CASES = (
    st.integers(0, 10_000),
    st.integers(1, 6),
    st.sampled_from([-10.0, 1000.0]),
    st.booleans(),
    st.floats(0, 1),
)


@given(*CASES)
@example(0, 2, -10.0, False, 0.0)  # the connection breaks where a line is cut
@example(64, 4, 1000.0, False, 0.0)  # and before anything came
@example(1920, 4, -10.0, False, 0.34023037033754866)  # a line run on into the end of another
@example(2371, 6, -10.0, False, 0.0)  # the connection breaks after a pause
@settings(max_examples=60, deadline=None)
def test_each_line_once_however_the_node_rotates(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    files: int,
    behind_s: float,
    reads_first: bool,
    begun: float,
) -> None:
    node = Node(seed, files)
    node.at = int(begun * len(node.all))
    path = tmp_path_factory.mktemp("rotates") / "log"
    notes = followed(node, path, behind_s=behind_s, reads_first=reads_first)
    assert path.read_bytes() == b"".join(node.lines)
    assert notes == []


@given(*CASES)
@example(1046, 4, -10.0, True, 0.0)  # nothing but the end of the last line comes anew
@settings(max_examples=40, deadline=None)
def test_who_may_not_read_the_files_is_told_of_each_loss_and_hardly_of_another(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    files: int,
    behind_s: float,
    reads_first: bool,
    begun: float,
) -> None:
    node = Node(seed, files)
    node.at, node.is_there = int(begun * len(node.all)), False
    path = tmp_path_factory.mktemp("rotates") / "log"
    notes = followed(node, path, behind_s=behind_s, reads_first=reads_first)
    numbers = {line: number for number, line in enumerate(node.lines)}
    offset, torn, losses, known = 0, 0, list[int](), list[int]()
    begun_at = set[int]()
    """Where the first line of a file is: nothing tells whether the one before it was the last."""
    for line in path.read_bytes().splitlines(keepends=True):
        number = numbers.get(line)
        if number is None:
            torn += 1  # of a line of which the other half is lost
        else:
            if known and number != known[-1] + 1:
                losses.append(offset)
            known.append(number)
            if number % (PACE * FILE_S) == 0:
                begun_at.add(offset)
        offset += len(line)
    assert known == sorted(set(known)) and known[-1] == len(node.lines) - 1
    assert torn <= 2 * len(losses) + 1
    for loss in losses:
        assert sum(loss - 200 <= note.offset <= loss for note in notes) == 1
    others = [
        note.offset
        for note in notes
        if not any(loss - 200 <= note.offset <= loss for loss in losses)
    ]
    assert begun_at.issuperset(others) and len(others) <= 1
