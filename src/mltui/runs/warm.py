"""A runner that gets ready while it is still being checked whether there is anything to run.

Most of the time from `mltui run` to the first stage is Python's: importing, reading the project.
The runner's share of it passes beside ours. Until it is told to begin it writes no file; when
whoever started it fails, or dies, it goes. Used by `client.submit`; the other end is `runner`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType

WHEN_TOLD = "--when-told"
"""The runner's argument for this; `begin` below is how it is told."""


class WarmRunner:
    """One runner in waiting. Use it as a context: what is not told to begin by its end goes."""

    def __init__(self, root: Path) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        with suppress(OSError):  # then `begin` says so, and it is started the ordinary way
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "mltui.runs.runner", str(root), WHEN_TOLD],
                cwd=root,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )

    def __enter__(self) -> WarmRunner:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        process = self._process
        if process is not None:
            assert process.stdin is not None
            with suppress(OSError):
                process.stdin.close()
            # Whoever outlives it has to collect it, or it stays in the process table.
            threading.Thread(target=process.wait, name="mltui-runner", daemon=True).start()

    def begin(self) -> bool:
        """Tell it that there is work; False when it is not there to hear it."""
        process = self._process
        if process is None or process.poll() is not None:
            return False
        assert process.stdin is not None
        try:
            os.write(process.stdin.fileno(), b"\n")
        except OSError:
            return False
        return True


def wait_to_begin(log: Path) -> bool:
    """In the runner: wait until it is told to begin; False when nobody will.

    From then on its output goes to `log`.
    """
    if not os.read(0, 1):
        return False
    nothing = os.open(os.devnull, os.O_RDONLY)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(output)
    return True
