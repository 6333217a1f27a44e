"""Owns stderr and the exit codes: every error a person meets is said here, once.

`cli.main` hands over what a command raised. A deliberate error is its sentence; anything else is
one sentence and the place where the trace was written.
"""

from __future__ import annotations

import os
import sys
import time

from mltui.cli.output import colour_ok, paint
from mltui.text import glyph, unicode_ok

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

DONE = 0
FAILED = 1
"""A stage failed, or there are findings."""
WRONG = 2
"""Wrong usage, or a wrong `mltui.yaml`."""
UNREACHABLE = 3
GATE = 4
"""A gate was not passed."""
INTERRUPTED = 130
"""Interrupted; the run goes on."""


def note(text: str) -> None:
    """A remark beside the data: to stderr, so that a pipe gets only what was asked for."""
    _write(text)


def warn(text: str) -> None:
    """A remark that wants attention."""
    sign = glyph("warning", unicode=unicode_ok())
    _write(_colour(f"{sign} {text}", "warn"))


def fail(text: str) -> None:
    """Why the command could not be done."""
    _write(f"{_colour('mltui:', 'bad')} {text}")


def report(error: BaseException) -> int:
    """Say an error and give the exit code."""
    from mltui.errors import MltuiError, SpecError

    if isinstance(error, SpecError):
        from mltui.cli.problems import render

        for line in render(error.problems, None, colour=colour_ok(sys.stderr)):
            _write(line)
        return error.exit_code
    if isinstance(error, MltuiError):
        fail(str(error))
        return error.exit_code
    if isinstance(error, OSError) and error.filename:
        fail(f"{_text(error.filename)}: {error.strerror or error}")
        return FAILED
    kept = _keep_trace(error)
    where = f": the trace is in {kept}" if kept else ""
    fail(f"this should not have happened ({type(error).__name__}: {error}){where}")
    return FAILED


def _text(name: object) -> str:
    return os.fsdecode(name) if isinstance(name, (str, bytes)) else str(name)


def _keep_trace(error: BaseException) -> Path | None:
    """Write the trace where it can be attached to a report; None when nothing can be written."""
    import tempfile
    import traceback
    from pathlib import Path

    from mltui import __version__

    words = [f"mltui {__version__}, Python {sys.version.split()[0]}, {sys.platform}\n"]
    words += [" ".join(sys.argv) + "\n", *traceback.format_exception(error)]
    home = os.environ.get("XDG_STATE_HOME")
    name = f"crash-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}.txt"
    folders = [Path(home) / "mltui"] if home else []
    if os.environ.get("HOME"):
        folders.append(Path.home() / ".local" / "state" / "mltui")
    for folder in (*folders, Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text("".join(words), encoding="utf-8", errors="backslashreplace")
        except OSError:
            continue
        return folder / name
    return None


def _colour(text: str, role: str) -> str:
    return paint(text, role) if colour_ok(sys.stderr) else text


def _write(text: str) -> None:
    try:
        sys.stdout.flush()  # what was printed before comes before
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except (BrokenPipeError, ValueError):
        pass
