"""What a daemon sends, however it is cut: chunks, frames, logs. No daemon is needed."""

from __future__ import annotations

import asyncio
import random
import struct

import pytest

from mltui.engines.docker.frames import BadFrame, Demux, Mark, Reader
from mltui.engines.http.wire import Chunked, WireError, connect_tcp

from .pieces import cut


@pytest.mark.parametrize("seed", range(20))
def test_chunked_bodies_however_they_arecut(seed: int) -> None:
    chance = random.Random(seed)
    parts = [chance.randbytes(chance.choice([1, 5, 300, 70_000])) for _ in range(30)]
    data = b"".join(b"%X;x=1\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    decoder = Chunked()
    assert b"".join(decoder.feed(piece) for piece in cut(data, seed)) == b"".join(parts)
    assert decoder.is_done


@pytest.mark.parametrize("trailer", [b"", b"Expires: never\r\nX-Sum: 7\r\n"])
@pytest.mark.parametrize("late", range(1, 8))
async def test_an_end_that_comes_late_is_not_the_next_answer(late: int, trailer: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = head + b"2\r\nok\r\n0\r\n" + trailer + b"\r\n"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer[:-late])
            await asyncio.sleep(0.02)
            writer.write(answer[-late:])
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    connection = await connect_tcp(*server.sockets[0].getsockname()[:2])
    for _ in range(2):
        response = await connection.request("GET", "/", {})
        assert await response.read() == b"ok"
        assert connection.is_reusable
    connection.abort()
    server.close()


def test_a_body_that_is_not_chunked() -> None:
    with pytest.raises(WireError):
        Chunked().feed(b"hello there\r\n")


def _frame(stream: int, text: bytes) -> bytes:
    return struct.pack(">B3xI", stream, len(text)) + text


def _messages(count: int, seed: int) -> list[tuple[int, int, bytes]]:
    """(stream, time in ms, text) as a daemon keeps them: times nearly in order."""
    chance = random.Random(seed)
    found: list[tuple[int, int, bytes]] = []
    time, piece = 1_000, {1: -1, 2: -1}
    for number in range(count):
        time += chance.choice([0, 0, 1, 400, 3_000])
        stream = chance.choice([1, 2])
        at = piece[stream] if piece[stream] >= 0 else time - chance.choice([0, 0, 1])
        is_piece = chance.random() < 0.2
        text = b"%d " % number + bytes(chance.choices(range(11, 256), k=chance.choice([0, 3, 9])))
        if is_piece:
            text = text.ljust(16_384, b"-")
        piece[stream] = at if is_piece else -1
        found.append((stream, at, text if is_piece else text + b"\n"))
    return found


def _stamp(ms: int) -> bytes:
    return b"2026-01-02T%02d:%02d:%02d.%03d000000Z" % (
        ms // 3_600_000, ms // 60_000 % 60, ms // 1000 % 60, ms % 1000,
    )  # fmt: skip


@pytest.mark.parametrize("skips_older", [True, False])
@pytest.mark.parametrize("seed", range(25))
def test_a_log_goes_on_where_it_was_left(seed: int, skips_older: bool) -> None:
    """Both kinds of daemon; broken anywhere, within a frame too; nothing lost, nothing doubled."""
    chance = random.Random(seed)
    messages = _messages(400, seed)
    whole = b"".join(text for _, _, text in messages)
    got, mark = b"", Mark()
    while True:
        since = mark.since
        wire = b""
        for stream, time, text in messages:
            stamp = _stamp(time)
            if stamp >= since:
                wire += _frame(stream, stamp + b" " + text)
                if not skips_older:
                    since = b""
            elif not since:
                wire += _frame(stream, stamp + b" " + text)
        reader = Reader(Mark(mark.since, mark.taken, mark.taken_not_older), skips_older=skips_older)
        end = len(wire) if chance.random() < 0.1 else chance.randrange(len(wire) + 1)
        for piece in cut(wire[:end], seed):
            got += reader.feed(piece)
        kept = Mark.from_line(reader.mark.to_line(len(got)))
        assert kept is not None and kept[0] == len(got)
        mark = kept[1]
        if end == len(wire):
            break
    assert got == whole


def test_a_long_log_is_not_sent_again_from_its_beginning() -> None:
    reader = Reader(Mark(), skips_older=True)
    for number in range(10_000):
        reader.feed(_frame(1 + number % 2, _stamp(1_000 + number * 10) + b" line\n"))
    assert 0 < reader.mark.taken <= 1_000
    assert reader.mark.since >= _stamp(1_000 + 9_000 * 10)


def test_the_line_break_that_old_daemons_leave_out() -> None:
    stamp = b"2026-01-02T03:04:05.000000000Z "
    piece, rest, other = b"x" * 16_384, b"yy", b"next\n"
    for ended in (b"yy\n", b"yy"):
        reader = Reader(Mark(), skips_older=True)
        data = b"".join(_frame(1, stamp + text) for text in (piece, ended, other))
        assert reader.feed(data) == piece + rest + b"\n" + other
    reader = Reader(Mark(), skips_older=True)
    assert reader.feed(_frame(1, stamp + b"unfinished")) == b"unfinished"


def test_odd_frames_and_marks() -> None:
    with pytest.raises(BadFrame):
        Demux().feed(b"HTTP/1.1 200 OK")
    assert Mark.from_line(b"12 3") is None
    assert Mark.from_line(b"12 3 x -\n") is None
    mark = Mark(b"2026-01-02T03:04:05.123456789Z", 4, 3)
    assert mark.since_parameter == "1767323045.123456789"
    assert Mark.from_line(mark.to_line(99)) == (99, mark)
    assert len(mark.to_line(99)) == len(Mark().to_line(10**15))
