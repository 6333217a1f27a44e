"""What the pipeline says of services and monitors: their line in the list, and their page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from mltui.app.present.line import EMPTY, Line, Part, line, wrapped
from mltui.app.present.moment import Moment, clock_time
from mltui.logs.sanitize import safe
from mltui.text.format import format_age, format_duration, format_number
from mltui.text.glyphs import glyph
from mltui.text.width import cell_width, fit

if TYPE_CHECKING:
    from mltui.serving.rows import Measurement, Version
    from mltui.serving.snapshot import Curve, MonitorView, ServiceView
    from mltui.spec.model import RunTrigger, Spec

_PLOT_LINES = 6
_MARKS = {
    "ready": ("running", "dim"),
    "starting": ("running", "state-running"),
    "replacing": ("running", "state-running"),
    "degraded": ("warning", "state-warning"),
    "failed": ("failed", "state-failed"),
    "stopping": ("waiting", "dim"),
    "stopped": ("waiting", "stale"),
    "unknown": ("unknown", "state-warning"),
}


class Status(NamedTuple):
    """A line of the list: its glyph, its role, what it says."""

    mark: str
    role: str
    note: str


def service_status(found: Sequence[ServiceView], pending: str) -> Status:
    """`2/2 ready`, of the target that needs most attention."""
    order = list(_MARKS)
    worst = max(found, key=lambda one: (one.state == "unknown", order.index(one.state.value)))
    working = [one for one in found if one.state not in ("stopped", "stopping")]
    one = worst if worst in working else (working[0] if working else worst)
    mark, role = _MARKS.get(one.state.value, ("unknown", "state-warning"))
    deployment = one.deployment
    count = f"{deployment.ready}/{deployment.replicas} "
    note = one.state.value if one.state.value in ("stopped", "failed") else count + one.state.value
    if len(working) > 1:
        note += f" +{len(working) - 1}"
    return Status(mark, role, pending or note)


def monitor_status(found: Sequence[MonitorView], now: float) -> Status:
    """`in 42m`, or what was wrong the last time."""
    one = min(found, key=lambda each: (not each.row.is_wanted, each.row.next_at))
    row = one.row
    last = one.said[0] if one.said else None
    if row.running_since is not None:
        return Status("running", "state-running", "measuring")
    if last is not None and last.run is not None and not last.outcome:
        return Status("warning", "state-warning", f"run {last.run} at work")
    if not row.is_wanted:
        return Status("waiting", "stale", "off")
    if row.cronjob and row.note:
        return Status("warning", "state-warning", "not at its times")
    due = "now" if row.next_at <= now else f"in {format_age(row.next_at - now)}"
    if last is not None and last.verdict in ("not-passed", "failed") and not last.outcome:
        return Status("warning", "state-warning", f"{last.verdict} · {due}")
    return Status("waiting", "dim", due)


# --- pages ----------------------------------------------------------------------------------


def service_page(
    found: Sequence[ServiceView], width: int, moment: Moment, spec: Spec | None = None
) -> list[Line]:
    """Everything about a service, one target below the other; first the metrics that are judged."""
    gates = {} if spec is None else {n: x.gate for n, x in spec.stages.items() if x.gate}
    judged = [f"{name}.{_main_metric(gate)}" for name, gate in reversed(gates.items())]
    lines: list[Line] = []
    for one in found:
        if lines:
            lines.append(EMPTY)
        lines += _service(one, width, moment, judged, is_alone=len(found) == 1)
    return lines


def _service(
    one: ServiceView, width: int, moment: Moment, judged: Sequence[str], *, is_alone: bool
) -> list[Line]:
    deployment, version = one.deployment, one.version
    mark, role = _MARKS.get(one.state.value, ("unknown", "state-warning"))
    state = f"{deployment.ready}/{deployment.replicas} {one.state.value}"
    lines = [
        line(
            (f" {deployment.name}", "strong"),
            (f"  {glyph(mark, unicode=moment.unicode)} {state}", role),
        )
    ]
    if one.reason:
        lines += wrapped(one.reason, width - 1, role if role != "dim" else "", "   ")
    if deployment.url is not None:
        lines += _whole_fact("answers at", deployment.url, width)
    if deployment.forward:
        lines += _whole_fact("from here", deployment.forward, width)
    if version is not None:
        of = [f"run {version.run}"] if version.run is not None else []
        parts = [str(version.number), *of, version.by, _ago(version.at, moment)]
        lines += _parts_fact("version", parts, _say(" ·", moment), width)
        lines += wrapped(version.why, width - 1, "dim", " " * 13)
        lines += _parts_fact("metrics", _metrics(version, judged), ",", width)
    lines.append(EMPTY)
    lines.append(line((" replica  state     version port  age", "section")))
    for replica in one.replicas:
        health = "" if replica.health.value == "ready" else "state-warning"
        lines.append(
            line(
                (f" {replica.number:>7}  {replica.health.value:<8}", health),
                (f"  {replica.version:>7} {replica.port or '':<5}", ""),
                (f" {_age(replica.made_at, moment):>3}", "dim"),
            )
        )
        if replica.reason:
            lines += wrapped(safe(replica.reason), width - 1, "dim", "          ")
    lines.append(EMPTY)
    if one.metrics_problem:
        lines += wrapped(safe(one.metrics_problem), width - 1, "state-warning", " ")
    shown = 3 if is_alone else 1
    for curve in [c for c in one.curves if len(set(c.values)) > 1][:shown]:
        lines += _curve(curve, width, moment)
    still = [c for c in one.curves if len(set(c.values)) == 1]
    if still and is_alone:
        lines += [
            line((f" {fit(safe(c.name), max(width - 22, 12), shorten='middle')}", "dim"),
                 (f"  {_number(c)}{' a second' if c.kind == 'rate' else ''}", ""))
            for c in still[:4]
        ]  # fmt: skip
        lines.append(EMPTY)
    return [*lines, line((" versions", "section")), *_versions(one.versions, moment)]


def _versions(found: Sequence[Version], moment: Moment) -> list[Line]:
    """A line each, no wider than it has to be: why there is one stands last."""
    cells = [
        (
            str(each.number),
            each.course.value,
            f"run {each.run}" if each.run is not None else "",
            _ago(each.at, moment),
        )
        for each in found
    ]
    sizes = [max(map(cell_width, column)) for column in zip(*cells, strict=True)]
    lines = []
    for each, (number, course, run, ago) in zip(found, cells, strict=True):
        role = "state-warning" if course == "failed" else "" if course == "serving" else "dim"
        rest = f"  {fit(run, sizes[2])}  {fit(ago, sizes[3])}  {each.why}"
        lines.append(
            line((f" {number:>{sizes[0]}}  ", ""), (fit(course, sizes[1]), role), (rest, "dim"))
        )
    return lines


def _curve(curve: Curve, width: int, moment: Moment) -> list[Line]:
    from mltui.app.widgets.curve import plot

    name = safe(curve.name)
    unit = " a second" if curve.kind == "rate" else ""
    lines = [
        line((f" {name}", ""), ("  last hour", "dim"), right=((f"{_number(curve)}{unit} ", ""),))
    ]
    drawn = plot(curve.values, max(width - 2, 10), _PLOT_LINES, unicode=moment.unicode)
    lines += [line((f" {text}", "accent")) for text in drawn[: _PLOT_LINES - 2]]
    lines.append(EMPTY)
    return lines


def _number(curve: Curve) -> str:
    return format_number(curve.values[-1])


def monitor_page(
    name: str, found: Sequence[MonitorView], spec: Spec | None, width: int, moment: Moment
) -> list[Line]:
    """Everything about a monitor: when it is due, what it said, what came of it."""
    lines: list[Line] = []
    declared = spec.monitors.get(name) if spec is not None else None
    for one in found:
        row = one.row
        status = monitor_status([one], moment.now)
        mark = glyph(status.mark, unicode=moment.unicode)
        lines.append(
            line(
                (f" {row.name}@{row.target}", "strong"),
                (f"  {mark} {_say(status.note, moment)}", status.role),
            )
        )
        if declared is not None:
            window = declared.window_s
            lines.append(_fact("every", format_duration(row.every_s)))
            if window is not None:
                said = f"{format_duration(window)}, {declared.min_rows:,} rows at least"
                lines += _whole_fact("window", said, width)
            gate = declared.stage.gate
            if gate is not None:
                lines += _whole_fact("gate", gate.require_text, width)
                if gate.trigger is not None:
                    said = f"a run from {_trigger(gate.trigger)}"
                    lines += _whole_fact("otherwise", said, width)
        if row.cronjob:
            lines += _whole_fact("cronjob", row.cronjob, width)
        if row.note:
            lines += wrapped(safe(row.note), width - 1, "state-warning", " " * 13)
        lines.append(EMPTY)
        lines += _history(
            one, _main_metric(declared.stage.gate) if declared else None, width, moment
        )
    return lines


def _trigger(trigger: RunTrigger) -> str:
    """`acquire, 1 per 24h at most`."""
    if trigger.at_most is None or trigger.per_s is None:
        return trigger.run_from
    return f"{trigger.run_from}, {trigger.at_most} per {format_duration(trigger.per_s)} at most"


def _main_metric(gate: object) -> str | None:
    from mltui.app.present.need import main_metric
    from mltui.spec.model import Gate

    return main_metric(gate) if isinstance(gate, Gate) else None


def _history(one: MonitorView, metric: str | None, width: int, moment: Moment) -> list[Line]:
    from mltui.app.widgets.curve import plot

    lines: list[Line] = []
    values = [m.metrics.get(metric) for m in reversed(one.said)] if metric else []
    known = [value for value in values if value is not None]
    if len(known) > 1:
        lines.append(line((f" {metric}", ""), right=((f"{format_number(known[-1])} ", ""),)))
        drawn = plot(values, max(width - 2, 10), _PLOT_LINES, unicode=moment.unicode)
        lines += [line((f" {text}", "accent")) for text in drawn[: _PLOT_LINES - 2]]
        lines.append(EMPTY)
    for said in one.said:
        lines += _measurement(said, width, moment)
    if not one.said:
        lines.append(line((" it has not measured yet", "dim")))
    return lines


def _measurement(said: Measurement, width: int, moment: Moment) -> list[Line]:
    bad = said.verdict in ("not-passed", "failed")
    verdict = said.verdict or "measuring"
    lines = [
        line(
            (f" {clock_time(said.at)}  ", "dim"),
            (f"{verdict:<10}", "state-warning" if bad else ""),
            (f"  {said.rows:,} rows", "dim"),
        )
    ]
    run = f"; run {said.run} started" if said.run is not None else ""
    if said.reason or run:
        lines += wrapped(safe(f"{said.reason}{run}"), width - 1, "", "           ")
    if said.outcome:
        lines += wrapped(safe(said.outcome), width - 1, "strong", "           ")
    return lines


def _metrics(version: Version, judged: Sequence[str]) -> list[str]:
    names = [n for n in version.metrics if n.rpartition(".")[2] not in ("step", "epoch")]
    first = [n for n in judged if n in names]
    chosen = [*first, *(n for n in names[::-1] if n not in first)][:3]
    return [f"{n} {format_number(version.metrics[n])}" for n in chosen]


def _age(at: float, moment: Moment) -> str:
    """The page is painted anew every half minute."""
    return "<1m" if moment.now - at < 60.0 else format_age(moment.now - at)


def _ago(at: float, moment: Moment) -> str:
    return f"{_age(at, moment)} ago"


def _say(text: str, moment: Moment) -> str:
    return text if moment.unicode else text.replace("·", "-")


def _whole_fact(name: str, value: str, width: int) -> list[Line]:
    """Over several lines rather than cut."""
    first, *rest = wrapped(value, width - 1, "", " " * 13) or [EMPTY]
    words = "".join(part[0] for part in first.left).strip()
    return [_fact(name, words), *rest]


def _parts_fact(name: str, parts: Sequence[str], between: str, width: int) -> list[Line]:
    """The same, each part of it on one line."""
    rows = [""]
    for at, part in enumerate(parts, 1):
        text = part if at == len(parts) else part + between
        if rows[-1] and cell_width(f"{rows[-1]} {text}") > width - 14:
            rows.append(text)
        else:
            rows[-1] = f"{rows[-1]} {text}".lstrip()
    return [_fact(name if not at else "", row) for at, row in enumerate(rows)]


def _fact(name: str, value: str) -> Line:
    shown: Part = (value, "")
    return line((f" {fit(name, 12)}", "dim"), shown)
