"""A shell in a pod from the app: the terminal is the shell's, then the screen is back as it was."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pyte

if TYPE_CHECKING:
    from tests.testbed.cluster import Cluster

_testbed = import_module("testbed.cluster")
cluster = _testbed.cluster
namespace = _testbed.namespace


class Screen:
    """A program on a pty, and what stands on its screen."""

    def __init__(self, argv: list[str], environ: dict[str, str], folder: Path) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 120, 0, 0))
        self.process = subprocess.Popen(
            argv, env=environ, cwd=folder, stdin=slave, stdout=slave, stderr=slave,
            start_new_session=True,
        )  # fmt: skip
        os.close(slave)
        self._screen = pyte.Screen(120, 30)
        self._stream = pyte.ByteStream(self._screen)

    @property
    def text(self) -> str:
        return "\n".join(self._screen.display)

    def until(self, pattern: str, seconds: float = 90.0) -> None:
        deadline = time.monotonic() + seconds
        while not re.search(pattern, self.text):
            assert time.monotonic() < deadline, f"{pattern} never came:\n{self.text}"
            if select.select([self.master], [], [], 0.2)[0]:
                self._stream.feed(os.read(self.master, 65536))

    def send(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def end(self) -> None:
        self.process.kill()
        self.process.wait(10)
        os.close(self.master)


def test_a_shell_in_a_pod_gives_the_screen_back(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    container = {"name": "c", "image": cluster.shell_image(), "command": ["sleep", "100000"]}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": spec}
    cluster.apply(body, namespace=namespace)
    cluster.kubectl("wait", "--for=condition=Ready", "pod/web", "-n", namespace, "--timeout=90s")
    folders = dict.fromkeys(
        ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"), str(tmp_path / "own")
    )
    environ = {**cluster.environ, **folders, "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    argv = [sys.executable, "-m", "mltui", "open", "pods", namespace]
    screen = Screen(argv, environ, tmp_path)
    try:
        screen.until(r"web .*Running")
        screen.until("s Shell")
        screen.send("s")
        screen.until("# ")
        screen.send("until stty size | grep '30 120'; do sleep 0.1; done; echo is $((40 + 2))\r")
        screen.until(r"(?m)^30 120")
        screen.until("is 42")
        screen.send("exit\r")
        screen.until(r"(?s)\A(?!.*is 42).*web .*Running")
        screen.send("d")
        screen.until("What it is")
    finally:
        screen.end()
