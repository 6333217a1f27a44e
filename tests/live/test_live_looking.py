"""Stats of what is on screen, logs into files, one look for scripts; all on a real daemon."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mltui.errors import Unreachable, UsageError
from mltui.live.feed import Feed
from mltui.live.kinds import kind_named
from mltui.live.listing import describe_once, known_kind, list_once, to_json
from mltui.live.logs import Following, LogState
from mltui.logs.timed import Note, TimedIndex, without_stamps

from .box import SOON_S, Box, soon, waiting
from .relay import Relay

if TYPE_CHECKING:
    from tests.testbed.docker import DockerHost


async def test_only_what_is_on_screen_is_measured(feed: Feed, relay: Relay, box: Box) -> None:
    table = await feed.loaded("containers", SOON_S)
    busy = await box.run("busy", "sh", "-c", "while :; do :; done")
    calm, unseen = await box.run("calm"), await box.run("unseen")
    ended = await box.create("ended", "true")
    await soon(lambda: {busy, calm, unseen, ended} <= table.rows.keys())
    await soon(lambda: table.rows[unseen].is_running)
    feed.watch_stats([busy, calm, ended])

    def cpu(key: str) -> float | None:
        usage = table.rows[key].usage
        return None if usage is None else usage.cpu_percent

    # How much of the processor it gets depends on who else wants it.
    await soon(lambda: (cpu(busy) or 0) > 1 and cpu(calm) is not None)
    assert (cpu(calm) or 0) < (cpu(busy) or 0)
    usage = table.rows[calm].usage
    assert usage is not None and 0 < usage.memory_bytes < 100 << 20
    assert table.rows[unseen].usage is None and table.rows[ended].usage is None
    assert feed.stats.history(busy)
    asked = {target.split("/")[3] for target in relay.matching("GET", r"/containers/\w+/stats")}
    assert asked == {busy, calm}

    feed.stats.focus(busy)
    known = len(feed.stats.history(busy))
    await soon(lambda: len(feed.stats.history(busy)) > known + 1)
    feed.stats.focus(None)
    feed.watch_stats([])
    await box.daemon.post(f"/containers/{busy}/kill")
    await soon(lambda: table.rows[busy].state == "exited")
    assert table.rows[busy].usage is None


@asynccontextmanager
async def following(
    feed: Feed, key: str, path: Path, tail: int | None = None, notes: list[Note] | None = None
) -> AsyncIterator[list[LogState]]:
    """A log that is followed as a screen does."""
    states: list[LogState] = []
    task = asyncio.ensure_future(
        feed.log_to(key, path, reads_first=True, tail=tail, notes=notes, said=states.append)
    )
    try:
        yield states
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def text_of(path: Path) -> bytes:
    return without_stamps(path.read_bytes()) if path.exists() else b""


async def test_a_log_is_whole_over_a_broken_wire_and_a_restart(
    feed: Feed, relay: Relay, box: Box, tmp_path: Path
) -> None:
    command = waiting(
        "echo begin; echo err >&2; echo 1; echo 2", "for i in 3 4 5 6 7 8; do echo $i; done"
    )
    key = await box.run("log", *command)
    await feed.loaded("containers", SOON_S)
    path = tmp_path / "one" / "log"
    notes: list[Note] = []
    async with following(feed, key, path, notes=notes) as states:
        await soon(lambda: b"2\n" in text_of(path))
        relay.cut()
        await soon(lambda: Following.LOST in [state.following for state in states])
        await box.signal(key, "USR1")
        await soon(lambda: text_of(path).endswith(b"8\n"))
        await soon(lambda: states[-1].following is Following.ENDED)
        lines = text_of(path).split()
        lines.remove(b"err")  # Docker itself does not keep the order of the two streams
        assert lines == [b"begin", *(b"%d" % i for i in range(1, 9))]
        await box.start(key)
        await soon(lambda: len(text_of(path).split()) == 14)
        await box.signal(key, "USR1")
        await soon(lambda: len(text_of(path).split()) == 20)
        assert [note.words for note in notes] == ["container restarted"]
        assert without_stamps(path.read_bytes()[notes[0].offset :]).split()[0] in (b"begin", b"err")
        await box.remove(key)
        await soon(lambda: states[-1].following is Following.GONE)


async def test_a_log_is_gone_on_with_by_a_later_call(feed: Feed, box: Box, tmp_path: Path) -> None:
    key = await box.run("log", *waiting("echo a", "echo b; sleep 600"))
    path = tmp_path / "log"
    async with following(feed, key, path):
        await soon(lambda: text_of(path) == b"a\n")
    await box.signal(key, "USR1")
    async with following(feed, key, path):
        await soon(lambda: text_of(path) == b"a\nb\n")


async def test_the_end_of_a_long_log(feed: Feed, box: Box, tmp_path: Path) -> None:
    key = await box.run("log", *waiting("seq 1 5000", "echo more; sleep 600"))
    path, whole = tmp_path / "log", tmp_path / "whole" / "log"
    async with following(feed, key, whole, tail=1_000_000):
        await soon(lambda: len(text_of(whole).split()) == 5000)
    async with following(feed, key, path, tail=10) as states:
        await soon(lambda: bool(states) and states[-1].following is Following.FOLLOWING)
        await box.signal(key, "USR1")
        await soon(lambda: text_of(path).endswith(b"more\n"))
        found = text_of(path).split()
        assert b"4999" in found and b"1" not in found
        assert 5 <= len(found) < 4000
        assert [state.following for state in states] == [Following.READING, Following.FOLLOWING]
    async with following(feed, key, whole, tail=1_000_000):
        await soon(lambda: len(text_of(whole).split()) == 5001)


async def test_a_terminal_has_no_frames(feed: Feed, box: Box, tmp_path: Path) -> None:
    long = "head -c 40000 /dev/zero | tr '\\0' x"
    key = await box.run("tty", "sh", "-c", f"echo hello; {long}; echo; echo end", Tty=True)
    path = tmp_path / "log"
    async with following(feed, key, path):
        await soon(lambda: text_of(path).endswith(b"end\r\n"))
    assert text_of(path) == b"hello\r\n" + b"x" * 40_000 + b"\r\nend\r\n"


async def test_a_log_that_docker_does_not_keep(feed: Feed, box: Box, tmp_path: Path) -> None:
    key = await box.run("mute", HostConfig={"LogConfig": {"Type": "none"}})
    state = await feed.log_to(key, tmp_path / "log")
    assert state.following is Following.REFUSED
    assert "Docker keeps no log of it" in state.why
    gone = await feed.log_to("0" * 64, tmp_path / "other" / "log")
    assert gone.following is Following.GONE


async def test_one_look_for_scripts(relay: Relay, box: Box) -> None:
    key = await box.run("ls", HostConfig={"Memory": 64 << 20, "MemorySwap": 64 << 20})
    rows = await list_once("c", environ=relay.environ, stats=False)
    kind = known_kind("containers")
    row = next(to_json(kind, row) for row in rows if row.id == key)
    assert json.loads(json.dumps(row)) == row
    assert (row["kind"], row["name"], row["state"]) == ("container", box.name("ls"), "running")
    assert row["memory_limit"] == 64 << 20 and row["restarts"] == 0
    assert row["started_at"].endswith("Z") and row["ended_at"] is None
    names = [each.name for each in rows]
    assert names == sorted(names)
    with pytest.raises(UsageError, match="did you mean `containers`"):
        await list_once("container_s", environ=relay.environ)
    await relay.stop()
    with pytest.raises(Unreachable, match="no such socket"):
        await list_once("images", environ=relay.environ)


async def test_one_thing_by_its_name(feed: Feed, box: Box) -> None:
    await box.create("named", Env=["DB_PASSWORD=hunter2"])
    text = await describe_once(feed.daemon, "container", box.name("named"))
    assert "DB_PASSWORD  ******" in text
    found = json.loads(
        await describe_once(feed.daemon, "container", box.name("named"), as_json=True)
    )
    assert "DB_PASSWORD=******" in found["Config"]["Env"]
    assert kind_named("containers").inspect is not None


async def test_a_log_is_kept_as_it_was_written(feed: Feed, box: Box, tmp_path: Path) -> None:
    """Escapes, carriage returns, NULs, broken UTF-8, a line of megabytes, no newline at the end."""
    made = (
        "printf 'a\\033]0;t\\007b\\n\\r10%%\\r20%%\\r\\n\\000\\377\\n';"
        " head -c 3000000 /dev/zero | tr '\\0' x; printf '\\nend'"
    )
    key = await box.run("bad", "sh", "-c", made)
    path = tmp_path / "log"
    async with following(feed, key, path) as states:
        await soon(lambda: bool(states) and states[-1].following is Following.ENDED)
    index = TimedIndex(path)
    index.look()
    kept = b"".join(index.copy(0, index.end))
    assert kept.split(b"\n") == [
        b"a\x1b]0;t\x07b",
        b"\r10%\r20%\r",
        "\0\ufffd".encode(),  # Docker keeps text as JSON
        b"x" * 3_000_000,
        b"end",
        b"",
    ]


async def test_a_pattern_is_matched_against_what_the_container_wrote(
    docker_host: DockerHost, box: Box
) -> None:
    """`mltui logs` of two as one: the hosts' times order the lines and are no part of them."""
    first = await box.run("first", "sh", "-c", "echo one; echo two")
    await box.daemon.post(f"/containers/{first}/wait")
    second = await box.run("second", "sh", "-c", "echo one of them; echo not one")
    await box.daemon.post(f"/containers/{second}/wait")
    await box.start(first)
    await box.daemon.post(f"/containers/{first}/wait")
    names = [f"container/{box.name(name)}" for name in ("first", "second")]

    async def logs(*words: str) -> list[str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "mltui", "logs", *names, *words,
            stdout=asyncio.subprocess.PIPE, env=docker_host.environ,
        )  # fmt: skip
        out, _ = await process.communicate()
        assert process.returncode == 0
        return out.decode().splitlines()

    assert await logs("--grep", "^one", "-o", "raw") == ["one", "one of them", "one"]
    assert await logs("--grep", "one$", "-o", "raw") == ["one", "not one", "one"]
    found = json.loads("".join(await logs("--grep", "^two", "-o", "json")))
    assert [(each["container"], each["text"]) for each in found] == [(box.name("first"), "two")] * 2
    assert found[0]["time"].startswith("20")


