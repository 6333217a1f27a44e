"""The Docker engine: stages in containers, environments as images.

`DockerEngine` is loaded when it is asked for: who only lists containers needs the client alone, and
starts in a third of the time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mltui.engines.docker.engine import DockerEngine

__all__ = ["DockerEngine"]


def __getattr__(name: str) -> object:
    if name == "DockerEngine":
        from mltui.engines.docker.engine import DockerEngine

        return DockerEngine
    raise AttributeError(name)
