"""`mltui open containers` shows the list before its screen is loaded, and the screen takes over."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from fcntl import ioctl
from pathlib import Path
from struct import pack
from typing import TYPE_CHECKING

import pytest

from .box import SOON_S, Box

if TYPE_CHECKING:
    from tests.testbed.docker import DockerHost

SCREEN = b"\x1b[?1003h"
"""The screen asks for the mouse as soon as it is there."""


class Opened:
    """mltui in a folder without a project, on a terminal of 200 by 60."""

    def __init__(self, folder: Path, environ: dict[str, str], *argv: str) -> None:
        self.master, self.slave = pty.openpty()
        ioctl(self.master, termios.TIOCSWINSZ, pack("HHHH", 60, 200, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mltui", *argv],
            cwd=folder, env=environ, stdin=self.slave, stdout=self.slave, stderr=self.slave,
            start_new_session=True,
        )  # fmt: skip
        self.seen = b""

    def until(self, text: bytes) -> None:
        end = time.monotonic() + SOON_S
        while text not in self.seen:
            assert time.monotonic() < end, self.seen[-2000:]
            if select.select([self.master], [], [], 0.2)[0]:
                self.seen += os.read(self.master, 65536)

    def keys(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def echoes(self) -> bool:
        """What is typed is shown by the terminal itself, as before."""
        return bool(termios.tcgetattr(self.slave)[3] & termios.ECHO)


Open = Callable[..., Opened]


@pytest.fixture
def open_it(docker_host: DockerHost, tmp_path: Path) -> Iterator[Open]:
    """Start `mltui open containers`; what is said of the environment replaces it."""
    made: list[Opened] = []
    folder = tmp_path / "elsewhere"
    folder.mkdir()

    def start(**said: str) -> Opened:
        home = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        environ = {**docker_host.environ, **home, "TERM": "xterm-256color", **said}
        made.append(Opened(folder, environ, "open", "containers"))
        return made[-1]

    yield start
    for each in made:
        if each.process.poll() is None:
            each.process.kill()
        each.process.wait(60)
        os.close(each.master)
        os.close(each.slave)


async def test_the_list_comes_before_its_screen_and_keys_typed_ahead_count(
    box: Box, open_it: Open
) -> None:
    if not box.daemon.client.host.address.startswith("unix://"):
        pytest.skip("only of a host on this machine")
    await box.run("list")
    name = box.name("list").encode()
    made = open_it()
    made.until(name)
    made.keys(b"/" + name + b"\r")
    made.until(SCREEN)
    assert made.seen.index(name) < made.seen.index(SCREEN)
    made.keys(b"d")
    made.until(b"What it is")
    made.keys(b"q")
    assert made.process.wait(SOON_S) == 0
    assert made.echoes()


def test_without_an_answer_the_screen_says_so(open_it: Open, tmp_path: Path) -> None:
    made = open_it(DOCKER_HOST=f"unix://{tmp_path}/none.sock")
    made.until(SCREEN)
    made.until(b"no answer from docker")
    made.keys(b"q")
    assert made.process.wait(SOON_S) == 0
    assert made.echoes()
