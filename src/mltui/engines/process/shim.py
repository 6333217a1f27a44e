"""The few lines of shell around an attempt's command, and what they leave in its folder.

A runner may die at any moment while its attempts go on, so what must be known afterwards is
written by a process that belongs to the attempt: who runs it (the claim) and how it ended (the
record). Used by the process engine only.
"""

from __future__ import annotations

import functools
import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mltui.engines.process import procs
from mltui.engines.process.procs import Identity
from mltui.errors import StartFailed

CLAIM = "pid"
"""In the attempt's folder. First line: identity of the shim, or `never`; `keeper` and its identity
where one starts the command itself, whose identity is the next line. Then the record."""
_NEVER = b"never\n"
_KEEPER = b"keeper "
_CLAIM_BYTES = 4096
"""More than a claim with its record ever takes."""
NOT_CLAIMED = 121
"""What the shim exits with when it could not claim the attempt; the command did not run."""

# set -C makes `>` fail on an existing file (O_EXCL): whoever creates `pid`, this shim or a resumer
#   that must be sure that a start it knows of never happens, wins; the loser does nothing.
# The claim names the process by its number and boot alone. Its start time, which /proc/self/stat
#   has, would be read byte by byte, which takes as long as the rest of the shim; whoever finds the
#   claim adds it as long as the process is there (`Identity.found`).
# The traps let TERM reach the command (a trapped signal is reset in a child, an ignored one is
#   not) while the shim lives on to write the record.
# Standard error of the shell itself goes to /dev/null (a shell reports "Killed" there), the
#   command's to the log, where standard output goes too. The parentheses are for dash, which
#   would report with the command's redirection in force; thanks to exec they cost no process.
# The record is appended to the claim and counts only with its last line, `end`. No rename: that
#   would be another process per attempt. The claim's block is already there, so on a full disk
#   of an ordinary file system these few bytes still fit; and the shim also exits with the code.
_SCRIPT = r"""
f=$1 w=$2 b=$3; shift 3
set -C
echo "$$:0:$b" >"$f" || exit 121
set +C
trap : TERM INT HUP QUIT USR1 USR2
c=; cd -- "$w" || { c=$?; echo "mltui: cannot enter the working folder $w"; }
if [ -z "$c" ]; then (exec "$@") 2>&1; c=$?; fi
{ echo "code $c"; times; echo end; } >>"$f"
exit "$c"
"""

DEFAULTS = [
    getattr(signal, name)
    for name in ("SIGPIPE", "SIGXFSZ", "SIGINT", "SIGQUIT", "SIGHUP", "SIGTERM", "SIGCHLD")
]
"""What the runner may ignore and an attempt must not."""


@dataclass(frozen=True, slots=True)
class Record:
    """What is in a claim."""

    identity: Identity | None
    """None: a resumer claimed it, the command never ran and never will."""
    code: int | None = None
    """The command's exit code, 128 + signal when a signal ended it; None: not ended (so far)."""
    cpu_s: float | None = None
    keeper: Identity | None = None
    """Who writes the end; None: the process itself, which is the shim."""


def spawn(
    folder: Path, work: Path, boot: str, argv: tuple[str, ...], env: dict[str, str], log: str
) -> int:
    """Start the shim in a session of its own; its process number. StartFailed when it can't.

    posix_spawn, not fork: the cost doesn't grow with the runner's memory.
    """
    arguments = ["sh", "-c", _SCRIPT, "mltui", f"{folder}/{CLAIM}", str(work), boot, *argv]
    try:
        return os.posix_spawn(
            "/bin/sh",
            arguments,
            env,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (
                    os.POSIX_SPAWN_OPEN,
                    1,
                    log,
                    os.O_WRONLY | os.O_APPEND | os.O_CREAT,
                    0o666,
                ),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
                *((os.POSIX_SPAWN_CLOSE, fd) for fd in inherited()),
            ],
            setsid=True,
            setsigmask=[],
            setsigdef=DEFAULTS,
        )
    except (OSError, ValueError) as error:
        raise StartFailed(f"{argv[0]} can't be started: {_why(error, log)}") from error


@functools.cache
def inherited() -> tuple[int, ...]:
    """Descriptors that this process was given (a pipe of CI, say): not for its attempts.

    Those that Python opens are closed on exec anyway.
    """
    found = []
    with suppress(OSError):
        for name in os.listdir("/proc/self/fd"):  # noqa: PTH208
            with suppress(OSError):
                if int(name) > 2 and os.get_inheritable(int(name)):
                    found.append(int(name))
    return tuple(found)


def _why(error: OSError | ValueError, log: str) -> str:
    if isinstance(error, OSError):
        reason = (error.strerror or str(error)).lower()
        return f"{reason} (its log is {log})"
    return "its command or environment holds a NUL character"


def claim(folder: Path) -> bool:
    """Take an attempt so that it can never start; False when somebody has it already."""
    try:
        fd = os.open(folder / CLAIM, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    except FileExistsError:
        return False
    try:
        os.write(fd, _NEVER)
    finally:
        os.close(fd)
    return True


def read_record(folder: Path) -> Record | None:
    """What is known of an attempt; None while its claim is not there or not yet written."""
    data = procs.read(f"{folder}/{CLAIM}", _CLAIM_BYTES)
    if data == _NEVER:
        return Record(None)
    keeper, data = _split_keeper(data)
    first, newline, rest = data.partition(b"\n")
    if not newline:
        return None
    identity = Identity.parse(first.decode("ascii", "replace"))
    lines = rest.decode("ascii", "replace").split("\n")
    if len(lines) < 3 or lines[-2:] != ["end", ""] or not lines[0].startswith("code "):
        return Record(identity, keeper=keeper)
    cpu_s = None
    with suppress(ValueError, IndexError):
        cpu_s = sum(_seconds(text) for line in lines[1:3] for text in line.split())
    return Record(identity, int(lines[0][5:]), cpu_s, keeper)


def is_kept(folder: Path) -> bool:
    """Whether a keeper that is there has claimed an attempt: it starts it, or ends its claim."""
    keeper, _ = _split_keeper(procs.read(f"{folder}/{CLAIM}", _CLAIM_BYTES))
    return keeper is not None and keeper.is_alive


def _split_keeper(claim: bytes) -> tuple[Identity | None, bytes]:
    if not claim.startswith(_KEEPER):
        return None, claim
    first, newline, rest = claim.partition(b"\n")
    text = first.removeprefix(_KEEPER).decode("ascii", "replace")
    return (Identity.parse(text), rest) if newline else (None, b"")


def _seconds(text: str) -> float:
    """`0m1.25s`, as `times` writes it (POSIX); some locales write a comma."""
    minutes, _, seconds = text.rstrip("s").replace(",", ".").partition("m")
    return int(minutes) * 60 + float(seconds)
