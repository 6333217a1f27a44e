"""An engine on a real Docker, and attempts for it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mltui.engines.docker import DockerEngine
from mltui.engines.docker.container import VIEW
from mltui.engines.protocol import Attempt, Built, Exit
from mltui.spec.model import Environment, Image, Resources, Target

if TYPE_CHECKING:
    from tests.testbed.docker import DockerHost

BASE = "debian:bookworm-slim"
IMAGE = Environment("base", image=Image(name=BASE))
WORK, METRICS = VIEW.work, VIEW.metrics


@dataclass
class Box:
    """An engine, folders for attempts, an image with a shell and Python."""

    host: DockerHost
    root: Path
    address: str | None = None
    image: str = BASE
    patience_s: float | None = None
    engine: DockerEngine = field(init=False)
    _built: Built | None = None
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.engine = self.another()

    def another(self) -> DockerEngine:
        """Another engine on the same daemon, as another process has one."""
        target = None if self.address is None else Target("t", "docker", host=self.address)
        return DockerEngine(
            target, base=BASE, environ=self.host.environ, patience_s=self.patience_s
        )

    async def built(self) -> Built:
        """The image that attempts run in."""
        if self._built is None:
            named = Environment("base", image=Image(name=self.image))
            self._built = await self.engine.built(named, self.root)
            assert self._built is not None
        return self._built

    async def attempt(
        self,
        *argv: str,
        shell: str = "",
        outputs: tuple[str, ...] = (),
        resources: Resources | None = None,
        network: bool = False,
        name: str = "",
        built: Built | None = None,
        **env: str,
    ) -> Attempt:
        """A new attempt with empty folders."""
        number = next(self._numbers)
        folder = self.root / "attempts" / str(number)
        work = folder / "work"
        work.mkdir(parents=True)
        return Attempt(
            name=name or f"test-{self.host.label}-{self.root.name}-{number}",
            labels={"mltui.project": "test", "mltui.test": self.host.label},
            argv=("sh", "-eu", "-c", shell) if shell else argv,
            env=env,
            folder=folder,
            work=work,
            built=built or await self.built(),
            resources=resources or Resources(),
            network=network,
            outputs=outputs,
        )

    async def another_find(self, attempt: Attempt) -> str | None:
        """What another process finds of an attempt."""
        engine = self.another()
        try:
            return await engine.find(attempt)
        finally:
            await engine.close()

    async def run(self, attempt: Attempt) -> Exit:
        """Start it, wait for it, clean up."""
        obj = await self.engine.start(attempt)
        try:
            return await self.engine.wait(attempt, obj)
        finally:
            await self.engine.remove(attempt, obj)


async def until(holds: Callable[[], object], limit_s: float = 180.0) -> None:
    """Wait for the outside world, by looking; fails after `limit_s`."""
    deadline = asyncio.get_running_loop().time() + limit_s
    while not holds():
        assert asyncio.get_running_loop().time() < deadline, "it did not happen in time"
        await asyncio.sleep(0.01)


def read(path: Path) -> bytes:
    """What is in a file; nothing when there is none."""
    return path.read_bytes() if path.exists() else b""
