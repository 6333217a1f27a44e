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
_FEW = 15
_IS_QUICK = "MLTUI_QUICK" in os.environ
settings.register_profile("quick", deadline=None, suppress_health_check=_SLOW, max_examples=_FEW)
if _IS_QUICK:
    settings.load_profile("quick")
else:
    settings.load_profile("ci" if os.environ.get("CI") else "people")

_SERVICES = {"docker_host", "cluster"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs a service is slow wherever it stands."""
    for item in items:
        if not isinstance(item, pytest.Function):
            continue
        if _SERVICES & set(item.fixturenames):
            item.add_marker(pytest.mark.slow)
        if _IS_QUICK:
            _try_fewer(item.obj)


def _try_fewer(test: object) -> None:
    """In `make quick` also a property that asks for more examples than usual gets only a few."""
    name = "_hypothesis_internal_use_settings"  # where `@settings` leaves what it was given
    wanted = getattr(test, name, None)
    if isinstance(wanted, settings) and wanted.max_examples > _FEW:
        setattr(test, name, settings(wanted, max_examples=_FEW))
