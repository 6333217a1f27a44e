"""One `ssh -N -L` for a daemon on another machine, in place of a connection per call.

Called by `client` for `ssh://` hosts. The Docker CLI and docker-py start an ssh for every
connection; here one forwards a socket in a private folder to the daemon's, is found dead by its
exit, and is started again by the next call. It ends with the process that started it.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from mltui.engines.docker.hosts import Host
from mltui.errors import Unreachable, UsageError

REMOTE_SOCKET = "/var/run/docker.sock"
_READY_S = 20.0
_END_S = 2.0
# PR_SET_PDEATHSIG = 1: the kernel ends ssh when we are gone, however that happened (prctl(2)).
_LAUNCH = """
import ctypes, os, sys
try:
    ctypes.CDLL(None).prctl(1, 15)
except (OSError, AttributeError):
    pass
if os.getppid() == int(sys.argv[1]):
    os.execvp(sys.argv[2], sys.argv[2:])
"""
_OPTIONS = (
    "-N", "-T", "-o", "BatchMode=yes", "-o", "ExitOnForwardFailure=yes", "-o", "ConnectTimeout=10",
    "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3", "-o", "ControlPath=none",
)  # fmt: skip


class Tunnel:
    """A forward to the socket of one `ssh://user@machine:port[/path]`."""

    def __init__(self, host: Host, environ: Mapping[str, str]) -> None:
        self._host = host
        self._environ = dict(environ)
        self._argv = _command(host)
        self._folder: str | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._lock = asyncio.Lock()
        self._said = b""

    @property
    def pid(self) -> int | None:
        """Of ssh, while it runs."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def socket(self) -> str:
        """The local socket, its ssh started if it is not there. Unreachable with ssh's words."""
        async with self._lock:
            if self.pid is None or self._folder is None:
                await self._open()
            assert self._folder is not None
            return f"{self._folder}/docker.sock"

    async def _open(self) -> None:
        self._clear()
        self._folder = tempfile.mkdtemp(prefix="mltui-ssh-")
        local = f"{self._folder}/docker.sock"
        parts = urlsplit(self._host.address)
        remote = parts.path if len(parts.path) > 1 else REMOTE_SOCKET
        ssh = ["ssh", *_OPTIONS, "-L", f"{local}:{remote}", *self._argv]
        errors = Path(self._folder) / "stderr"
        try:
            with errors.open("wb") as stderr:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable, "-I", "-S", "-c", _LAUNCH, str(os.getpid()), *ssh,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=stderr,
                    env=self._environ,
                    start_new_session=True,
                )  # fmt: skip
        except OSError as error:
            raise Unreachable(f"ssh can't be started: {error}") from error
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _READY_S
        while not os.path.exists(local):  # noqa: PTH110
            if self._process.returncode is not None or loop.time() > deadline:
                said = errors.read_text(encoding="utf-8", errors="replace").strip().splitlines()
                await self.close()
                why = said[-1].strip() if said else "it does not answer"
                raise Unreachable(f"{self._host.shown} can't be reached by ssh: {why}")
            await asyncio.sleep(0.02)

    def why(self) -> str:
        """What ssh last said, for a connection that broke; empty when it said nothing."""
        if self._folder is None:
            return ""
        try:
            text = (Path(self._folder) / "stderr").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        lines = text.strip().splitlines()
        return lines[-1].strip() if lines else ""

    async def close(self) -> None:
        """End ssh; the next `socket` starts it again."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            with suppress(ProcessLookupError):
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), _END_S)
            except TimeoutError:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        self._clear()

    def _clear(self) -> None:
        folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _command(host: Host) -> list[str]:
    parts = urlsplit(host.address)
    name = parts.hostname or ""
    if not name or name.startswith("-") or (parts.username or "").startswith("-"):
        raise UsageError(f"{host.address!r} names no machine: write ssh://user@machine")
    argv = []
    try:
        if parts.port is not None:
            argv += ["-p", str(parts.port)]
    except ValueError as error:
        raise UsageError(f"{host.address!r} has a port that is not a number") from error
    if parts.username:
        argv += ["-l", parts.username]
    return [*argv, "--", name]
