"""One engine under test, and what the tests of this folder need of it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from mltui.engines.process.procs import Identity
from mltui.engines.protocol import Attempt, Built, Engine, Exit
from mltui.spec.model import Resources


@dataclass
class Place:
    """An engine, an environment with a shell and Python in it, and folders for attempts."""

    engine: Engine
    root: Path
    built: Built | None = None
    prepare: Callable[[], Awaitable[Built | None]] | None = None
    """Makes `built`, where stages need an image, and whatever else is to be there."""
    is_near: bool = True
    many: int = 20
    slack_s: float = 60.0
    """How long things may take beyond what they are."""
    python: str = "python3"
    env: dict[str, str] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def attempt(self, *argv: str, shell: str = "", **env: str) -> Attempt:
        """A new attempt with empty folders; its name is free on the engine."""
        folder = self.root / "attempts" / str(next(self._numbers))
        work = folder / "work"
        work.mkdir(parents=True)
        return Attempt(
            name=f"mltui-test-{self.root.name}-{folder.name}".lower().replace("_", "-"),
            labels={"mltui.project": "test"},
            argv=("sh", "-eu", "-c", shell) if shell else argv,
            env={**self.env, **env},
            folder=folder,
            work=work,
            built=self.built,
            resources=Resources(),
            outputs=("o.txt",),
        )

    async def run(self, attempt: Attempt) -> Exit:
        """Start it, wait for it, clean up."""
        obj = await self.engine.start(attempt)
        try:
            return await self.engine.wait(attempt, obj)
        finally:
            await self.engine.remove(attempt, obj)


def is_same(found: str | None, obj: str) -> bool:
    """Whether two names are of one object. Of a process that is gone nobody knows when it began."""
    if found is None or found == obj:
        return found == obj
    return Identity.parse(found).is_same(Identity.parse(obj))


def is_alive(pid: int) -> bool:
    """Whether a process is there; one that only waits to be collected is not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


async def until(holds: Callable[[], object], limit_s: float = 180.0) -> None:
    """Wait for the outside world, by looking; fails after `limit_s`."""
    deadline = asyncio.get_running_loop().time() + limit_s
    while not holds():
        assert asyncio.get_running_loop().time() < deadline, "it did not happen in time"
        await asyncio.sleep(0.01)
