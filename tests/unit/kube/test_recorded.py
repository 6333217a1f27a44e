"""Windows of what services recorded, cut by the store for monitors that measure in the cluster."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltui.engines.hosting import Hosting
from mltui.engines.kubernetes.manifest import Served
from mltui.engines.kubernetes.services.cron import cron_job, cron_text
from mltui.engines.kubernetes.store import pod
from mltui.engines.kubernetes.store.pod import Remote
from mltui.engines.kubernetes.store.recorded import Recorded
from mltui.engines.kubernetes.store.sparse import BLOCK
from mltui.engines.protocol import Attempt
from mltui.engines.scheduling import Records, Scheduling, Timetable
from mltui.spec.model import Pods

WEB = "toy-web-5d8f7-abcde"
HOUR_S = 3_600.0
KEEP = 1 << 30


@pytest.fixture
def store(tmp_path: Path) -> Recorded:
    return Recorded(tmp_path)


def add(store: Recorded, record: str, data: bytes, ago_s: float = 0.0) -> None:
    """Have a pod record something so long ago."""
    folder = store.record(record)
    have = store.describe(record)["log"] if folder.exists() else 0
    before = (folder / "marks").read_text() if have else ""
    store.extend(record, have, data, KEEP)
    then = time.time() - ago_s
    (folder / "marks").write_text(f"{before}{then:.3f} {have}\n")
    for name in ("marks", "log"):
        os.utime(folder / name, (then, then))


def window(store: Recorded, seconds: float, service: str = "toy-web") -> bytes:
    return b"".join(store.window(service, seconds))


def test_a_window_has_what_all_pods_of_the_service_recorded_since(store: Recorded) -> None:
    add(store, WEB, b"old\n", 10 * HOUR_S)
    add(store, WEB, b"earlier\nhalf", 2 * HOUR_S)
    add(store, WEB, b" a line\nnew\nbeing writ", 0)
    add(store, "toy-web-9c4d2-fghij", b"gone\n", 0.5 * HOUR_S)
    for other in ("toy-web-two-5d8f7-abcde", "toy-5d8f7-abcde", "toy-web-1"):
        add(store, other, b"somebody else's\n")
    assert window(store, HOUR_S) == b"new\ngone\n"
    assert window(store, 3 * HOUR_S) == b"earlier\nhalf a line\nnew\ngone\n"
    assert window(store, 20 * HOUR_S).startswith(b"old\n")
    assert window(store, HOUR_S, "toy") == b"somebody else's\n"
    # Nothing for hours: what was recorded before is not taken for new.
    add(store, "toy-idle-5d8f7-abcde", b"old\n", 10 * HOUR_S)
    assert window(store, HOUR_S, "toy-idle") == b""


def test_what_a_monitor_may_ask_for_is_kept_though_it_was_collected(store: Recorded) -> None:
    line = b'{"path": "/x"}\n'
    add(store, WEB, line * 2_000, 10 * HOUR_S)
    add(store, WEB, line * 2_000, 0.5 * HOUR_S)
    store.keep("toy-drift", b'{"toy-web": 3600}')
    log = store.record(WEB) / "log"
    store.trim(WEB, log.stat().st_size)
    assert window(store, HOUR_S) == line * 2_000
    assert log.stat().st_blocks * 512 <= len(line) * 2_000 + 2 * BLOCK
    # Its pod is no more: the window still has it, and it goes with the window.
    store.forget(WEB)
    assert window(store, HOUR_S) == line * 2_000
    then = time.time() - 2 * HOUR_S
    os.utime(log, (then, then))
    assert window(store, HOUR_S) == b""
    assert not log.exists()
    # No monitor any more: nothing is held back.
    add(store, WEB, line)
    store.keep_no_more("toy-drift")
    store.forget(WEB)
    assert not log.exists()


def test_measurements_that_nobody_collects_are_bounded(
    store: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mltui.engines.kubernetes.store.recorded.MAX_UNCOLLECTED", 2)
    for number in range(4):
        store.tag(f"toy-drift-{number}", b'{"schedule": "toy-drift", "version": 1}')
        then = time.time() - HOUR_S + number
        os.utime(store.record(f"toy-drift-{number}") / "schedule", (then, then))
    store.tag("toy-other-1", b'{"schedule": "toy-other", "version": 1}')
    found = store.scheduled("toy-drift")["made"]
    assert [name for name, *_ in found] == ["toy-drift-2", "toy-drift-3"]


def test_of_long_ago_is_known_less_exactly(
    store: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mltui.engines.kubernetes.store.recorded.STEP_S", 0.0)
    monkeypatch.setattr("mltui.engines.kubernetes.store.recorded._MAX_MARKS_BYTES", 2_000)
    for number in range(400):
        store.extend(WEB, number * 2, b"x\n", KEEP)
    marks = store.record(WEB) / "marks"
    assert marks.stat().st_size <= 2_200
    assert marks.read_text().splitlines()[-1].endswith(" 798")


@pytest.mark.parametrize("min_rows", [3, 4])
def test_a_monitors_pod_gets_its_window_and_what_it_left_waits(
    remote: Remote, tmp_path: Path, min_rows: int
) -> None:
    remote.call("PUT", f"/records/{WEB}/log?offset=0&keep={KEEP}", b"a\n\nb\nc\nhal")
    room = tmp_path / "room"
    (room / "run").mkdir(parents=True)
    measured = {
        "record": "toy-drift-28000001", "schedule": "toy-drift", "version": 7,
        "windows": [["toy-web", HOUR_S, "inputs/recent"]], "min_rows": min_rows,
    }  # fmt: skip
    pod._put_records(remote, room, measured)
    assert (room / "work" / "inputs" / "recent").read_bytes() == b"a\n\nb\nc\n"
    assert (room / "run" / "few").exists() == (min_rows > 3)

    def left() -> list[list[object]]:
        said = json.loads(remote.call("GET", "/schedules/toy-drift"))
        assert said["now"] >= said["made"][0][1]
        return [[name, version, whole] for name, _, version, whole in said["made"]]

    assert left() == [["toy-drift-28000001", 7, False]]
    for name, text in (("log", "seen\n"), ("code", "code 0\n")):
        (room / "run" / name).write_text(text)
    pod.Keeper(remote, "toy-drift-28000001", (), room)._finish()
    assert left() == [["toy-drift-28000001", 7, True]]
    result = json.loads(remote.call("GET", "/records/toy-drift-28000001"))["result"]
    assert (result["code"], result["rows"]) == (0, "3")
    # Of two that ask for it one decides.
    for by in ("one", "other", "one"):
        said = json.loads(remote.call("POST", f"/records/toy-drift-28000001/take?by={by}", b""))
        assert said == {"by": "one"}
    remote.call("DELETE", "/records/toy-drift-28000001")
    assert json.loads(remote.call("GET", "/schedules/toy-drift"))["made"] == []


def test_what_an_earlier_checkouts_service_of_that_name_left_is_not_counted(
    remote: Remote, tmp_path: Path
) -> None:
    for name, data in ((WEB, b"theirs\n"), (WEB[:-1] + "9", b"ours\nours\n")):
        remote.call("PUT", f"/records/{name}/log?offset=0&keep={KEEP}", data)
    began = time.time() - HOUR_S / 2
    theirs = tmp_path / "store" / "records" / WEB
    (theirs / "marks").write_text(f"{began - 60:.3f} 0\n")  # it ended a minute before
    (tmp_path / "room" / "run").mkdir(parents=True)
    measured = {
        "record": "toy-drift-28000002", "schedule": "toy-drift", "version": 1, "min_rows": 1,
        "windows": [["toy-web", HOUR_S, "recent"]], "since": {"toy-web": began},
    }  # fmt: skip
    pod._put_records(remote, tmp_path / "room", measured)
    assert (tmp_path / "room" / "work" / "recent").read_bytes() == b"ours\nours\n"
    assert (tmp_path / "room" / "run" / "rows").read_text() == "rows 2\n"
    del measured["since"]
    pod._put_records(remote, tmp_path / "room", measured)
    assert (tmp_path / "room" / "run" / "rows").read_text() == "rows 3\n"


def _times(text: str) -> list[int]:
    """The minutes of a day at which fields of cron fire."""

    def fits(field: str, value: int, top: int) -> bool:
        if field == "*":
            return True
        span, _, step = field.partition("/")
        first, _, last = span.partition("-")
        inside = range(int(first), int(last or first) + 1, int(step or 1))
        assert int(last or first) <= top
        return value in inside

    minute, hour, *rest = text.split()
    assert rest == ["*", "*", "*"]
    return [
        at for at in range(1440) if fits(minute, at % 60, 59) and fits(hour, at // 60, 23)
    ]  # fmt: skip


@given(minutes=st.integers(1, 3_000), seed=st.text(st.characters(codec="utf-8"), max_size=8))
def test_a_schedule_has_the_period(minutes: int, seed: str) -> None:
    text = cron_text(minutes * 60.0, seed)
    assert text is not None
    if text.startswith("@every "):
        number, unit = int(text[7:-1]), text[-1]
        assert number * {"m": 1, "h": 60}[unit] == minutes
        is_in_fields = 60 % minutes == 0 or (minutes % 60 == 0 and 1440 % minutes == 0)
        assert not is_in_fields
    else:
        times = _times(text)
        assert {b - a for a, b in zip(times, [*times[1:], times[0] + 1440], strict=True)} == {
            minutes
        }


@pytest.mark.parametrize("every_s", [5.0, 59.0, 90.0])
def test_a_cronjob_knows_whole_minutes(every_s: float) -> None:
    assert cron_text(every_s, "") is None


@pytest.mark.parametrize(("every_s", "deadline_s"), [(3_600.0, 3_600), (5_400.0, 10_800)])
def test_a_cronjob_goes_with_its_service_and_never_runs_twice(
    every_s: float, deadline_s: int
) -> None:
    attempt = Attempt(
        "toy-drift", {"mltui.project": "toy", "mltui.monitor": "drift"}, ("sh", "-c", "x"),
        {"MLTUI_MODEL_AT": "5"}, Path("/f"), Path("/w"), None, timeout_s=60,
    )  # fmt: skip
    records = (Records("inputs/recent", Hosting("web@prod", "toy-web", "abc"), 60.0, 5.0),)
    wanted = Timetable(
        Scheduling("drift@prod", "toy-drift", "abc"), attempt, every_s, records, 3, 7, 5.0, "s1"
    )
    owners = [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "toy-web", "uid": "u"}]
    made = cron_job(
        wanted, image="r/i@sha256:1", tree="t", served=Served("10.0.0.1:80", "r/s@sha256:2"),
        pods=Pods(), owners=owners, secret=None, user="", grace_s=5,
    )  # fmt: skip
    assert made["metadata"]["ownerReferences"] == owners
    assert made["metadata"]["labels"]["mltui.monitor"] == "drift"
    spec = made["spec"]
    assert spec["concurrencyPolicy"] == "Forbid"
    # An `@every` that has a shorter deadline than its period never fires.
    assert spec["startingDeadlineSeconds"] == deadline_s
    assert "suspend" not in spec, "whether it is suspended is a person's business"
    job = spec["jobTemplate"]["spec"]
    assert job["backoffLimit"] == 0
    assert job["activeDeadlineSeconds"] > 60
    fetch = job["template"]["spec"]["initContainers"][0]
    assert fetch["args"][:2] == ["fetch", "t"]
    said = json.loads(fetch["args"][2])
    assert said["windows"] == [["toy-web", 60.0, "inputs/recent"]]
    assert said["since"] == {"toy-web": 5.0}
    assert said["record"] == "$(MLTUI_JOB)"
    assert fetch["env"][0]["name"] == "MLTUI_JOB"
    assert made["metadata"]["name"] == said["schedule"] == "toy-drift"
