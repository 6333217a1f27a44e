"""A seam for tests: the runner kills itself at a named point.

Called by the runner's modules at every boundary between the journal and the outside world. Does
nothing unless `MLTUI_CRASH_AT=point` or `point:n` (the n-th passage) is set, which only the tests
in `tests/faults` do: SIGKILL leaves no chance to tidy up, as a power cut or the kernel would.
"""

from __future__ import annotations

import os
import signal

POINTS = (
    "queued",
    "planned",
    "building",
    "built",
    "keyed",
    "starting",
    "spawned",
    "started",
    "running",
    "exited",
    "collected",
    "ended",
    "judged",
    "asked",
    "ending",
)
"""In the order in which a run passes them; what each means is said where it is called."""


def _read() -> tuple[str, int]:
    name, _, count = os.environ.get("MLTUI_CRASH_AT", "").partition(":")
    return name, int(count) if count.isdigit() else 1


_at, _left = _read()


def is_armed(name: str) -> bool:
    """Whether a test asked for a crash at this point."""
    return name == _at


def crash_point(name: str) -> None:
    """End the process here if a test asked for it."""
    global _left
    if name != _at:
        return
    _left -= 1
    if _left <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
