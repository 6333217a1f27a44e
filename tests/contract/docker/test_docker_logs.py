"""A container's log comes whole and once: garbage, floods, broken connections."""

from __future__ import annotations

import asyncio

import pytest

from mltui.engines.docker import logs
from mltui.errors import Unreachable

from .box import Box, read, until
from .relay import Relay

GARBAGE = bytes(range(256)) * 400


async def test_garbage_is_kept_byte_for_byte(box: Box) -> None:
    code = "import os; os.write(1, bytes(range(256)) * 400 + b'\\n'); "
    code += "os.write(2, b'\\0\\xff\\r\\n\\n')"
    attempt = await box.attempt("python3", "-c", code)
    assert (await box.run(attempt)).code == 0
    data = attempt.log.read_bytes()
    # The daemon reads the two streams apart: only the order within each is known.
    lines = data.split(b"\n")
    assert lines.index(b"\0\xff\r") < len(lines) - 1
    for line in (b"\0\xff\r", b""):  # the other stream's two lines, wherever they came
        lines.remove(line)
    assert b"\n".join(lines) == GARBAGE + b"\n"


async def test_silence_is_an_empty_log(box: Box) -> None:
    attempt = await box.attempt("true")
    assert (await box.run(attempt)).code == 0
    assert attempt.log.read_bytes() == b""


async def test_a_line_of_megabytes(box: Box) -> None:
    attempt = await box.attempt("python3", "-c", "print('x' * 3_000_000); print('end')")
    await box.run(attempt)
    assert attempt.log.read_bytes() == b"x" * 3_000_000 + b"\nend\n"


async def test_a_flood_is_whole(box: Box) -> None:
    attempt = await box.attempt("python3", "-c", "for i in range(300_000): print(i)")
    await box.run(attempt)
    assert attempt.log.read_bytes() == b"".join(b"%d\n" % i for i in range(300_000))


async def test_lines_come_while_it_runs(box: Box) -> None:
    attempt = await box.attempt(shell="echo one; sleep 600")
    obj = await box.engine.start(attempt)
    waiting = asyncio.create_task(box.engine.wait(attempt, obj))
    await until(lambda: read(attempt.log) == b"one\n")
    await box.engine.stop(attempt, obj, 0)
    await waiting
    await box.engine.remove(attempt, obj)


COUNTING = """
import sys, time
for i in range(4000):
    print(i, flush=True)
    if i % 3 == 0: print('e', i, file=sys.stderr, flush=True)
    if i % 10 == 0: sys.stdout.write('-' * 40_000 + chr(10))
    if i % 20 == 0: time.sleep(0.01)
"""


def _whole(data: bytes) -> None:
    lines = data.replace(b"-", b"").split(b"\n")  # the other stream's lines may be amidst
    out = [line for line in lines if line[:1].isdigit()]
    assert out == [b"%d" % i for i in range(4000)]
    assert [s for s in lines if s[:1] == b"e"] == [b"e %d" % i for i in range(0, 4000, 3)]
    assert lines.count(b"") == 400 + 1
    assert data.count(b"-") == 400 * 40_000


async def test_nothing_is_lost_or_doubled_when_connections_break(box: Box, relay: Relay) -> None:
    near = Box(box.host, box.root / "near", address=relay.address)
    (box.root / "near").mkdir()
    attempt = await near.attempt("python3", "-c", COUNTING)
    obj = await near.engine.start(attempt)
    waiting = asyncio.create_task(_wait_through(near, attempt, obj))
    # However soon its megabytes are there, they take some connections.
    relay.cut_after = 3_000_000
    cuts = 0
    while not waiting.done():
        await asyncio.sleep(0.3)
        if cuts < 12:
            cuts += bool(relay.cut())
        if relay.cut_itself >= 3:
            relay.cut_after = None
    assert await waiting == 0
    reference = near.root / "reference"
    await logs.take(box.engine.client, obj, reference, follow=False)
    await near.engine.remove(attempt, obj)
    await near.engine.close()
    assert cuts + relay.cut_itself >= 3
    assert attempt.log.read_bytes() == reference.read_bytes()
    _whole(attempt.log.read_bytes())


async def _wait_through(box: Box, attempt: object, obj: str) -> int | None:
    while True:
        try:
            return (await box.engine.wait(attempt, obj)).code  # type: ignore[arg-type]
        except Unreachable:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("after", [1, 5_000, 400_000])
async def test_goes_on_from_where_the_last_one_wrote(box: Box, relay: Relay, after: int) -> None:
    """Another process goes on, also when the last bytes were written and not their place."""
    attempt = await box.attempt("python3", "-c", COUNTING)
    obj = await box.engine.start(attempt)
    await box.engine.wait(attempt, obj)
    whole = attempt.log.read_bytes()
    attempt.log.unlink()
    attempt.log.with_name("log.at").unlink()
    far = Box(box.host, box.root / "far", address=relay.address)
    relay.cut_after = after
    for _ in range(3):
        try:
            await logs.take(far.engine.client, obj, attempt.log, follow=True)
        except Unreachable:
            with attempt.log.open("ab") as file:
                file.write(b"half a li")
    relay.cut_after = None
    await logs.take(far.engine.client, obj, attempt.log, follow=False)
    await far.engine.close()
    await box.engine.remove(attempt, obj)
    assert attempt.log.read_bytes() == whole
    _whole(whole)
