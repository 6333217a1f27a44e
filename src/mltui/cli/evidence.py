"""What is shown of a failure besides its reason: the exception, last lines, the place in the file.

`mltui run` prints it the moment a stage fails, so that nobody has to go looking.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mltui.errors import SpecError
from mltui.logs.errors import TAIL_BYTES, exception_of, last_lines
from mltui.logs.sanitize import plain
from mltui.runs.project import SPEC_FILE, Project
from mltui.spec.model import FailureClass, Spec

LINES = 5
"""How many last lines of a log are shown."""

_WHERE: Mapping[FailureClass, tuple[str, ...]] = {
    FailureClass.MEMORY: ("resources",),
    FailureClass.TIMEOUT: ("timeout",),
    FailureClass.CONTRACT: ("outputs",),
    FailureClass.BUILD: ("environment",),
}
"""What of a stage's declaration a failure is about, where that is not its command."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found out about a failure. Empty where nothing was."""

    exception: str = ""
    last_lines: tuple[str, ...] = ()
    place: str = ""
    """`mltui.yaml:31`."""
    written: str = ""
    """What is written there."""


def read_spec(project: Project) -> Spec | None:
    """The project file as it is now; None when it is wrong."""
    try:
        return project.read_spec()
    except SpecError:
        return None


def find_evidence(log: Path | None, spec: Spec | None, stage: str, kind: FailureClass) -> Evidence:
    """Look at the end of the log, and up the stage's declaration."""
    exception = ""
    lines: tuple[str, ...] = ()
    if log is not None:
        tail = last_lines(log, 400, limit_bytes=TAIL_BYTES)
        exception = exception_of(b"\n".join(tail)) or ""
        shown = [plain(line).rstrip() for line in tail[-LINES * 4 :]]
        lines = tuple([line for line in shown if line][-LINES:])
    place, written = _declaration(spec, stage, kind)
    return Evidence(exception, lines, place, written)


def _declaration(spec: Spec | None, stage: str, kind: FailureClass) -> tuple[str, str]:
    if spec is None or stage not in spec.stages:
        return "", ""
    path: tuple[str, ...] = ("stages", stage, *_WHERE.get(kind, ("run",)))
    if path not in spec.marks:
        path = ("stages", stage, "run")
    mark = spec.mark(*path)
    lines = spec.text.split("\n")
    first, *more = [line.strip() for line in lines[mark.line - 1 : mark.line + 1]] or [""]
    if first.rstrip("+-").endswith(("|", ">")):  # the text of a block begins on the next line
        first = f"{first.rstrip('+-|>')}{more[0] if more else ''}"
    return f"{SPEC_FILE}:{mark.line}", first
