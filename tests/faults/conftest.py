"""Worlds for the fault tests: each test has its own project and ends what it started."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .harness import COUNT, World


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The small project; runners that `client` starts inherit where to count."""
    made = World.make(tmp_path)
    monkeypatch.setenv(COUNT, str(made.count))
    monkeypatch.delenv("MLTUI_CRASH_AT", raising=False)
    yield made
    made.stop()
