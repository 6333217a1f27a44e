"""What every engine promises about one attempt: `engines.protocol`, against the real thing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mltui.engines.protocol import Stopped
from mltui.errors import StartFailed

from .place import Place, until


async def test_success_leaves_log_and_outputs(place: Place) -> None:
    attempt = place.attempt(shell='echo "hi $MLTUI_X"; echo bad >&2; echo out >o.txt', MLTUI_X="é")
    end = await place.run(attempt)
    assert (end.how, end.code) == (Stopped.EXITED, 0)
    assert attempt.log.read_text(encoding="utf-8") == "hi é\nbad\n"
    assert (attempt.work / "o.txt").read_text() == "out\n"


@pytest.mark.parametrize("code", [1, 3, 126, 255])
async def test_exit_code(place: Place, code: int) -> None:
    end = await place.run(place.attempt(shell=f"exit {code}"))
    assert (end.how, end.code) == (Stopped.EXITED, code)


async def test_runs_in_the_working_folder(place: Place) -> None:
    attempt = place.attempt("sh", "-c", "cat here.txt")
    (attempt.work / "here.txt").write_text("yes")
    await place.run(attempt)
    assert attempt.log.read_bytes() == b"yes"


async def test_a_list_is_executed_as_it_is(place: Place) -> None:
    attempt = place.attempt("printf", "%s|", "a b", "$HOME", "*", "-n", "")
    await place.run(attempt)
    assert attempt.log.read_bytes() == b"a b|$HOME|*|-n||"


async def test_log_is_kept_byte_for_byte(place: Place) -> None:
    attempt = place.attempt(
        place.python, "-c", "import os; os.write(1, bytes(range(256)) * 400 + b'no newline')"
    )
    await place.run(attempt)
    assert attempt.log.read_bytes() == bytes(range(256)) * 400 + b"no newline"


async def test_silence_is_an_empty_log(place: Place) -> None:
    attempt = place.attempt("true")
    end = await place.run(attempt)
    assert end.code == 0
    assert attempt.log.read_bytes() == b""


async def test_output_order_is_kept(place: Place) -> None:
    attempt = place.attempt(shell="for i in 1 2 3 4 5; do echo out$i; echo err$i >&2; done")
    await place.run(attempt)
    text = "".join(f"out{i}\nerr{i}\n" for i in range(1, 6))
    assert attempt.log.read_text() == text


@pytest.mark.parametrize("number", [9, 11, 15])
async def test_killed_by_a_signal(place: Place, number: int) -> None:
    attempt = place.attempt("sh", "-c", f"echo before; kill -{number} $$")
    end = await place.run(attempt)
    assert (end.how, end.code) == (Stopped.SIGNALLED, 128 + number)
    assert attempt.log.read_bytes() == b"before\n"


async def test_a_missing_program_can_not_start_or_fails(place: Place) -> None:
    attempt = place.attempt("no-such-program-at-all")
    try:
        end = await place.run(attempt)
    except StartFailed as error:
        assert "no-such-program-at-all" in str(error)
    else:
        assert end.code not in (0, None)
        assert end.how is not Stopped.REFUSED or "no-such-program-at-all" in end.message


async def test_standard_input_is_empty(place: Place) -> None:
    assert (await place.run(place.attempt(shell="cat"))).code == 0


async def test_usage_is_measured(place: Place) -> None:
    work = "import time\nx = b'x' * 150_000_000\nfor i in range(3_000_000): pass\ntime.sleep(2.5)"
    end = await place.run(place.attempt(place.python, "-c", work))
    assert end.code == 0
    assert end.usage.cpu_s is None or end.usage.cpu_s > 0.05
    assert end.usage.peak_memory_bytes is None or end.usage.peak_memory_bytes > 150_000_000


async def test_stop_asks_first(place: Place) -> None:
    attempt = place.attempt(
        shell="trap 'echo bye; exit 4' TERM; echo up; while :; do sleep 0.05; done"
    )
    obj = await place.engine.start(attempt)
    waiting = asyncio.create_task(place.engine.wait(attempt, obj))
    await until(lambda: b"up" in _bytes(attempt.log))
    await place.engine.stop(attempt, obj, 60.0)
    end = await waiting
    assert (end.how, end.code) == (Stopped.EXITED, 4)
    assert attempt.log.read_bytes().endswith(b"bye\n")
    await place.engine.remove(attempt, obj)


async def test_stop_ends_what_ignores_sigterm(place: Place) -> None:
    attempt = place.attempt(shell="trap '' TERM; echo up; sleep 600 & sleep 600")
    obj = await place.engine.start(attempt)
    waiting = asyncio.create_task(place.engine.wait(attempt, obj))
    await until(lambda: b"up" in _bytes(attempt.log))
    await place.engine.stop(attempt, obj, 0.2)
    end = await asyncio.wait_for(waiting, place.slack_s)
    assert (end.how, end.code) == (Stopped.SIGNALLED, 137)
    await place.engine.remove(attempt, obj)


async def test_stop_after_the_end_is_no_error(place: Place) -> None:
    attempt = place.attempt("true")
    obj = await place.engine.start(attempt)
    await place.engine.wait(attempt, obj)
    await place.engine.stop(attempt, obj, 0.1)
    assert (await place.engine.wait(attempt, obj)).code == 0
    await place.engine.remove(attempt, obj)


async def test_wait_can_be_cancelled_and_asked_again(near: Place) -> None:
    attempt = near.attempt(shell="while [ ! -e go ]; do sleep 0.02; done; exit 5")
    obj = await near.engine.start(attempt)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(near.engine.wait(attempt, obj), 0.05)
    (attempt.work / "go").touch()
    assert (await near.engine.wait(attempt, obj)).code == 5
    await near.engine.remove(attempt, obj)


async def test_find_before_any_start_promises_that_it_never_starts(place: Place) -> None:
    attempt = place.attempt(shell="touch ran")
    assert await place.engine.find(attempt) is None
    assert await place.engine.find(attempt) is None


async def test_find_names_what_was_started(near: Place) -> None:
    attempt = near.attempt(shell="while [ ! -e go ]; do sleep 0.02; done")
    obj = await near.engine.start(attempt)
    assert await near.engine.find(attempt) in (obj, None)
    (attempt.work / "go").touch()
    await near.engine.wait(attempt, obj)
    await near.engine.remove(attempt, obj)


async def test_many_at_once(place: Place) -> None:
    attempts = [place.attempt(shell=f"echo {n}; exit {n}") for n in range(place.many)]
    ends = await asyncio.gather(*(place.run(attempt) for attempt in attempts))
    assert [end.code for end in ends] == list(range(place.many))
    assert [attempt.log.read_text() for attempt in attempts] == [
        f"{n}\n" for n in range(place.many)
    ]


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""
