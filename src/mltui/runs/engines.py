"""Which engine stands behind a target; made when it is first needed.

Called by the runner only. An engine's module is imported here and nowhere else, so that a project
without containers never imports their clients.
"""

from __future__ import annotations

from mltui.engines.protocol import Engine
from mltui.spec.model import Target


class Engines:
    """The engines of one runner, one per place."""

    def __init__(self) -> None:
        self._made: dict[str, Engine] = {}
        self._last: tuple[Target, Engine] | None = None

    def of(self, target: Target) -> Engine:
        """The engine of a target."""
        if self._last is not None and self._last[0] is target:
            return self._last[1]
        place = repr(target)
        engine = self._made.get(place)
        if engine is None:
            engine = self._made[place] = _make(target)
        self._last = target, engine
        return engine

    async def close(self) -> None:
        """Give back what they hold; attempts go on."""
        for engine in self._made.values():
            close = getattr(engine, "close", None)
            if close is not None:
                await close()
        self._made.clear()
        self._last = None


def _make(target: Target) -> Engine:
    if target.engine == "process":
        from mltui.engines.process import ProcessEngine

        return ProcessEngine()
    if target.engine == "docker":
        from mltui.engines.docker import DockerEngine

        return DockerEngine(target)
    from mltui.engines.kubernetes.engine import KubernetesEngine

    return KubernetesEngine(target)
