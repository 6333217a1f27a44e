"""A real daemon behind a relay, a feed on it, and a box to make things in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from mltui.engines.docker.client import Client
from mltui.engines.docker.hosts import resolve
from mltui.live.daemon import Daemon, open_daemon
from mltui.live.feed import Feed

from .box import Box
from .relay import Relay

if TYPE_CHECKING:
    from tests.testbed.docker import DockerHost

_testbed = import_module("testbed.docker")
docker_host = _testbed.docker_host


@pytest.fixture(autouse=True)
def steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """Glyphs as on a terminal with UTF-8."""
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.delenv("MLTUI_ASCII", raising=False)


@pytest.fixture
async def box(docker_host: DockerHost) -> AsyncIterator[Box]:
    """Where tests make things; what they made is removed."""
    made = Box(open_daemon(None, docker_host.environ), docker_host.label, _testbed.BASE_IMAGE)
    try:
        yield made
    finally:
        await made.clear()
        await made.daemon.close()


@pytest.fixture
async def relay(box: Box) -> AsyncIterator[Relay]:
    """The wire to that daemon."""
    address = box.daemon.client.host.address
    if not address.startswith("unix://"):
        pytest.skip("the relay stands before a Unix socket only")
    made = Relay(address.removeprefix("unix://"))
    await made.start()
    try:
        yield made
    finally:
        await made.close()


@pytest.fixture
def patience_s() -> float:
    """How long the daemon may be silent: on a busy machine it may be for seconds."""
    return 30.0


@pytest.fixture
async def feed(relay: Relay, patience_s: float) -> AsyncIterator[Feed]:
    """A feed over that wire."""
    environ = relay.environ
    client = Client(resolve(None, environ), environ, patience_s=patience_s)
    made = Feed(Daemon(client))
    try:
        yield made
    finally:
        await made.close()
