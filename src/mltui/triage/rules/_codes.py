"""What exit codes say. Sources: POSIX shell (126, 127, 128 + signal), `docker run` (125)."""

from __future__ import annotations

_MEANINGS = {
    125: "could not be run by Docker (exit code 125)",
    126: "can't be executed (exit code 126)",
    127: "was not found (exit code 127)",
    130: "was interrupted (SIGINT)",
    132: "crashed: the processor does not know an instruction (SIGILL)",
    134: "aborted itself (SIGABRT)",
    135: "crashed: bus error, often too little shared memory (SIGBUS)",
    136: "crashed: arithmetic (SIGFPE)",
    137: "was killed from outside (SIGKILL)",
    139: "crashed: it used memory that is not its own (SIGSEGV)",
    141: "lost its reader (SIGPIPE)",
    143: "was told to stop (SIGTERM)",
}


def meaning(code: int | None) -> str:
    """`was killed from outside (SIGKILL)`, `failed with exit code 3`."""
    if code is None:
        return "failed"
    if code in _MEANINGS:
        return _MEANINGS[code]
    if 128 < code < 193:
        return f"ended by signal {code - 128}"
    return f"failed with exit code {code}"
