"""What all tests share: in CI properties are tried on the same examples each time.

A change is judged by what it changed, not by the luck of the draw; people's own runs draw anew.
Nowhere do properties watch the clock: a busy machine is no fault of what is tested.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_SLOW = [HealthCheck.too_slow]
settings.register_profile("people", deadline=None, suppress_health_check=_SLOW)
settings.register_profile(
    "ci", deadline=None, suppress_health_check=_SLOW, derandomize=True, print_blob=True
)
settings.load_profile("ci" if os.environ.get("CI") else "people")
