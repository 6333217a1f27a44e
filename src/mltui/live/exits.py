"""What an exit code says to a person. Pure; used by the container's row, page and sentences.

Sources: POSIX shell (126, 127, 128 + signal), `docker run` reference (125).
"""

from __future__ import annotations

import signal

_MEANINGS = {
    0: "ended well",
    1: "failed",
    2: "failed, or was called wrongly",
    125: "Docker could not run it",
    126: "its command can't be executed",
    127: "its command was not found",
}
_SIGNALS = {
    "SIGKILL": "killed",
    "SIGTERM": "stopped",
    "SIGINT": "interrupted",
    "SIGSEGV": "crashed: bad memory access",
    "SIGABRT": "crashed: aborted itself",
    "SIGBUS": "crashed: bus error",
    "SIGILL": "crashed: the processor does not know an instruction",
    "SIGFPE": "crashed: arithmetic",
    "SIGPIPE": "its reader went away",
    "SIGHUP": "hung up",
}


def exit_meaning(code: int | None, *, is_oom: bool = False) -> str:
    """`killed (SIGKILL)`, `ended well`, `out of memory`; empty when there is no code."""
    if code is None:
        return ""
    if is_oom:
        return "reached its memory limit"
    if code in _MEANINGS:
        return _MEANINGS[code]
    if 128 < code < 193:
        try:
            name = signal.Signals(code - 128).name
        except ValueError:
            return f"signal {code - 128}"
        return f"{_SIGNALS[name]} ({name})" if name in _SIGNALS else f"ended by {name}"
    return "failed"
