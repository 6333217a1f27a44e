"""Virtual environments, built once and shared by all projects; for the process engine.

An environment lies in `environments/KEY` of the cache folder, where KEY is a hash of all that
decides what gets installed. Paths are baked into a virtual environment, so it is built in its
final place: a `built.json` in it, written last, says that it is whole. A lock file beside it
makes several builders, in any process, build it once; pip inherits the lock, so that a runner
that dies leaves no pip at work in a folder that somebody else takes.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

from mltui.engines.process import requirements
from mltui.engines.process.interpreters import Interpreter, choose
from mltui.engines.process.watch import gone
from mltui.engines.protocol import Built
from mltui.errors import BuildFailed
from mltui.spec.model import Environment

_FORMAT = 2
_MARK = "built.json"
_POLL_S = 0.05
_TAIL = 1 << 17
_LIST = """
import importlib.metadata as m, json
rows = set()
for d in m.distributions():
    name = d.metadata["Name"]
    if not name or name.lower() == "pip": continue
    url = json.loads(d.read_text("direct_url.json") or "{}")
    vcs = url.get("vcs_info", {}).get("commit_id")
    archive = url.get("archive_info", {}).get("hashes", {}).get("sha256")
    note = f" @ {vcs}" if vcs else f" @ sha256:{archive}" if archive else ""
    rows.add(f"{name}=={d.version}{note}")
