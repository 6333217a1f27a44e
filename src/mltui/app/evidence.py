"""What a failure left behind: the exception in its log, its last lines, where it is written.

Read when a failed stage is selected, at most the last 64 KiB of one file, and kept: a failed
attempt's log doesn't change.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mltui.app.present.card import Evidence
from mltui.logs.errors import exception_of, frame_of, last_lines
from mltui.logs.sanitize import plain
from mltui.pipeline.rows import StageRow
from mltui.runs.project import SPEC_FILE
from mltui.spec.choices import FailureClass

if TYPE_CHECKING:
    from mltui.spec.model import Spec

LINES = 40
"""Last lines that are looked at for the exception; the card shows as many as it has room for."""

_WRITTEN_IN = {
    FailureClass.MEMORY: "resources",
    FailureClass.TIMEOUT: "timeout",
    FailureClass.CONTRACT: "outputs",
    FailureClass.BUILD: "environment",
    FailureClass.CONFIG: "inputs",
}
"""Which part of a stage a failure of that class is about; the command otherwise."""


def read_evidence(
    file: Path | None, row: StageRow, spec: Spec | None, build: Path | None = None
) -> Evidence:
    """The evidence of a failed row with this log. Without one the reason speaks alone.

    build: the steps of the build that it failed in; they say which line of the Dockerfile.
    """
    if build is not None and row.failure is FailureClass.BUILD:
        found = _of_build(build, file)
        if found is not None:
            return found
    lines: list[bytes] = []
    if file is not None:
        try:
            lines = last_lines(file, LINES)
        except OSError:
            lines = []
    position, written = where(spec, row) if spec is not None else ("", "")
    said = [plain(each) for each in lines]
    frame = frame_of(said) if row.failure is FailureClass.PROGRAM else None
    return Evidence(
        exception=exception_of(b"\n".join(lines)) if lines else None,
        last_lines=tuple(said[-8:]),
        position=position,
        written=written,
        edit=frame,
        raised=None if frame is None else (f"{frame[0]}:{frame[1]}", _source(said, frame)),
    )


def _source(said: list[str], frame: tuple[str, int]) -> str:
    """The line of code below its frame in a traceback; empty where Python had no source."""
    mark = f'{frame[0]}", line {frame[1]},'
    at = max((n for n, text in enumerate(said) if mark in text), default=len(said))
    below = said[at + 1] if at + 1 < len(said) else ""
    return below.strip() if below.startswith("    ") else ""


def _of_build(steps: Path, log: Path | None) -> Evidence | None:
    """What a failed build says: only its last record is read, so no model of builds is needed."""
    try:
        fault = next((f for f in map(_fault, reversed(last_lines(steps, LINES))) if f), None)
    except OSError:
        return None
    if fault is None:
        return None
    file, at = str(fault.get("file") or ""), int(fault.get("line") or 0)
    excerpt = [str(text) for text in fault.get("excerpt") or ()]
    written = next((text.partition(">>>")[2].strip() for text in excerpt if ">>>" in text), "")
    place = (file, at) if file and at else None
    needs = str(fault.get("requirement_file") or "")
    if needs:
        place = (needs, max(int(fault.get("requirement_line") or 1), 1))
    lines: list[bytes] = []
    if log is not None:
        try:
            lines = last_lines(log, LINES)
        except OSError:
            lines = []
    said = [plain(each) for each in lines]
    end = next((n for n, text in enumerate(said) if text.startswith("# failed")), len(said))
    return Evidence(
        exception=plain(str(fault.get("message") or "").encode("utf-8", "replace")) or None,
        last_lines=tuple(said[:end][-8:]),
        position=f"{file}:{at}" if file and at else "",
        written=plain(written.encode("utf-8", "replace")),
        edit=place,
    )


def _fault(record: bytes) -> Mapping[str, Any] | None:
    try:
        found = json.loads(record)["build"]["fault"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def where(spec: Spec, row: StageRow) -> tuple[str, str]:
    """`mltui.yaml:31` for the part of the stage that a failure is about, and that line's text."""
    stage = spec.stages.get(row.stage)
    if stage is None:
        return "", ""
    part = _WRITTEN_IN.get(row.failure, "run") if row.failure is not None else "run"
    if ("stages", row.stage, part) not in spec.marks:
        part = "run"
    line = spec.mark("stages", row.stage, part).line
    text = spec.text.splitlines()
    written = text[line - 1].strip() if 0 < line <= len(text) else ""
    if written in (f"{part}: >-", f"{part}: |", f"{part}: >", "") or not written.startswith(part):
        # A block's value starts on the line below its key.
        written = f"{part}: {written}" if not written.startswith(part) else written
        if written.endswith((">-", "|", ">")) and line < len(text):
            written = f"{part}: {text[line].strip()}"
    return f"{SPEC_FILE}:{line}", written