@asynccontextmanager
async def logs_followed(
    docker_host: DockerHost, folder: Path, *words: str
) -> AsyncIterator[tuple[Path, Path, asyncio.subprocess.Process]]:
    """`mltui logs … -f`, and the files to which it writes what it prints and what it says."""
    out, err = folder / "out", folder / "err"
    with out.open("wb") as output, err.open("wb") as said:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "mltui", "logs", *words, "-f",
            stdout=output, stderr=said, env=docker_host.environ,
        )  # fmt: skip
    try:
        yield out, err, process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_container_that_is_restarted_is_followed_on_the_command_line(
    docker_host: DockerHost, box: Box, tmp_path: Path
) -> None:
    """And one that ends for good ends it."""
    key = await box.run("again", *waiting("echo begin", "echo end"))
    name = f"container/{box.name('again')}"
    async with logs_followed(docker_host, tmp_path, name) as (out, err, process):
        await soon(lambda: out.read_text() == "begin\n")
        await box.daemon.post(f"/containers/{key}/restart", {"t": "0"})
        await soon(lambda: out.read_text() == "begin\nbegin\n")
        await box.signal(key, "USR1")
        assert await asyncio.wait_for(process.wait(), SOON_S) == 0
        assert out.read_text() == "begin\nbegin\nend\n"
        assert "container restarted" in err.read_text()


