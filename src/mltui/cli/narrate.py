"""A run told in plain lines, one a change of state: what `mltui run` and `attach` print.

Events in, lines out; the only thing read besides is the log of what failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mltui import text
from mltui.cli import words
from mltui.cli.evidence import find_evidence, read_spec
from mltui.cli.output import Output
from mltui.pipeline.model import (
    AttemptEnded,
    AttemptStarted,
    AttemptUnknown,
    AttemptWaiting,
    Event,
    GateJudged,
    RunCancelled,
    RunPlanned,
    StageBuilding,
    StageCached,
    StageExpanded,
    StageFailed,
    StageKeyed,
    StageRetried,
    StageStale,
    StageWaiting,
)
from mltui.pipeline.rows import Failure, Instance, Verdict, attempt_label, attempt_slug
from mltui.runs.project import Project
from mltui.spec.model import Spec

_INDENT = " " * 10


class Narrator:
    """Tells one run. Keeps what a later line needs of earlier events."""

    UNTOLD = frozenset({"attempt.starting"})
    """Events, by the names that the journal has for them, of which nothing is ever told."""

    def __init__(self, project: Project, run: int, out: Output) -> None:
        self._project = project
        self._run = run
        self._out = out
        self._spec: Spec | None = read_spec(project)
        self._begin: float | None = None
        self._because: dict[tuple[Instance, int], str] = {}
        self._started: dict[tuple[Instance, int], float] = {}
        names = self._spec.stages if self._spec is not None else ()
        self._width = max(12, min(28, max((len(name) for name in names), default=0) + 4))

    def tell(self, event: Event) -> list[str]:
        """The lines of one event; none for what only mltui itself cares about."""
        if self._begin is None:
            self._begin = event.at
        match event:
            case RunPlanned():
                return self._planned(event)
            case StageExpanded():
                items = ", ".join(event.items[:8]) + (", …" if len(event.items) > 8 else "")
                said = f"{words.count(len(event.items), 'item')}{': ' + items if items else ''}"
                return [self._line(event.at, "pending", event.instance.label, said)]
            case StageBuilding():
                said = f"building environment {event.environment}"
                return [self._line(event.at, "building", event.instance.label, said)]
            case StageWaiting():
                said = f"waits: {event.reason}; it goes on by itself"
                return [self._line(event.at, "warning", event.instance.label, said)]
            case StageKeyed():
                self._because[event.instance, event.attempt] = event.because
                return []
            case StageCached():
                said = f"cached, from {event.source}{_metrics(event.metrics)}"
                return [self._line(event.at, "cached", event.instance.label, said)]
            case AttemptStarted():
                return [self._attempt_started(event)]
            case AttemptUnknown():
                label = _label(event.instance, event.attempt)
                return [self._line(event.at, "unknown", label, f"unknown: {event.reason}")]
            case AttemptWaiting():
                label = _label(event.instance, event.attempt)
                said = f"waits: {event.reason}" if event.reason else "waits no more"
                return [self._line(event.at, "running", label, said)]
            case AttemptEnded():
                return self._attempt_ended(event)
            case StageFailed():
                label = _label(event.instance, event.attempt)
                return self._failed(event.at, label, event.instance, None, event.failure, "")
            case GateJudged():
                return [self._judged(event)]
            case StageRetried():
                by = f" by {event.by}" if event.by else ""
                said = f"another attempt was asked for{by}"
                return [self._line(event.at, "pending", event.instance.label, said)]
            case StageStale():
                said = f"kept, though its key would differ now: {event.because}"
                return [self._line(event.at, "warning", event.instance.label, said)]
            case RunCancelled():
                label = event.instance.label if event.instance is not None else "run"
                by = f" by {event.by}" if event.by else ""
                return [self._line(event.at, "cancelled", label, f"cancelled{by}")]
            case _:
                return []

    def _line(self, at: float, state: str, label: str, said: str) -> str:
        elapsed = text.format_clock(at - self._begin) if self._begin is not None else ""
        glyph = self._out.state(state, self._out.glyph(state))
        padded = text.fit(label, max(self._width, text.cell_width(label)))
        clock = self._out.paint(elapsed.rjust(7), "dim")
        first = text.cell_width(padded) + 13  # clock, glyph and the blanks between
        body = words.wrapped(self._out.say(said), self._out.width, first, len(_INDENT))
        return f"{clock}  {glyph} {padded}  {body}".rstrip()

    def _more(self, said: str, role: str | None = None) -> str:
        said = self._out.say(said)
        return _INDENT + (self._out.paint(said, role) if role is not None else said)

    def _planned(self, event: RunPlanned) -> list[str]:
        what = f"{', '.join(event.stages)} and what they need" if event.stages else "all stages"
        sets = "".join(f", {name}={value}" for name, value in event.overrides.items())
        again = ", from " + ", ".join(event.start_from) if event.start_from else ""
        said = f"{what}{again}{sets} on target {event.target}"
        return [self._line(event.at, "pending", f"run {self._run}", said)]

    def _attempt_started(self, event: AttemptStarted) -> str:
        key = (event.instance, event.attempt)
        self._started[key] = event.at
        because = self._because.pop(key, "")
        said = "running" + (f": {because}" if because else "")
        return self._line(event.at, "running", _label(*key), said)

    def _attempt_ended(self, event: AttemptEnded) -> list[str]:
        key = (event.instance, event.attempt)
        begun = self._started.pop(key, None)
        took = text.format_duration(event.at - begun) if begun is not None else ""
        label = _label(*key)
        if event.failure is None:
            said = f"succeeded  {took}{_metrics(event.metrics)}"
            return [self._line(event.at, "succeeded", label, said)]
        if event.failure.kind.value == "cancelled":
            said = f"cancelled  {took}  {event.failure.message}"
            return [self._line(event.at, "cancelled", label, said)]
        folder = self._project.run_folder(self._run) / attempt_slug(*key)
        return self._failed(event.at, label, event.instance, folder, event.failure, took)

    def _failed(
        self,
        at: float,
        label: str,
        instance: Instance,
        folder: Path | None,
        failure: Failure,
        took: str,
    ) -> list[str]:
        after = f" after {took}" if took else ""
        said = f"failed{after}  {failure.kind.value}: {failure.message}"
        lines = [self._line(at, "failed", label, said)]
        log = folder / "log" if folder is not None else None
        found = find_evidence(log, self._spec, instance.stage, failure.kind)
        if found.exception and found.exception not in failure.message:
            lines.append(self._more(found.exception, "bad"))
        if found.place:
            lines.append(self._more(f"{found.place}  {found.written}"))
        bar = "│" if self._out.has_unicode else "|"
        lines += [self._more(f"{bar} {line}", "dim") for line in found.last_lines]
        return lines

    def _judged(self, event: GateJudged) -> str:
        label = event.instance.label
        by = "" if event.by == "gate" else f" ({event.by} decided)"
        reason = f": {event.reason}" if event.reason else ""
        if event.action == "accept":
            state = "succeeded" if event.verdict is Verdict.PASSED else "warning"
            if event.verdict is Verdict.PASSED and event.accepted in (None, event.instance.round):
                said = "gate passed"
            else:
                said = f"gate accepts round {event.accepted}{reason}"
            return self._line(event.at, state, label, said + by)
        word = "not measured" if event.verdict is Verdict.UNMEASURED else "not passed"
        if event.action == "again":
            state, then = "pending", f"round {event.instance.round + 1} follows"
        elif event.action == "pause":
            state, then = "paused", "a person decides"
        else:
            state, then = "failed", "the pipeline stops here"
        return self._line(event.at, state, label, f"gate {word}{reason}; {then}{by}")


def _label(instance: Instance, attempt: int) -> str:
    """The attempt is named only where there was more than one."""
    return attempt_label(instance, attempt) if attempt > 1 else instance.label


def _metrics(metrics: Mapping[str, float]) -> str:
    said = words.metrics(metrics, 6)
    return f"  {said}" if said else ""
