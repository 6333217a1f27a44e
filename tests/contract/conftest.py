"""The engines under test, each behind the same small `Place`.

Add an engine by adding a function to `PLACES`; every test that asks for `place` then runs on it.
One whose stages run elsewhere shares no folders: tests ask for `near` where they need those.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mltui.engines.process import ProcessEngine
from mltui.engines.protocol import Built

from .place import Place

if TYPE_CHECKING:
    from tests.testbed.cluster import Cluster

_testbed = import_module("testbed.cluster")
cluster = _testbed.cluster
docker_host = import_module("testbed.docker").docker_host
Request = pytest.FixtureRequest


@pytest.fixture(scope="session")
def shared_namespace(cluster: Cluster, docker_host: object) -> Iterator[str]:
    """One for most tests of a session: its store is made once."""
    with _testbed.made_namespace(cluster) as name:
        yield name


def _process(root: Path, request: Request) -> Place:
    """The first attempt of an engine has a shim."""
    return Place(ProcessEngine(root / "cache"), root)


def _kept(root: Path, request: Request) -> Place:
    """As those that follow: under the engine's keeper."""
    engine = ProcessEngine(root / "cache")

    async def prepare() -> Built | None:
        assert await engine.keep()
        return None

    return Place(engine, root, prepare=prepare)


def _kubernetes(root: Path, request: Request) -> Place:
    from .kubernetes.box import Box

    box = Box(request.getfixturevalue("cluster"), request.getfixturevalue("shared_namespace"), root)
    return Place(box.engine, root, prepare=box.built, is_near=False, many=3)


PLACES: dict[str, Callable[[Path, Request], Place]] = {
    "process": _process,
    "kept": _kept,
    "kubernetes": _kubernetes,
}


@pytest.fixture(params=list(PLACES))
async def place(request: Request, tmp_path: Path) -> AsyncIterator[Place]:
    """One engine; whatever a test leaves running is the test's failure, so it is not hidden."""
    made = PLACES[request.param](tmp_path, request)
    if made.prepare is not None:
        made.built = await made.prepare()
    yield made
    close = getattr(made.engine, "close", None)
    if close is not None:
        await close()


@pytest.fixture(params=["process", "kept"])
async def near(tmp_path: Path, request: Request) -> AsyncIterator[Place]:
    """An engine whose stages share folders with the test."""
    made = PLACES[request.param](tmp_path, request)
    if made.prepare is not None:
        await made.prepare()
    yield made
    assert isinstance(made.engine, ProcessEngine)
    await made.engine.close()
