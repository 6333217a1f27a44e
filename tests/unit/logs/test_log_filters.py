from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltui.logs.filters import Around, Where, read_filter
from mltui.logs.index import LogIndex
from mltui.logs.sieve import Sieve


@given(
    st.lists(st.sampled_from([b"hit\n", b"miss\n", b"\n", b"miss and miss\n"]), max_size=40),
    st.integers(1, 30),
    st.integers(1, 6),
    st.booleans(),
)
@settings(max_examples=80, deadline=None)
def test_lines_around_are_those_of_the_whole_log_wherever_a_block_ends(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], block: int, reach: int, back: bool
) -> None:
    path = tmp_path_factory.mktemp("around") / "log"
    path.write_bytes(b"".join(lines))
    index = LogIndex(path, block_bytes=block)
    index.refresh(1 << 30)
    around = Around(index, Where(index, [read_filter("hit")]).test, reach)
    sieve = Sieve(index, around.test)
    for number in range(index.block_count)[:: -1 if back else 1]:
        sieve.at(number)
    hits = {number for number, line in enumerate(lines) if line == b"hit\n"}
    wanted = {n for hit in hits for n in range(hit - reach, hit + reach + 1)} & set(
        range(len(lines))
    )
    starts = [index.position(number) for number in range(len(lines))]
    found = [each for number in range(index.block_count) for each in sieve.at(number)]
    assert found == [starts[number] for number in sorted(wanted)]
    assert [each for each in found if around.passes(each)] == [starts[n] for n in sorted(hits)]
    assert sieve.total - around.beside_count == len(hits)
    index.close()
