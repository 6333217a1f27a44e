from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltui.logs.fields import beside_fields, fields_of, read_condition
from mltui.logs.levels import Level, level_of, levels_of, read_level


def test_json_lines_are_fields() -> None:
    line = b'{"level":"info","msg":"step","loss":0.5,"opt":{"lr":1e-3,"on":true},"tags":["a",1]}'
    assert fields_of(line) == {
        "level": "info",
        "msg": "step",
        "loss": "0.5",
        "opt.lr": "0.001",
        "opt.on": "true",
        "tags": '["a", 1]',
    }
    assert fields_of(b'12:00:01 INFO {"a": 1}\r') == {"a": "1"}
    for text in (b"plain", b"{broken", b"[1, 2]", b'{"a": }', b"{}x", b"a=1"):
        assert fields_of(text) is None


@pytest.mark.parametrize(
    ("line", "beside"),
    [
        (b'{"a": 1}', ""),
        (b'12:00:01 INFO {"a": 1}\r', "12:00:01 INFO"),
        (b'2026-11-25T13:58:02Z\tERROR\tmain.go:7\tno\t{"a": 1}', "2026-11-25T13:58:02Z\tERROR\t"
         "main.go:7\tno"),
        (b"step done loss=1 acc=2 fine", "step done fine"),
        (b"a=1 b=2", ""),
    ],
)  # fmt: skip
def test_what_a_line_says_beside_its_fields(line: bytes, beside: str) -> None:
    assert fields_of(line) is not None
    assert beside_fields(line) == beside


def test_logfmt_is_fields() -> None:
    line = b'ts=1 level=warn msg="a \\"b\\" c" err="" path=/a/b?x=1'
    assert fields_of(line) == {
        "ts": "1",
        "level": "warn",
        "msg": 'a "b" c',
        "err": "",
        "path": "/a/b?x=1",
    }


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
        ),
        max_leaves=20,
    )
)
def test_any_object_is_taken_apart(value: object) -> None:
    found = fields_of(json.dumps({"x": value}).encode())
    assert found is not None
    assert all(isinstance(text, str) for text in found.values())


@given(st.binary(max_size=200))
def test_any_bytes_may_come(line: bytes) -> None:
    fields_of(line)
    fields_of(b"{" + line + b"}")
    level_of(line)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("loss>0.4", True),
        ("loss >= 0.5", True),
        ("loss<0.5", False),
        ("loss=0.50", True),
        ("level=info", True),
        ("level!=info", False),
        ("level>=info", True),
        ("level<=info", True),
        ("level>info", False),
        ("level>=infp", False),
        ("msg~^st.p$", True),
        ("msg!~step", False),
        ("nowhere=1", False),
        ("nowhere!=1", True),
        ("nowhere>1", False),
        ("nowhere~.", False),
        ("nowhere!~.", True),
        ("opt.lr<0.01", True),
        ("tags~sports", True),
        ('msg="step"', True),
    ],
)
def test_conditions(text: str, holds: bool) -> None:
    condition = read_condition(text)
    assert condition is not None
    line = b'{"loss":0.5,"level":"info","msg":"step","opt":{"lr":1e-3},"tags":["sports"]}'
    fields = fields_of(line)
    assert fields is not None
    assert condition.holds(fields) is holds


@pytest.mark.parametrize("text", ["", "loss", "=1", "msg~(", "loss>"])
def test_what_is_no_condition(text: str) -> None:
    assert read_condition(text) is None


@pytest.mark.parametrize(
    ("line", "level"),
    [
        (b"2026-11-25 12:00:00,001 DEBUG x", Level.DEBUG),
        (b"[info] x", Level.INFO),
        (b"WARNING:root:x", Level.WARNING),
        (b"level=warning x=1", Level.WARNING),
        (b'{"level":30,"msg":"x"}', Level.INFO),
        (b'{"severity":"ERROR"}', Level.ERROR),
        (b"I1125 13:58:02.500000 1 x", Level.INFO),
        (b"E1125 13:58:02.500000 1 x", Level.ERROR),
        (b"CRITICAL x", Level.FATAL),
        (b"ValueError: x", Level.ERROR),
        (b"W20261125 13:58:02.500000 1 main.cc:7] x", Level.WARNING),
        (b"[rank0]:[E1125 13:58:02.5 ProcessGroupNCCL.cpp:1] x", Level.ERROR),
        (b"[W ProcessGroupNCCL.cpp:1] x", Level.WARNING),
        (b"2026-11-25 13:58:02.250000: W tensorflow/core/x.cc:1] x", Level.WARNING),
        (b"2026-11-25 13:58:02 [warning  ] x  k=1", Level.WARNING),
        (b"\x1b[2m13:58:02\x1b[0m [\x1b[31m\x1b[1merror    \x1b[0m] \x1b[1mx\x1b[0m", Level.ERROR),
        (b"\x1b[32mINFO\x1b[0m:     started", Level.INFO),
        (b"13:58:02 | \x1b[33m\x1b[1mWARNING \x1b[0m | x", Level.WARNING),
        (b"2026-11-25 13:58:02.250 | SUCCESS  | a:b:1 - x", Level.INFO),
        (b"2026/11/25 13:58:02 [emerg] 1#1: x", Level.FATAL),
        (b"[Wed Nov 25 13:58:02.25 2026] [core:error] [pid 1] x", Level.ERROR),
        (b'10.0.0.1 - - [25/Nov/2026:13:58:02 +0000] "GET / HTTP/1.1" 502 1', Level.ERROR),
        (b'10.0.0.1 - - [25/Nov/2026:13:58:02 +0000] "GET / HTTP/1.1" 404 1', Level.WARNING),
        (b'10.0.0.1 - - [25/Nov/2026:13:58:02 +0000] "GET / HTTP/1.1" 200 1', Level.INFO),
        (b"13:58:02 ERR x", Level.ERROR),
        (b"2026-11-25T13:58:02.1+01:00  WARN 1 --- [main] c.e.App : x", Level.WARNING),
        (b"2026-11-25 13:58:02,250 [main] DEBUG c.e.App - x", Level.DEBUG),
        (b"/a/b.py:7: UserWarning: x", Level.WARNING),
        (b"Epoch 1: 100%|###| 938/938 [00:05<00:00, 182.33it/s, loss=0.1]", None),
        (b"epoch 7 loss 0.1", None),
        (b"0 errors, error=0", None),
    ],
)
def test_levels(line: bytes, level: Level | None) -> None:
    assert level_of(line) is level


def test_a_line_without_level_is_as_bad_as_the_one_above() -> None:
    lines = [b"x", b"ERROR no", b"  at a.b", b"INFO fine", b"more"]
    assert levels_of(lines) == [None, Level.ERROR, Level.ERROR, Level.INFO, Level.INFO]
    assert read_level("Warn") is Level.WARNING
    assert read_level("loud") is None
