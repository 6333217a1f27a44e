"""What all tests share: in CI properties are tried on the same examples each time.

A change is judged by what it changed, not by the luck of the draw; people's own runs draw anew.
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("ci", derandomize=True, print_blob=True)
if os.environ.get("CI"):
    settings.load_profile("ci")
