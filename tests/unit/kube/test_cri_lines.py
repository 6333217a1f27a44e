"""What a node's files hold becomes the lines that the API's log gives, however it comes apart."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltui.errors import MltuiError
from mltui.live.kube.crilines import CriLines

AT = b"2026-11-25T14:02:0%d.123456789Z"


@given(
    st.lists(
        st.tuples(st.sampled_from([b"stdout", b"stderr"]), st.booleans(), st.binary(max_size=9)),
        max_size=30,
    ),
    st.randoms(use_true_random=False),
)
def test_lines_are_the_same_however_they_come(
    records: list[tuple[bytes, bool, bytes]], chance: random.Random
) -> None:
    data, expected = b"", list[bytes]()
    begun: dict[bytes, bytes] = {}
    for number, (stream, ends, text) in enumerate(records):
        text = text.replace(b"\n", b"?")
        at = AT % (number % 10)
        data += b"%s %s %s %s\n" % (at, stream, b"F" if ends else b"P", text)
        whole = begun.pop(stream, at + b" ") + text
        if ends:
            expected.append(whole)
        else:
            begun[stream] = whole
    lines, out, at_byte = CriLines(), b"", 0
    while at_byte < len(data):
        size = chance.choice((1, 7, 100, 5000))
        out += lines.feed(data[at_byte : at_byte + size])
        at_byte += size
    assert out.split(b"\n")[:-1] == expected
    if expected:
        assert lines.last == expected[-1]
    if lines.last_at >= 0 and not begun:  # from there on it can be read again
        again = CriLines()
        assert data[lines.last_at :].startswith(lines.last_raw)
        assert again.feed(data[lines.last_at :]) == expected[-1] + b"\n"


def test_the_end_of_a_line_that_is_in_two_files_is_known_as_the_api_gives_it() -> None:
    lines = CriLines()
    assert lines.feed(b"%s stdout P one\n" % (AT % 1)) == b""
    lines.begin_file()
    whole = b"%s stdout P half\n%s stdout F s\n%s stdout P a\n%s stdout F b\n"
    assert lines.feed(whole % (AT % 2, AT % 3, AT % 4, AT % 5)) == (
        b"%s onehalfs\n%s ab\n" % (AT % 1, AT % 4)
    )
    assert list(lines.cut_ends) == [b"%s halfs" % (AT % 2)]


def test_times_are_written_as_the_api_does() -> None:
    lines = CriLines()
    given = b"2026-11-25T14:02:03.12Z stdout F a\n2026-11-25T15:02:03+01:00 stderr F \n"
    assert lines.feed(given) == (
        b"2026-11-25T14:02:03.120000000Z a\n2026-11-25T15:02:03.000000000+01:00 \n"
    )


def test_files_of_another_kind_are_refused() -> None:
    with pytest.raises(MltuiError, match="not of the kind"):
        CriLines().feed(b'{"log":"text\\n","stream":"stdout","time":"2026-11-25T14:02:03Z"}\n')
