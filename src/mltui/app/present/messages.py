"""What stands in place of a stage's panes when there is no run to show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mltui.app.present.entries import Entry
from mltui.app.present.facts import Facts
from mltui.app.present.line import EMPTY, Line, line, wrapped
from mltui.app.present.moment import Moment
from mltui.pipeline.rows import StageRow
from mltui.text.format import format_duration
from mltui.text.width import fit

if TYPE_CHECKING:
    from mltui.app.session import Session


def _no_project(width: int) -> list[Line]:
    text = "there is no mltui.yaml here: `mltui init` writes one, `mltui demo` shows one at work"
    keys = (("K", "what runs in your cluster"), ("C", "the containers here"), ("?", "every key"))
    return [
        *wrapped(text, width - 1, "", " "),
        EMPTY,
        *(line((f" {key}", "strong"), (f"  {what}", "")) for key, what in keys),
    ]


def first_steps(session: Session, row: StageRow | None, width: int, moment: Moment) -> list[Line]:
    """No runs yet: what the selected stage will do, and the key that begins."""
    if session.trouble:
        return wrapped(session.trouble, width - 1, "state-warning", " ")
    if session.view is None and not session.has_project:
        return _no_project(width)
    if session.view is None:
        return [line((" reading mltui.yaml…", "dim"))]
    lines = [
        line((f" {session.name} has not run yet", "strong")),
        line((" n", "strong"), (" starts a run, once you have seen", "")),
        line(("   what would run", "")),
        EMPTY,
    ]
    spec = session.spec
    stage = spec.stages.get(row.stage) if spec is not None and row is not None else None
    if stage is None or spec is None:
        return lines
    lines.append(line((f" {stage.name}", "strong")))
    if stage.environment is not None:
        lines.append(_fact("environment", stage.environment.source))
    for name, source in stage.inputs.items():
        origin = source.path or (f"{source.stage}.{source.output}" if source.stage else "")
        lines.append(_fact("reads", f"{name} from {origin or source.service}"))
    for name, output in stage.outputs.items():
        lines.append(_fact("writes", f"{name} as {output.path}"))
    if stage.gate is not None:
        lines.append(_fact("gate", stage.gate.require_text))
    templates = stage.run.templates
    text = " ".join(template.source for template in templates)
    lines.append(_fact("runs", ""))
    lines += wrapped(text, width - 1, "dim", "   ")[:8]
    return lines


def declared(entry: Entry, facts: Facts, width: int) -> list[Line]:
    """A service or a monitor: what the file says of it."""
    lines = [line((f" {entry.title}", "strong"), (f"  {entry.kind}, not deployed", "dim")), EMPTY]
    spec = facts.spec
    if spec is None:
        return lines
    if entry.kind == "service" and entry.title in spec.services:
        service = spec.services[entry.title]
        lines.append(_fact("replicas", str(service.replicas)))
        if service.port is not None:
            lines.append(_fact("port", str(service.port)))
        if service.health:
            lines.append(_fact("health", service.health))
        for name, source in service.inputs.items():
            lines.append(_fact("reads", f"{name} from {source.stage}.{source.output}"))
    elif entry.title in spec.monitors:
        monitor = spec.monitors[entry.title]
        lines.append(_fact("every", format_duration(monitor.every_s)))
        if monitor.window_s is not None:
            lines.append(_fact("window", format_duration(monitor.window_s)))
        gate = monitor.stage.gate
        if gate is not None:
            lines.append(_fact("gate", gate.require_text))
            if gate.trigger is not None:
                lines.append(_fact("otherwise", f"a run from {gate.trigger.run_from}"))
    return lines


def _fact(name: str, value: str) -> Line:
    return line((f" {fit(name, 12)}", "dim"), (value, ""))
