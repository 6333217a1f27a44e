"""Parts of a `describe` page of kinds that are no workload: what they say, in sentences. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mltui.live.cells import age
from mltui.live.kinds.kube._page import (
    Found,
    conditions,
    flat,
    part,
    seconds,
    short,
    template_sections,
)
from mltui.live.page import Line, Section, given, line, section
from mltui.live.times import read_time, timestamp

_LINES = 200
"""Lines of one value of a ConfigMap that are shown; YAML has it all."""


def autoscaler_sections(found: Found) -> Iterator[Section | None]:
    """What it scales between which bounds, and each metric beside its target."""
    spec, status = part(found, "spec"), part(found, "status")
    target = part(spec, "scaleTargetRef")
    now = {_metric_name(each): _metric(each, "current") for each in _all(status, "currentMetrics")}
    metrics = []
    for each in _all(spec, "metrics"):
        name = _metric_name(each)
        metrics.append(line(name, f"{now.get(name) or 'not known'} of {_metric(each, 'target')}"))
    yield section(
        "Scaling",
        (
            line("scales", f"{target.get('kind') or ''}/{target.get('name') or ''}"),
            line("replicas", f"{status.get('currentReplicas') or 0} now, "
                             f"{status.get('desiredReplicas') or 0} wanted, "
                             f"{spec.get('minReplicas', 1)} to {spec.get('maxReplicas')} allowed"),
            *metrics,
            given("last scaled", _ago(status.get("lastScaleTime"))),
        ),
    )  # fmt: skip
    yield conditions(found)
    yield section("Behaviour", flat(part(spec, "behavior")))


def _metric_name(metric: Mapping[str, Any]) -> str:
    kind = str(metric.get("type") or "")
    told = part(metric, kind[:1].lower() + kind[1:])
    name = told.get("name") or part(told, "metric").get("name") or kind
    on = part(told, "describedObject")
    where = f" of {on.get('kind')}/{on.get('name')}" if on else ""
    where += f" of container {told['container']}" if told.get("container") else ""
    return f"{name}{where}"


def _metric(metric: Mapping[str, Any], side: str) -> str:
    kind = str(metric.get("type") or "")
    value = part(part(metric, kind[:1].lower() + kind[1:]), side)
    said = []
    if (share := value.get("averageUtilization")) is not None:
        said.append(f"{share}% of what is requested")
    said += [f"{value['averageValue']} a pod"] if value.get("averageValue") else []
    said += [str(value["value"])] if value.get("value") else []
    return ", ".join(said)


def ingress_sections(found: Found) -> Iterator[Section | None]:
    """Which path of which host leads to which Service, and whose certificate it has."""
    spec, status = part(found, "spec"), part(found, "status")
    points = _all(part(status, "loadBalancer"), "ingress")
    paths = [
        line(f"{rule.get('host') or '*'}{each.get('path') or '/'}", _backend(part(each, "backend")))
        for rule in _all(spec, "rules")
        for each in _all(part(rule, "http"), "paths")
    ]
    yield section(
        "Ways in",
        (
            given("class", spec.get("ingressClassName")),
            line("address", ", ".join(str(p.get("ip") or p.get("hostname")) for p in points)
                 or "none yet", "" if points else "state-waiting"),
            *paths,
            given("everything else", _backend(part(spec, "defaultBackend"))),
            *(line("certificate", f"secret {each.get('secretName') or 'of the controller'} for "
                                  f"{', '.join(map(str, each.get('hosts') or ())) or 'all hosts'}")
              for each in _all(spec, "tls")),
        ),
    )  # fmt: skip


def _backend(backend: Mapping[str, Any]) -> str:
    if service := part(backend, "service"):
        port = part(service, "port")
        return f"service {service.get('name')}:{port.get('number') or port.get('name')}"
    other = part(backend, "resource")
    return f"{other.get('kind')}/{other.get('name')}" if other else ""


def claim_sections(found: Found) -> Iterator[Section | None]:
    """What it asks for and what it got."""
    spec, status = part(found, "spec"), part(found, "status")
    asked = part(part(spec, "resources"), "requests").get("storage")
    got = part(status, "capacity").get("storage")
    source = part(spec, "dataSourceRef") or part(spec, "dataSource")
    default = "the default of the cluster" if "storageClassName" not in spec else "none"
    yield section(
        "Volume",
        (
            line("phase", status.get("phase") or "Pending"),
            line("size", f"{got} of {asked} asked" if got and got != asked else got or asked),
            line("storage class", spec.get("storageClassName") or default),
            line("access", ", ".join(map(str, spec.get("accessModes") or ()))),
            given("mode", spec.get("volumeMode")),
            line("volume", spec.get("volumeName") or "none yet",
                 "" if spec.get("volumeName") else "state-waiting"),
            given("filled from", source and f"{source.get('kind')}/{source.get('name')}"),
        ),
    )  # fmt: skip
    yield conditions(found)


def cron_sections(found: Found) -> Iterator[Section | None]:
    """When it makes a Job, what becomes of the last ones, and what a Job is made of."""
    spec, status = part(found, "spec"), part(found, "status")
    zone = f" in {spec['timeZone']}" if spec.get("timeZone") else ""
    runs = ", ".join(str(each.get("name")) for each in _all(status, "active"))
    kept = (spec.get("successfulJobsHistoryLimit", 3), spec.get("failedJobsHistoryLimit", 1))
    yield section(
        "Schedule",
        (
            line("due", f"{spec.get('schedule') or ''}{zone}"),
            line("suspended", "yes", "state-paused") if spec.get("suspend") else None,
            line("last due", _ago(status.get("lastScheduleTime")) or "never"),
            given("last succeeded", _ago(status.get("lastSuccessfulTime"))),
            given("at work", runs),
            line("when one still runs", _OVERLAP.get(str(spec.get("concurrencyPolicy") or "Allow"),
                                                     str(spec.get("concurrencyPolicy")))),
            given("may be late by", seconds(spec.get("startingDeadlineSeconds"))),
            line("keeps", f"{kept[0]} that succeeded, {kept[1]} that failed"),
        ),
    )  # fmt: skip
    yield from template_sections(part(spec, "jobTemplate"))


_OVERLAP = {
    "Allow": "the next one runs beside it",
    "Forbid": "the next one is left out",
    "Replace": "the next one replaces it",
}


def role_sections(found: Found) -> Iterator[Section | None]:
    """What it lets its users do, a line for each rule."""
    lines = []
    for rule in _all(found, "rules"):
        what = ", ".join(map(str, rule.get("resources") or rule.get("nonResourceURLs") or ()))
        groups = ", ".join(str(each) for each in rule.get("apiGroups") or () if each)
        names = ", ".join(map(str, rule.get("resourceNames") or ()))
        more = (f" of {groups}" if groups else "") + (f", only {names}" if names else "")
        lines.append(line(", ".join(map(str, rule.get("verbs") or ())), f"{what}{more}"))
    yield section("It lets its users", lines or [line("", "do nothing", "dim")])


def config_sections(found: Found) -> Iterator[Section | None]:
    """Its values, each with its own lines."""
    if found.get("immutable"):
        yield section("State", [line("immutable", "it can't be changed")])
    values = part(found, "data")
    yield section("Values", (line(name, text) for name, text in _short_ones(values)))
    for name, text in values.items():
        if "\n" in str(text).strip():
            yield section(str(name), _text(str(text)))
    held = part(found, "binaryData")
    yield section(
        "Binary values", (line(name, f"{len(str(x)) * 3 // 4:,} bytes") for name, x in held.items())
    )


def _short_ones(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, text in values.items():
        if "\n" not in str(text).strip():
            yield str(name), short(str(text).strip())


def _text(text: str) -> Iterator[Line]:
    lines = text.rstrip("\n").split("\n")
    for each in lines[:_LINES]:
        yield line("", short(each) or " ")
    if len(lines) > _LINES:
        yield line("", f"{len(lines) - _LINES:,} more lines: y shows them all", "dim")


def _ago(value: Any) -> str:
    at = read_time(value)
    return f"{timestamp(at)}, {age(at)} ago" if at else ""


def _all(found: Mapping[str, Any], name: str) -> Iterable[Mapping[str, Any]]:
    """The objects of a list; what is none is left out."""
    value = found.get(name)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
