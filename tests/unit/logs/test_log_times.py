from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltui.logs.times import TimeReader, read_when

NEAR = datetime(2026, 11, 25, 14, 0, tzinfo=UTC).timestamp()
HERE = datetime(2026, 11, 25, 13, 58, 2, tzinfo=UTC).timestamp()
READ = TimeReader(NEAR).read


@pytest.mark.parametrize(
    ("line", "fraction"),
    [
        (b"2026-11-25T13:58:02Z started", 0),
        (b"2026-11-25T13:58:02.250Z started", 0.25),
        (b"2026-11-25 13:58:02,250 INFO started", 0.25),
        (b"[2026-11-25 13:58:02] started", 0),
        (b"2026-11-25T15:58:02+02:00 started", 0),
        (b"2026-11-25T08:28:02.5-0530 started", 0.5),
        (b"2026/11/25 13:58:02 started", 0),
        (b"INFO 2026-11-25 13:58:02.125 started", 0.125),
        (b"\x1b[2m2026-11-25T13:58:02Z\x1b[0m started", 0),
        (b"Nov 25 13:58:02 host app[1]: started", 0),
        (b"<34>Nov 25 13:58:02 host app: started", 0),
        (b"I1125 13:58:02.500000       1 main.go:7] started", 0.5),
        (b'127.0.0.1 - - [25/Nov/2026:13:58:02 +0000] "GET /"', 0),
        (b"I20261125 13:58:02.500000 17 main.cc:7] started", 0.5),
        (b"[rank0]:[W1125 13:58:02.500000000 ProcessGroupNCCL.cpp:1] started", 0.5),
        (b"2026-11-25 13:58:02.250000: I tensorflow/core/x.cc:1] started", 0.25),
        (b"[INFO|trainer.py:2128] 2026-11-25 13:58:02,250 >> started", 0.25),
        (b"[Wed Nov 25 13:58:02.250000 2026] [core:notice] started", 0.25),
        (b"Wed Nov 25 13:58:02 UTC 2026 started", 0),
        (b"Wed, 25 Nov 2026 13:58:02 +0000 started", 0),
        (b"1:M 25 Nov 2026 13:58:02.250 * started", 0.25),
        (b"<34>1 2026-11-25T13:58:02.250Z host app - ID - started", 0.25),
        (b"2026-11-25 13:58:02.250 UTC [7] LOG:  started", 0.25),
        (b"2026-11-25 13:58:02.250 | INFO     | a:b:1 - started", 0.25),
        (b"1795615082 started", 0),
        (b"1795615082.250 started", 0.25),
        (b"1795615082250 started", 0.25),
        (b"13:58:02.750 started", 0.75),
        (b"[13:58:02] started", 0),
        (b'{"level":"info","ts":1795615082.25,"msg":"started"}', 0.25),
        (b'{"time": "2026-11-25T13:58:02.25Z", "msg": "started"}', 0.25),
        (b'{"@timestamp":"2026-11-25T13:58:02Z"}', 0),
        (b'{"time":1795615082250,"pid":7}', 0.25),
        (b'ts=2026-11-25T13:58:02Z level=info msg="started"', 0),
        (b"time=1795615082.5 level=info", 0.5),
    ],
)
def test_common_stamps(line: bytes, fraction: float) -> None:
    found = READ(line)
    assert found is not None
    assert found.at == pytest.approx(HERE + fraction, abs=1e-3)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"epoch 7 loss 0.121",
        b"2026-13-45T99:00:00Z nonsense",
        b"0001-01-01T00:00:00Z no time at all",
        b"version 1.2.3 of 2026",
        b"12345 rows",
        b"1795615082abc",
        b'{"loss": 0.3, "text": "no time"}',
        b"10.2026-11-25",
        b"a line whose time comes late: " + b"x" * 80 + b" 2026-11-25T13:58:02Z",
        b"ratio 12:30:1",
    ],
)
def test_what_is_no_stamp(line: bytes) -> None:
    assert READ(line) is None


def test_where_a_stamp_stands() -> None:
    for line in (
        b"2026-11-25T13:58:02.250Z started",
        b"INFO 2026-11-25 13:58:02 started",
        b"\x1b[2m2026-11-25T13:58:02Z\x1b[0m started",
        b"I1125 13:58:02.500000 started",
        b"1:M 25 Nov 2026 13:58:02.250 * started",
        b"2026-11-25 13:58:02.250000: I started",
    ):
        found = READ(line)
        assert found is not None
        kept = line[: found.first] + line[found.last :]
        assert b"13:58" not in kept
        assert kept.strip().endswith(b"started")


def test_stamps_without_day_year_or_zone() -> None:
    new_year = datetime(2027, 1, 1, 0, 0, 10, tzinfo=UTC).timestamp()
    found = TimeReader(new_year).read(b"Dec 31 23:59:59 x")
    assert found is not None
    assert new_year - found.at == 11
    found = TimeReader(new_year).read(b"23:59:59 x")
    assert found is not None
    assert new_year - found.at == 11
    found = TimeReader(NEAR, offset_s=3600).read(b"2026-11-25 14:58:02 x")
    assert found is not None
    assert found.at == HERE


@given(st.binary(max_size=300))
def test_any_bytes_may_come(line: bytes) -> None:
    found = READ(line)
    assert found is None or 0 <= found.first <= found.last <= len(line)


@given(st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1)))
def test_iso_is_read_as_datetime_reads_it(when: datetime) -> None:
    found = READ(when.isoformat().encode() + b"Z x")
    assert found is not None
    assert found.at == pytest.approx(when.replace(tzinfo=UTC).timestamp(), abs=1e-3)


def test_times_as_people_write_them() -> None:
    assert read_when("10m", NEAR) == NEAR - 600
    assert read_when("1h30m", NEAR) == NEAR - 5400
    assert read_when("2d", NEAR) == NEAR - 2 * 86400
    assert read_when("13:58:02", NEAR) == HERE
    assert read_when("14:01", NEAR) == NEAR + 60 - 86400
    assert read_when("2026-11-25T13:58:02Z", NEAR) == HERE
    assert read_when("2026-11-25 14:58:02", NEAR, offset_s=3600) == HERE
    for wrong in ("", "soon", "25:00", "10 parsecs"):
        assert read_when(wrong, NEAR) is None
