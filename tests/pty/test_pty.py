"""The app on a real terminal: how many bytes it writes, and that nothing wedges it.

Headless tests write nothing to a terminal, so a repaint too many is only seen here.
"""

from __future__ import annotations

import base64
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyte
import pytest

from mltui.runs.lock import RunnerLock
from mltui.runs.project import Project

SPEC = """\
mltui: 1
name: real
stages:
  fetch:
    phase: data
    run: echo 1 > ${outputs.raw}
    outputs: {raw: raw.txt}
  train:
    phase: training
    inputs: {raw: fetch.raw}
    run: |
      echo "ValueError: nothing is right" >&2; exit 3
"""


class Terminal:
    """The app in a process of its own, on a pty that answers nothing."""

    def __init__(self, root: Path, environ: dict[str, str], rows: int = 24, columns: int = 80):
        self.master, slave = pty.openpty()
        self.resize(rows, columns)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mltui.app", str(root)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environ,
            start_new_session=True,
            close_fds=True,
        )
        os.close(slave)
        self.seen = b""
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds: float) -> bytes:
        """What is written within so many seconds."""
        until = time.monotonic() + seconds
        found = b""
        while (left := until - time.monotonic()) > 0:
            ready, _, _ = select.select([self.master], [], [], left)
            if not ready:
                break
            try:
                data = os.read(self.master, 65536)
            except OSError:
                break
            if not data:
                break
            found += data
        self.seen += found
        self._stream.feed(found)
        return found

    def read_until(self, text: bytes, seconds: float = 60.0) -> None:
        until = time.monotonic() + seconds
        while text not in self.seen:
            assert time.monotonic() < until, self.seen[-2000:]
            self.read(0.2)

    def sees(self, text: str, seconds: float = 60.0) -> None:
        """Until it stands on the screen."""
        until = time.monotonic() + seconds
        while text not in (shown := "\n".join(self._screen.display)):
            assert time.monotonic() < until, f"{text} never came:\n{shown}"
            self.read(0.2)

    def settle(self, silent_s: float = 1.0) -> None:
        """Until nothing was written for so long."""
        until = time.monotonic() + 60
        while written := self.read(silent_s):
            assert time.monotonic() < until, f"it writes on and on: {written[-2000:]!r}"

    def ends(self) -> int:
        """Until it has ended, reading what it still writes; its exit code."""
        until = time.monotonic() + 60
        while self.process.poll() is None:
            assert time.monotonic() < until, "it does not end"
            self.read(0.2)
        return self.process.wait()

    def send(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        os.close(self.master)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with one failed run, made without a runner of its own."""
    return finished(tmp_path, SPEC)


def until(holds: Callable[[], object], limit_s: float = 60) -> None:
    """Wait for what other processes do."""
    deadline = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def finished(root: Path, spec: str) -> Project:
    """A project with one run that has ended."""
    from mltui.runs import client
    from mltui.runs.lock import runner_status
    from mltui.runs.rows import RunRequest

    (root / "mltui.yaml").write_text(spec, encoding="utf-8")
    made = Project(root)
    client.submit(made, RunRequest())

    def is_over() -> bool:
        journal = made.journal()
        row = journal.run(1)
        journal.close()
        return row is not None and row.state.is_final and not runner_status(made).alive

    until(is_over)
    return made


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {
        **kept,
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LC_ALL": "C.UTF-8",
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }


@pytest.fixture
def terminal(project: Project, environ: dict[str, str]) -> Iterator[Terminal]:
    opened = Terminal(project.root, environ)
    yield opened
    opened.end()


def test_the_first_frame_has_the_run_in_it(terminal: Terminal) -> None:
    """Nobody looks at an empty frame first: what the journal knows is there at once."""
    terminal.read_until(b"Help")  # the last line of the first frame
    frame = terminal.seen[: terminal.seen.index(b"Help")]
    assert b"failed" in frame and b"fetch" in frame and b"train" in frame


def test_at_rest_nothing_is_written(terminal: Terminal) -> None:
    terminal.read_until(b"ValueError")
    terminal.settle(5.0)


def test_a_key_writes_little(terminal: Terminal) -> None:
    terminal.read_until(b"ValueError")
    terminal.settle(2.0)
    terminal.seen = b""
    terminal.send(b"k")
    until(lambda: terminal.read(1.0) or terminal.seen)
    terminal.settle()
    assert len(terminal.seen) < 12_000


def test_a_running_stage_costs_little(project: Project, environ: dict[str, str]) -> None:
    """A clock ticks in the header, the list and the title: a line each, once a second."""
    journal = project.journal(write=True)
    now = time.time()
    journal.append(1, [], update={"state": "running", "started_at": now, "ended_at": None})
    journal.close()
    lock = RunnerLock(project.folder)
    assert lock.take()
    opened = Terminal(project.root, environ)
    try:
        opened.read_until(b"running")
        until(lambda: 0 < len(opened.read(5.0)) < 5 * 1_200)  # once it has begun
    finally:
        opened.end()
        lock.release()


def test_a_storm_of_resizes_leaves_it_whole(terminal: Terminal) -> None:
    terminal.read_until(b"ValueError")
    for step in range(40):
        terminal.resize(10 + step % 30, 40 + (step * 7) % 120)
        os.killpg(terminal.process.pid, signal.SIGWINCH)
        terminal.read(0.02)
    terminal.resize(24, 80)
    os.killpg(terminal.process.pid, signal.SIGWINCH)
    terminal.settle()
    assert terminal.process.poll() is None
    terminal.send(b"q")
    assert terminal.ends() == 0


def test_a_dumb_terminal_is_told_what_to_do_instead(
    project: Project, environ: dict[str, str]
) -> None:
    opened = Terminal(project.root, {**environ, "TERM": "dumb"})
    try:
        opened.read_until(b"TERM=dumb")
        assert b"mltui ls stages" in opened.seen
        assert b"\x1b" not in opened.seen
        assert opened.ends() == 2
    finally:
        opened.end()


def test_a_plain_terminal_gets_only_ascii(project: Project, environ: dict[str, str]) -> None:
    opened = Terminal(project.root, {**environ, "LC_ALL": "C", "LANG": "C"})
    try:
        opened.read_until(b"ValueError")
        opened.settle()
        assert opened.seen.isascii()
        opened.send(b"q")
        assert opened.ends() == 0
    finally:
        opened.end()


HOSTILE = """\
mltui: 1
name: hostile
secrets: {KEY: {file: key.txt}}
stages:
  train:
    phase: training
    secrets: [KEY]
    run: |
      printf '\\033]52;c;RVZJTA==\\007\\033[2J\\033[31mred\\033[0m line\\n'
      echo "the key is $(cat $MLTUI_SECRET_KEY)"
      printf '10%%\\r99%%\\r\\nlast line\\n'
"""


def test_what_is_taken_away_from_a_log_is_text_without_secrets(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    """Copied: what is read. Saved and paged: what was written. The program's sequences: nowhere."""
    (tmp_path / "key.txt").write_text("hunter2-hunter2-hunter2")
    pager = tmp_path / "pager"
    pager.write_text(f'#!/bin/sh\ncat "$1" > {tmp_path}/paged\n')
    pager.chmod(0o755)
    made = finished(tmp_path, HOSTILE)
    opened = Terminal(made.root, {**environ, "PAGER": str(pager)})

    def copied(keys: bytes) -> str:
        """What a terminal is given for its clipboard."""
        opened.seen = b""
        opened.send(keys)
        whole = re.compile(rb"\x1b\]52;c;([^\x07]*)\x07")
        until(lambda: opened.read(0.2) and whole.search(opened.seen))
        found = whole.search(opened.seen)
        assert found is not None
        return base64.b64decode(found[1]).decode()

    try:
        opened.sees("last line")
        opened.send(b"l")
        opened.sees("Next error")  # the log has the keys
        opened.settle()
        assert b"RVZJTA" not in opened.seen and b"hunter2" not in opened.seen
        key_line = "the key is " + "*" * 23
        page = copied(b"c")
        assert [line.rstrip() for line in page.splitlines()] == [
            "red line", key_line, "99%", "last line",
        ]  # fmt: skip
        assert copied(b"vjc").splitlines() == ["red line", key_line]
        assert copied(b"L").startswith("mltui logs train")
        raw = b"\x1b]52;c;RVZJTA==\x07\x1b[2J\x1b[31mred\x1b[0m line\n"
        raw += key_line.encode() + b"\n10%\r99%\r\nlast line\n"
        opened.send(b"\x13")
        opened.sees(".log")  # the line that is typed into has the keys
        opened.send(b"\x15")
        opened.send(str(tmp_path / "saved").encode() + b"\r")
        until(lambda: (tmp_path / "saved").exists() and (tmp_path / "saved").read_bytes() == raw)
        opened.send(b"o")
        until(lambda: (tmp_path / "paged").exists() and (tmp_path / "paged").read_bytes() == raw)
    finally:
        opened.end()


def test_a_kill_leaves_the_project_as_it_was(project: Project, environ: dict[str, str]) -> None:
    opened = Terminal(project.root, environ)
    opened.read_until(b"ValueError")
    opened.process.kill()
    opened.end()
    journal = project.journal()
    row = journal.run(1)
    journal.close()
    assert row is not None and row.state.value == "failed"


def test_it_ends_with_its_terminal(project: Project, environ: dict[str, str]) -> None:
    """The terminal here is not the controlling one, so that no signal tells of its end."""
    opened = Terminal(project.root, environ)
    opened.read_until(b"ValueError")
    os.close(opened.master)
    assert opened.process.wait(60) == 129


def test_a_folder_without_a_project_is_a_clear_sentence(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mltui.app", str(tmp_path)],
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2
    assert "mltui init" in done.stderr and "mltui demo" in done.stderr
