"""An engine on a real cluster, and attempts for it."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mltui.engines.kubernetes.engine import KubernetesEngine
from mltui.engines.protocol import Attempt, Built, Exit
from mltui.errors import Unreachable
from mltui.spec.model import Environment, Image, Pods, Resources, Target

if TYPE_CHECKING:
    from tests.testbed.cluster import Cluster

BASE = "debian:bookworm-slim"
IMAGE = Environment("base", image=Image(name=BASE))


@dataclass
class Box:
    """An engine in a namespace of its own, folders for attempts, an image with a shell."""

    cluster: Cluster
    namespace: str
    root: Path
    pods: Pods = field(default_factory=Pods)
    grace_s: float = 1.0
    engine: KubernetesEngine = field(init=False)
    _built: Built | None = None
    _numbers: itertools.count[int] = field(default_factory=itertools.count)
    mark: str = field(default_factory=lambda: uuid.uuid4().hex[:6])

    def __post_init__(self) -> None:
        self.engine = self.another()

    def another(self, pods: Pods | None = None) -> KubernetesEngine:
        """Another engine on the same namespace, as another process has one."""
        target = Target(
            "dev",
            "kubernetes",
            namespace=self.namespace,
            registry=self.cluster.need_registry(),
            pods=pods or self.pods,
        )
        return KubernetesEngine(
            target, environ=self.cluster.environ, cache=self.root / "cache", grace_s=self.grace_s
        )

    async def built(self) -> Built:
        """The image that attempts run in, in the cluster's registry."""
        if self._built is None:
            self._built = await self.engine.build(IMAGE, self.root, self.root / "build.log")
        return self._built

    async def attempt(
        self,
        *argv: str,
        shell: str = "",
        outputs: tuple[str, ...] = (),
        resources: Resources | None = None,
        timeout_s: float | None = None,
        built: Built | None = None,
        **env: str,
    ) -> Attempt:
        """A new attempt with empty folders."""
        number = next(self._numbers)
        folder = self.root / "attempts" / str(number)
        work = folder / "work"
        work.mkdir(parents=True)
        return Attempt(
            name=f"test-{self.mark}-{number}",
            labels={"mltui.project": "test", "mltui.test": self.mark, "mltui.round": "2:1"},
            argv=("sh", "-eu", "-c", shell) if shell else argv,
            env=env,
            folder=folder,
            work=work,
            built=built or await self.built(),
            resources=resources or Resources(),
            outputs=outputs,
            timeout_s=timeout_s,
        )

    async def with_image(self, attempt: Attempt, image: str) -> Attempt:
        """The same attempt in another image."""
        return replace(attempt, built=replace(await self.built(), location=image))

    async def run(self, attempt: Attempt, engine: KubernetesEngine | None = None) -> Exit:
        """Start it, wait for it, clean up."""
        engine = engine or self.engine
        obj = await engine.start(attempt)
        try:
            return await engine.wait(attempt, obj)
        finally:
            await engine.remove(attempt, obj)


async def until(holds: Callable[[], object], limit_s: float = 180.0) -> None:
    """Wait for the outside world, by looking; fails after `limit_s`."""
    deadline = asyncio.get_running_loop().time() + limit_s
    while not holds():
        assert asyncio.get_running_loop().time() < deadline, "it did not happen in time"
        await asyncio.sleep(0.05)


async def patiently(box: Box, attempt: Attempt, obj: str) -> Exit:
    """As the runner does: asks again while the engine is away."""
    while True:
        try:
            return await box.engine.wait(attempt, obj)
        except Unreachable:
            await asyncio.sleep(0.5)
