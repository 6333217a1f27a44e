"""The engines under test, each behind the same small `Place`.

Add an engine by adding a function to `PLACES`; every test that asks for `place` then runs on it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from mltui.engines.process import ProcessEngine

from .place import Place


async def _process(root: Path) -> Place:
    return Place(ProcessEngine(root / "cache"), root)


PLACES: dict[str, Callable[[Path], Awaitable[Place]]] = {"process": _process}


@pytest.fixture(params=list(PLACES))
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    """One engine; whatever a test leaves running is the test's failure, so it is not hidden."""
    made = await PLACES[request.param](tmp_path)
    yield made
    if isinstance(made.engine, ProcessEngine):
        await made.engine.close()
