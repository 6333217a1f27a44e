from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltui.logs.fold import Fold, Folder, Folding
from mltui.logs.index import LogIndex
from mltui.logs.sieve import Sieve
from mltui.logs.times import TimeReader

TIMES = TimeReader(0.0)

PYTHON = b"""\
14:02:11 ERROR failed
Traceback (most recent call last):
  File "a.py", line 1, in <module>
    f()
    ~^^
ValueError: no
14:02:12 INFO next
"""
JAVA = b"""\
Exception in thread "main" java.lang.IllegalStateException: no
\tat a.B.c(B.java:1)
\tat a.D.main(D.java:2)
Caused by: java.io.IOException: gone
\t... 2 more
next
"""
GO = b"""\
panic: no

goroutine 1 [running]:
main.main()
\t/x/main.go:4 +0x1

next
"""
NODE = b"""\
TypeError: x is not a function
    at f (/a.js:1:2)
    at node:internal/main:1
next
  indented, but not below an error
"""


def folds(text: bytes) -> list[Fold]:
    folder = Folder(TIMES)
    return [folder.feed(line) for line in text.splitlines()]


@pytest.mark.parametrize(
    ("text", "shown"),
    [(PYTHON, "1100011"), (JAVA, "100101"), (GO, "1110011"), (NODE, "10011")],
)
def test_frames_are_folded(text: bytes, shown: str) -> None:
    found = "".join("0" if fold else "1" for fold in folds(text))
    assert found == shown


def test_repeated_lines_are_folded_whatever_their_time() -> None:
    text = b"14:02:10 WARN norm 91\n14:02:11 WARN norm 91\n14:02:12 WARN norm 92\n\n\n"
    assert folds(text) == [Fold.NOT, Fold.AGAIN, Fold.NOT, Fold.NOT, Fold.NOT]


PIECES = st.lists(
    st.sampled_from([b"a\n", b"b\n", PYTHON, JAVA, NODE, b"ERROR x\n", b"  y\n", b"\n"]),
    max_size=12,
)


@given(PIECES, st.integers(8, 200))
@settings(max_examples=60, deadline=None)
def test_a_block_folds_the_same_wherever_reading_begins(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], block: int
) -> None:
    data = b"".join(pieces)
    path = tmp_path_factory.mktemp("fold") / "log"
    path.write_bytes(data)
    index = LogIndex(path, block_bytes=block)
    index.look()
    folding = Folding(index, TIMES)
    expected = [not fold for fold in folds(data)]
    starts = [start for n in range(index.block_count) for start in index.starts(n)]
    sieve = Sieve(index, folding.test)
    for n in reversed(range(index.block_count)):
        sieve.at(n)
    shown = {start for n in range(index.block_count) for start in sieve.at(n)}
    if len(expected) <= 64:
        assert [start in shown for start in starts] == expected
    heads = [start for start in starts if start in shown]
    hidden = sum(folding.below(head)[1] for head in heads)
    assert hidden == len(starts) - len(heads)
    for head in heads:
        folding.toggle(head)
    assert [start for n in range(index.block_count) for start in folding.test(n)] == starts
    index.close()
