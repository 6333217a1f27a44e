"""What all tests share: in CI properties are tried on the same examples each time.

A change is judged by what it changed, not by the luck of the draw; people's own runs draw anew.
Nowhere do properties watch the clock: a busy machine is no fault of what is tested.
`make quick` tries fewer examples and leaves out what needs Docker, a cluster or real runs;
`make explore` tries many times as many, drawn anew, since CI finds nothing new.
"""

from __future__ import annotations

import gc
import os

import pytest
from hypothesis import HealthCheck, settings

_SLOW = [HealthCheck.too_slow]
settings.register_profile("people", deadline=None, suppress_health_check=_SLOW, print_blob=True)
settings.register_profile(
    "ci", deadline=None, suppress_health_check=_SLOW, derandomize=True, print_blob=True
)
_FEW = 15
_TIMES = int(os.environ.get("MLTUI_EXAMPLES", "1"))
"""So many times its usual examples are tried of each property."""
_IS_QUICK = "MLTUI_QUICK" in os.environ
settings.register_profile("quick", deadline=None, suppress_health_check=_SLOW, max_examples=_FEW)
if _IS_QUICK:
    settings.load_profile("quick")
else:
    settings.load_profile("ci" if os.environ.get("CI") and _TIMES == 1 else "people")

_SERVICES = {"docker_host", "cluster"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs a service is slow wherever it stands."""
    tried: set[object] = set()
    for item in items:
        if not isinstance(item, pytest.Function):
            continue
        if _SERVICES & set(item.fixturenames):
            item.add_marker(pytest.mark.slow)
        if item.obj not in tried:  # several items may be of one function
            tried.add(item.obj)
            _try_as_many_as_asked(item.obj)


def pytest_collection_finish() -> None:
    """In `make quick` Python looks for garbage less often: that was an eighth of what it did."""
    if _IS_QUICK:
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)


def _try_as_many_as_asked(test: object) -> None:
    """Whatever a property asks for itself: a few in `make quick`, many in `make explore`."""
    name = "_hypothesis_internal_use_settings"  # where `@settings` leaves what it was given
    wanted = getattr(test, name, None)
    if not isinstance(wanted, settings):
        return
    number = min(wanted.max_examples, _FEW) if _IS_QUICK else wanted.max_examples * _TIMES
    if number != wanted.max_examples:
        setattr(test, name, settings(wanted, max_examples=number))