async def test_containers_of_a_pattern_and_of_a_compose_project_join_and_leave(
    docker_host: DockerHost, box: Box, tmp_path: Path
) -> None:
    first = await box.run("web-1", "sh", "-c", "echo from 1; exec sleep 600")
    labels = {"com.docker.compose.project": box.prefix, "com.docker.compose.service": "db"}
    words = (f"container/{box.name('web-*')}", f"compose/{box.prefix}")
    async with logs_followed(docker_host, tmp_path, *words) as (out, err, _):
        await soon(lambda: "from 1" in out.read_text())
        await box.run("web-2", "sh", "-c", "echo from 2; exec sleep 600")
        await box.run("other", "sh", "-c", "echo not meant; exec sleep 600")
        await box.run("database", "sh", "-c", "echo from db; exec sleep 600", Labels=labels)
        await soon(lambda: "from 2" in out.read_text() and "from db" in out.read_text())
        await box.remove(first)
        await soon(lambda: f"{box.name('web-1')} left" in err.read_text())
        assert f"{box.name('web-2')} joined" in err.read_text()
        assert f"{box.name('database')} joined" in err.read_text()
        assert "not meant" not in out.read_text()


async def test_a_container_that_is_not_there(docker_host: DockerHost, box: Box) -> None:
    await box.run("web")
    for word, said in (("we", f"did you mean `container/{box.name('web')}`?"), ("we*", "there is")):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "mltui", "logs", f"container/{box.name(word)}",
            stderr=asyncio.subprocess.PIPE, env=docker_host.environ,
        )  # fmt: skip
        _, err = await process.communicate()
        if word == "we":
            assert process.returncode == 2 and said in err.decode()
        else:
            assert process.returncode == 0, err
