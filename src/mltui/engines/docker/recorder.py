"""Writes a build as it happens: its plain log, its steps as JSON Lines; and says why it failed.

Both builders write through this, so that a build looks the same whichever made it.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from mltui.engines.docker.dockerfile import Dockerfile, Instruction
from mltui.engines.docker.steps import FILE, BuildStep, Fault, StepState, build_line, step_line

_OUTPUT_S = 0.1
"""Output lines of a step are recorded at most so often; the log has them all."""
_MAX_CHARS = 300
_KEPT_LINES = 200
_NO_REASON = re.compile(
    r"ERROR: (ResolutionImpossible|.*for help visit|Service .* failed to build)", re.IGNORECASE
)
_TELLING = re.compile(r"\s*(error|E|fatal|fatal error)( \[[^]]*\])?: ", re.IGNORECASE)
_LAST_WORD = re.compile(r"[\w.]*(Error|Exception|Exit)(: |$)")
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]")


class Recorder:
    """One build's records. `shown` is how its Dockerfile is called to the person."""

    def __init__(self, log: Path, dockerfile: Dockerfile, shown: str) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self._log = log.open("ab", buffering=0)
        self._steps_file = (log.parent / FILE).open("ab", buffering=0)
        self._fresh_line = True
        self.dockerfile = dockerfile
        self.shown = shown
        self.steps: dict[str, BuildStep] = {}
        self._lines: dict[str, deque[str]] = {}
        self._partial: dict[str, bytes] = {}
        self._written: dict[str, float] = {}

    # --- what happens ---------------------------------------------------------------------------

    def text(self, data: bytes) -> None:
        """Add to the plain log."""
        if data:
            self._log.write(data)
            self._fresh_line = data.endswith(b"\n")

    def note(self, sentence: str) -> None:
        """Add a line of mltui's own to the log."""
        self.text((b"" if self._fresh_line else b"\n") + f"# {sentence}\n".encode())

    def build(self, **values: Any) -> None:
        """Say something of the build as a whole (fields of `BuildTree`)."""
        self._steps_file.write(build_line(**values).encode("ascii"))

    def step(self, step: BuildStep) -> None:
        """A step's newest state; the same again is not written."""
        known = self.steps.get(step.id)
        if known == step:
            return
        self.steps[step.id] = step
        self._write(step)

    def placed(self, step: BuildStep, instruction: Instruction | None) -> BuildStep:
        """The step with its place in the Dockerfile."""
        if instruction is None:
            return step
        line = instruction.line
        text = self.dockerfile.line(line).strip()[:_MAX_CHARS]
        return replace(step, file=self.shown, line=line, text=text)

    def output(self, step_id: str, data: bytes) -> None:
        """What a step printed: into the log, its last line into its record."""
        self.text(data)
        raw = self._partial.pop(step_id, b"") + data
        *lines, rest = raw.split(b"\n")
        if rest:
            self._partial[step_id] = rest[-_MAX_CHARS * 4 :]
        kept = self._lines.setdefault(step_id, deque(maxlen=_KEPT_LINES))
        for line in lines:
            if plain := _plain(line):
                kept.append(plain)
        step = self.steps.get(step_id)
        last = _plain(rest) or (kept[-1] if kept else "")
        if step is not None and last:
            step = self.steps[step_id] = replace(step, output=last[:_MAX_CHARS])
            if time.monotonic() - self._written.get(step_id, 0.0) >= _OUTPUT_S:
                self._write(step)

    def lines(self, step_id: str) -> list[str]:
        """The last lines a step printed, made plain."""
        found = list(self._lines.get(step_id, ()))
        if rest := _plain(self._partial.get(step_id, b"")):
            found.append(rest)
        return found

    def _write(self, step: BuildStep) -> None:
        self._written[step.id] = time.monotonic()
        self._steps_file.write(step_line(step).encode("ascii"))

    # --- how it ends ----------------------------------------------------------------------------

    @property
    def failed(self) -> BuildStep | None:
        """The step that failed, if one did; an image that could not be fetched only where no other
        did: a builder may not have needed it."""
        failed = [step for step in self.steps.values() if step.state is StepState.FAILED]
        own = [step for step in failed if step.line and not step.id.startswith("pull ")]
        return next(iter(own or [step for step in failed if step.line] or failed), None)

    def fault(self, message: str, *, line: int = 0) -> Fault:
        """Why it failed: `message` unless the failed step printed something that says more."""
        step = self.failed
        decisive = message
        end = None
        if step is not None:
            decisive = decisive_line(self.lines(step.id)) or step.error or message
            line = line or step.line
        found = [each for each in self.dockerfile.instructions if each.line == line]
        if found:
            end = found[0].end
        return Fault(
            decisive[:_MAX_CHARS],
            self.shown if line else "",
            line,
            tuple(self.dockerfile.excerpt(line, end)) if line else (),
        )

    def end(self, fault: Fault | None = None, *, cancelled: bool = False) -> None:
        """The build is over: what still ran has stopped, the reason stands at the log's end."""
        now = time.time()
        for step in tuple(self.steps.values()):
            if step.state is StepState.RUNNING:
                error = "cancelled" if cancelled else step.error
                state = StepState.FAILED if cancelled else StepState.PENDING
                self.step(replace(step, state=state, ended_at=now, error=error))
            else:
                self._write(step)  # its last output may not have been recorded
        values: dict[str, Any] = {"ended_at": now}
        if cancelled:
            values["cancelled"] = True
            self.note("cancelled")
        if fault is not None:
            values["fault"] = asdict(fault)
            if fault.line:
                self.note(f"failed at {fault.file}:{fault.line}: {fault.message}")
                self.text("".join(f"{line}\n" for line in fault.excerpt).encode("utf-8"))
            else:
                self.note(f"failed: {fault.message}")
            if fault.requirement_file:
                self.note(f"that is {fault.requirement_file}:{fault.requirement_line}")
        self.build(**values)

    def close(self) -> None:
        """Give back its files."""
        self._log.close()
        self._steps_file.close()


def _plain(line: bytes) -> str:
    """A line of output without escapes; of what overwrites itself, the last."""
    text = line.decode("utf-8", "replace").rstrip("\r")
    return _ESCAPES.sub("", text.rpartition("\r")[2]).strip()


def decisive_line(lines: Sequence[str]) -> str:
    """The line that says why: an error of pip, apt, a compiler; else the last one."""
    errors = [line for line in lines if _TELLING.match(line) or _LAST_WORD.match(line)]
    telling = [line for line in errors if not _NO_REASON.match(line)]
    reason = (telling or errors or [line for line in lines if line] or [""])[-1]
    return re.sub(r"^\s*error:\s*", "", reason, flags=re.IGNORECASE).strip()
