"""Fixtures of the Docker engine's tests: a real daemon, an engine on it, trouble between them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .box import Box
from .relay import Relay

if TYPE_CHECKING:
    from tests.testbed.docker import DockerHost

_testbed = import_module("testbed.docker")
docker_host = _testbed.docker_host
buildx_host = _testbed.buildx_host
own_docker = _testbed.own_docker
ssh_host = _testbed.ssh_host


@pytest.fixture
async def box(docker_host: DockerHost, tmp_path: Path) -> AsyncIterator[Box]:
    """An engine on the machine's Docker; a container that a test leaves is the test's failure."""
    before = set(docker_host.containers())
    made = Box(docker_host, tmp_path)
    yield made
    await made.engine.close()
    left = set(docker_host.containers()) - before
    if left:
        docker_host.run("rm", "-fv", *left, check=False)
    assert not left, "containers were left"


@pytest.fixture
async def relay(docker_host: DockerHost, tmp_path: Path) -> AsyncIterator[Relay]:
    """A socket before the machine's Docker that can be cut, and hang."""
    address = docker_host.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if not address.startswith("unix://"):
        pytest.skip("the relay needs a daemon on a Unix socket")
    made = Relay(address.removeprefix("unix://"), tmp_path / "relay.sock")
    await made.open()
    yield made
    await made.close()
