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


CHAINED = b"""\
Traceback (most recent call last):
  File "a.py", line 1, in f
KeyError: 'x'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "a.py", line 2, in g
    raise ValueError from None
  [Previous line repeated 996 more times]
ValueError: no
next
"""
RUST = b"""\
thread 'main' panicked at src/main.rs:2:5:
no
stack backtrace:
   0: rust_begin_unwind
             at /rustc/1/library/std/src/panicking.rs:1:5
note: Some details are omitted
"""
RANKS = b"""\
[rank0]: Traceback (most recent call last):
[rank0]:   File "a.py", line 1, in <module>
[rank0]:     f()
[rank0]: RuntimeError: no
Exception raised from f at x.cpp:1 (most recent call first):
frame #0: c10::Error::Error() + 0x1 (0x7f in libc10.so)
frame #1: <unknown function> + 0x2 (0x7f in libtorch.so)
next
"""
COLOURED = b"""\
\x1b[31mERROR\x1b[0m no
\x1b[2m  File "a.py"\x1b[0m
\x1b[1mnext\x1b[0m
"""


def folds(text: bytes) -> list[Fold]:
    folder = Folder(TIMES)
    return [folder.feed(line) for line in text.splitlines()]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        *((PYTHON, "1100011"), (JAVA, "100101"), (GO, "1110011"), (NODE, "10011")),
        *((CHAINED, "101111100011"), (RUST, "111001"), (RANKS, "10011001")),
        (COLOURED, "101"),
    ],
)
def test_frames_are_folded(text: bytes, shown: str) -> None:
    found = "".join("0" if fold else "1" for fold in folds(text))
    assert found == shown


def test_repeated_lines_are_folded_whatever_their_time() -> None:
    text = b"14:02:10 WARN norm 91\n14:02:11 WARN norm 91\n14:02:12 WARN norm 92\n\n\n"
    assert folds(text) == [Fold.NOT, Fold.AGAIN, Fold.NOT, Fold.NOT, Fold.NOT]


PIECES = st.lists(
    st.sampled_from(
        [b"a\n", b"b\n", PYTHON, JAVA, NODE, RANKS, COLOURED, b"ERROR x\n", b"  y\n", b"\n"]
    ),
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
