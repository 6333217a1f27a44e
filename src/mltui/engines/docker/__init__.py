"""The Docker engine: stages in containers, environments as images."""

from mltui.engines.docker.engine import DockerEngine

__all__ = ["DockerEngine"]
