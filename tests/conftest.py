"""What all tests share: in CI properties are tried on the same examples each time.

A change is judged by what it changed, not by the luck of the draw; people's own runs draw anew.
Nowhere do properties watch the clock: a busy machine is no fault of what is tested.
`make quick` tries fewer examples and leaves out what needs Docker, a cluster or real runs.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

_SLOW = [HealthCheck.too_slow]
settings.register_profile("people", deadline=None, suppress_health_check=_SLOW)
settings.register_profile(
    "ci", deadline=None, suppress_health_check=_SLOW, derandomize=True, print_blob=True
)
settings.register_profile("quick", deadline=None, suppress_health_check=_SLOW, max_examples=15)
if "MLTUI_QUICK" in os.environ:
    settings.load_profile("quick")
else:
    settings.load_profile("ci" if os.environ.get("CI") else "people")

_SERVICES = {"docker_host", "cluster"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs a service is slow wherever it stands."""
    for item in items:
        if isinstance(item, pytest.Function) and _SERVICES & set(item.fixturenames):
            item.add_marker(pytest.mark.slow)
