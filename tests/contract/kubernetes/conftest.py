"""Fixtures of the Kubernetes engine's tests: a real cluster, a namespace to work in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .box import Box

if TYPE_CHECKING:
    from tests.testbed.cluster import Cluster

namespace = import_module("testbed.cluster").namespace


@pytest.fixture
async def box(cluster: Cluster, shared_namespace: str, tmp_path: Path) -> AsyncIterator[Box]:
    """An engine on the cluster; a Job that a test leaves is the test's failure."""
    made = Box(cluster, shared_namespace, tmp_path)
    yield made
    await made.engine.close()
    query = ("jobs", "-n", shared_namespace, "-o", "name", "--selector")
    left = cluster.kubectl("get", *query, f"mltui.project=test,mltui.test={made.mark}")
    assert not left, "Jobs were left"
