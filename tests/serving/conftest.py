"""Projects with services for the tests; each ends what it started."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .place import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    # Nothing is to be installed: the person's own Python is enough.
    made = World.make(tmp_path, MLTUI_READY_S="60")
    yield made
    made.stop()