print("\\n".join(sorted(rows, key=str.lower)))
"""
# virtualenv, not venv: it carries pip along, so it also works with Pythons that come without
# ensurepip (Debian's python3), and takes a second where ensurepip takes five.
_VENV = (
    sys.executable, "-m", "virtualenv", "--no-periodic-update", "--no-setuptools",
)  # fmt: skip
_PIP = (
    "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-color",
    "--progress-bar", "off",
)  # fmt: skip
_NO_REASON = re.compile(r"ERROR: (ResolutionImpossible|.*for help visit)")
_OFFLINE = re.compile(
    r"(Temporary failure in name resolution|Name or service not known|Failed to resolve"
    r"|Network is unreachable|Failed to establish a new connection)"
)


def cache_folder() -> Path:
    """`$MLTUI_CACHE`, or `mltui` under `$XDG_CACHE_HOME`, which defaults to `~/.cache`."""
    if given := os.environ.get("MLTUI_CACHE"):
        return Path(given).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "mltui"


class Environments:
    """The environments under one cache folder."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = (folder if folder is not None else cache_folder()) / "environments"

    def key(self, environment: Environment, project: Path) -> str:
        """Hash of requirements with their includes, interpreter, platform, specifier.

        BuildFailed when a file is missing or no interpreter fits.
        """
        return self._plan(environment, project)[0]

    def _plan(self, environment: Environment, project: Path) -> tuple[str, Interpreter, Path, str]:
        if environment.requirements is None:
            raise BuildFailed(
                f"environment {environment.name!r} has only an image, which processes can't run "
                "in: give it `requirements:`, or choose a target with containers"
            )
        file = project / environment.requirements
        read = requirements.read(file, project)
        interpreter = choose(environment.python)
        parts = [_FORMAT, interpreter.text, environment.python, read.texts, read.local]
        key = hashlib.sha256(json.dumps(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
        local = "".join(f"# {name} sha256:{digest}\n" for name, digest in read.local)
        return key, interpreter, file, local

    def built(self, key: str) -> Built | None:
        """The environment if it is whole."""
        location = self.folder / key
        try:
            data = json.loads((location / _MARK).read_text(encoding="utf-8"))
            resolved = data["resolved"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        # Its interpreter is a link to one that may have been removed since.
        if not isinstance(resolved, str) or not (location / "bin" / "python").exists():
            return None
        return Built(key, resolved, str(location))

    async def build(self, environment: Environment, project: Path, log: Path) -> Built:
        """Build it unless it is there; output goes to `log` as it comes.

        BuildFailed with pip's decisive line.
        """
        key, interpreter, file, local = self._plan(environment, project)
        name = environment.requirements or ""
        location = self.folder / key
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with log.open("ab", buffering=0) as output:
                async with _locked(self.folder / f"{key}.lock", output.fileno()) as lock:
                    if (found := self.built(key)) is not None:
                        return found
                    try:
                        return await self._build(
                            location, interpreter, file, name, local, project, log, lock
                        )
                    except BaseException:
                        _remove(location)
                        raise
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                reason = "the disk is full"
            raise BuildFailed(f"the environment of {name} can't be built: {reason}") from error

    async def _build(
        self,
        location: Path,
        interpreter: Interpreter,
        file: Path,
        name: str,
        local: str,
        project: Path,
        log: Path,
        lock: int,
    ) -> Built:
        _remove(location)
        with log.open("ab", buffering=0) as output:
            output.write(f"# {interpreter.text} ({interpreter.path}) in {location}\n".encode())
            start = log.stat().st_size
            venv = [*_VENV, "--app-data", str(self.folder.parent / "virtualenv")]
            venv += ["--python", interpreter.path, str(location)]
            if await _run(venv, project, output.fileno(), lock):
                raise BuildFailed(f"no virtual environment for {name}: {_decisive(log, start)}")
            python = str(location / "bin" / "python")
            if await _run([python, *_PIP, "-r", str(file)], project, output.fileno(), lock):
                raise BuildFailed(f"{name}: {_decisive(log, start)}")
        listed = location / "resolved.txt"
        with listed.open("wb", buffering=0) as output:
            if await _run([python, "-I", "-c", _LIST], project, output.fileno(), lock):
                raise BuildFailed(f"{name}: what was installed can't be listed")
        packages = listed.read_text(encoding="utf-8")
        resolved = f"# {interpreter.text}\n{local}{packages.strip()}\n"
        mark = location / f"{_MARK}.tmp"
        data = {"resolved": resolved, "requirements": name, "at": time.time()}
        mark.write_text(json.dumps(data), encoding="utf-8")
        mark.rename(location / _MARK)
        return Built(location.name, resolved, str(location))


def _remove(location: Path) -> None:
    with suppress(FileNotFoundError):
        (location / _MARK).unlink()
    shutil.rmtree(location, ignore_errors=True)


@contextlib.asynccontextmanager
async def _locked(path: Path, log: int) -> AsyncIterator[int]:
    """Hold a file lock (flock(2)) across processes; waiting is said once in the log."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        is_said = False
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not is_said:
                    os.write(log, b"# waiting: it is being built by somebody else\n")
                    is_said = True
                await asyncio.sleep(_POLL_S)
        yield fd
    finally:
        os.close(fd)


async def _run(argv: list[str], folder: Path, output: int, lock: int) -> int:
    """Run a step of a build in its own process group; its exit code.

    When cancelled, it and all it started are killed and gone before this returns.
    """
    child = _spawn(argv, folder, output, lock)
    try:
        await gone(child.pid)
    finally:
        # Not reaped yet, so the group's number is still its own. Also after an ordinary end:
        # nothing that a build script left behind goes on.
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    return child.returncode


def _spawn(argv: list[str], folder: Path, output: int, lock: int) -> subprocess.Popen[bytes]:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "__PYVENV"))}
    env.pop("VIRTUAL_ENV", None)
    env["PYTHONUNBUFFERED"] = "1"
    return subprocess.Popen(
        argv,
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
        pass_fds=(lock,),
    )


def _decisive(log: Path, start: int) -> str:
    """The line of pip's output that says why, without `ERROR:`."""
    with log.open("rb") as file:
        file.seek(max(start, log.stat().st_size - _TAIL))
        lines = file.read().decode("utf-8", "replace").splitlines()
    errors = [line.strip() for line in lines if line.lstrip().lower().startswith("error:")]
    telling = [line for line in errors if not _NO_REASON.match(line)]
    reason = (telling or errors or [line for line in lines if line.strip()] or ["no output"])[-1]
    reason = re.sub(r"^error:\s*", "", reason.strip(), flags=re.IGNORECASE)[:300]
    offline = any(_OFFLINE.search(line) for line in lines)
    return f"{reason} (the package index could not be reached)" if offline else reason
