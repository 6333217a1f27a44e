"""Parts of a `describe` page that kinds share, and those of the main kinds. Pure.

Made from the object as the API gives it, secrets already masked; `live.kube.describe` puts events
and labels around them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from mltui.live.cells import age, plain
from mltui.live.exits import exit_meaning
from mltui.live.kinds.kube._object import selector_text
from mltui.live.kinds.kube._quantity import amount
from mltui.live.page import Line, Section, given, line, section
from mltui.live.times import read_time, timestamp
from mltui.text import format_duration

Found = Mapping[str, Any]
_BAD_WHEN_TRUE = ("Pressure", "Failure", "Failed", "FailureTarget", "Unavailable", "Disruption")
_LONG = 400
"""Characters of one value that are shown; YAML has it all."""


def flat(found: Any, prefix: str = "") -> Iterator[Line]:
    """Nested values as lines, names joined by dots."""
    if isinstance(found, dict):
        for name, value in found.items():
            yield from flat(value, f"{prefix}.{name}" if prefix else str(name))
    elif isinstance(found, list) and any(isinstance(each, dict | list) for each in found):
        for index, value in enumerate(found[:50]):
            name = value.get("name") or value.get("type") if isinstance(value, dict) else None
            yield from flat(value, f"{prefix}[{name or index}]")
    elif isinstance(found, list):
        yield line(prefix, short(", ".join(map(str, found))))
    else:
        yield line(prefix, short(json.dumps(found) if isinstance(found, bool) else str(found)))


def conditions(found: Mapping[str, Any]) -> Section | None:
    """`status.conditions`, the bad ones loud."""
    lines = []
    for each in (found.get("status") or {}).get("conditions") or ():
        kind, status = str(each.get("type")), str(each.get("status"))
        is_bad = (status != "True") != kind.endswith(
            ("Pressure", "Failure", "Failed", "Unavailable")
        )
        why = ": ".join(filter(None, (each.get("reason"), each.get("message"))))
        lines.append(line(kind, f"{status}  {why}".rstrip(), "state-warning" if is_bad else ""))
    return section("Conditions", lines)


def short(text: str) -> str:
    return text if len(text) <= _LONG else f"{text[:_LONG]}… ({len(text):,} characters)"


def resources_text(found: Mapping[str, Any] | None) -> str:
    """`cpu 100m–1, memory 64Mi–512Mi`: requests and limits."""
    requests, limits = (found or {}).get("requests") or {}, (found or {}).get("limits") or {}
    parts = []
    for name in dict.fromkeys((*requests, *limits)):
        low, high = requests.get(name), limits.get(name)
        if low is not None and high is not None and amount(str(low)) != amount(str(high)):
            parts.append(f"{name} {low}–{high}")
        else:
            parts.append(f"{name} {high if high is not None else f'from {low}'}")
    return plain(", ".join(parts))


# pods


def pod_sections(found: Found) -> Iterator[Section | None]:
    """Status, containers with what they do and how they ended, conditions, volumes."""
    spec, status = part(found, "spec"), part(found, "status")
    yield section(
        "Status",
        (
            line("phase", status.get("phase") or "Unknown"),
            given(
                "why",
                ": ".join(filter(None, (status.get("reason"), status.get("message")))),
                "state-warning",
            ),
            given("node", _node(spec, status)),
            given("address", status.get("podIP")),
            given("quality of service", status.get("qosClass")),
            given("priority", spec.get("priorityClassName")),
            given("service account", spec.get("serviceAccountName")),
            line("restart policy", spec.get("restartPolicy") or "Always"),
            given("deadline", seconds(spec.get("activeDeadlineSeconds"))),
            given("grace period", seconds(spec.get("terminationGracePeriodSeconds"))),
        ),
    )
    for name, told, title in (
        ("initContainers", "initContainerStatuses", "init container"),
        ("containers", "containerStatuses", "container"),
        ("ephemeralContainers", "ephemeralContainerStatuses", "debug container"),
    ):
        states = {each.get("name"): each for each in status.get(told) or ()}
        for each in spec.get(name) or ():
            yield _container(each, states.get(each.get("name")) or {}, title)
    yield conditions(found)
    yield section("Volumes", (_volume(each) for each in spec.get("volumes") or ()))
    yield section("Where it may run", _placement(spec))


def _container(spec: Found, state: Found, title: str) -> Section | None:
    return section(
        f"{title.capitalize()} {spec.get('name')}",
        (
            line("state", *_state(part(state, "state"))),
            _last(part(state, "lastState")),
            line("ready", "yes" if state.get("ready") else "no",
                 "" if state.get("ready") else "state-waiting"),
            given("restarts", state.get("restartCount"), "state-warning"),
            line("image", spec.get("image") or ""),
            given("image id", state.get("imageID")),
            given("command", _words(spec.get("command"))),
            given("arguments", _words(spec.get("args"))),
            given("resources", resources_text(spec.get("resources"))),
            given("ports", ", ".join(map(_port, spec.get("ports") or ()))),
            *(given(f"{name} probe", _probe(spec.get(f"{name}Probe")))
              for name in ("startup", "readiness", "liveness")),
            *(line(f"env {each.get('name')}", _value(each)) for each in spec.get("env") or ()),
            *(line("env from", _source(each)) for each in spec.get("envFrom") or ()),
            *(line("mount", f"{each.get('mountPath')} from {each.get('name')}"
                            f"{', read-only' if each.get('readOnly') else ''}")
              for each in spec.get("volumeMounts") or ()),
        ),
    )  # fmt: skip


def _state(state: Found) -> tuple[str, str]:
    if running := state.get("running"):
        at = read_time(running.get("startedAt"))
        return f"running for {age(at)}, since {timestamp(at)}", ""
    if over := state.get("terminated"):
        return _over(over), "state-failed" if over.get("exitCode") else ""
    waiting = state.get("waiting") or {}
    why = ": ".join(filter(None, (waiting.get("reason"), waiting.get("message"))))
    return f"waiting {why}".rstrip(), "state-waiting"


def _over(over: Found) -> str:
    began, ended = read_time(over.get("startedAt")), read_time(over.get("finishedAt"))
    took = f" after {format_duration(ended - began)}" if began and ended else ""
    reason = str(over.get("reason") or "")
    code = int(over.get("exitCode") or 0)
    meaning = exit_meaning(code, is_oom=reason == "OOMKilled")
    said = f"ended {age(ended)} ago{took} with {code} ({reason or meaning}"
    said += f": {meaning})" if reason and meaning and code else ")"
    message = str(over.get("message") or "").strip()
    return f"{said} {short(message)}".rstrip()


def _last(state: Found) -> Line | None:
    over = state.get("terminated")
    return line("before", _over(over), "state-warning") if over else None


def _node(spec: Found, status: Found) -> str:
    name, address = spec.get("nodeName") or "", status.get("hostIP")
    return f"{name} ({address})" if name and address else str(name)


def _port(port: Found) -> str:
    name = f"{port['name']} " if port.get("name") else ""
    return f"{name}{port.get('containerPort')}/{port.get('protocol') or 'TCP'}"


def _probe(probe: Found | None) -> str:
    if not probe:
        return ""
    what = ""
    if get := probe.get("httpGet"):
        what = f"GET :{get.get('port')}{get.get('path') or '/'}"
    elif run := probe.get("exec"):
        what = _words(run.get("command"))
    elif socket := probe.get("tcpSocket"):
        what = f"connect to :{socket.get('port')}"
    elif grpc := probe.get("grpc"):
        what = f"grpc :{grpc.get('port')}"
    every, within = probe.get("periodSeconds", 10), probe.get("timeoutSeconds", 1)
    return (
        f"{what}  every {every}s, within {within}s, "
        f"gives up after {probe.get('failureThreshold', 3)}"
    )


def _value(env: Found) -> str:
    source = env.get("valueFrom")
    if not source:
        return short(str(env.get("value") or ""))
    for name, title in (("secretKeyRef", "secret"), ("configMapKeyRef", "config map")):
        if ref := source.get(name):
            return f"from key {ref.get('key')} of {title} {ref.get('name')}"
    if ref := source.get("fieldRef"):
        return f"from {ref.get('fieldPath')}"
    if ref := source.get("resourceFieldRef"):
        return f"from {ref.get('resource')}"
    return "from elsewhere"


def _source(source: Found) -> str:
    for name, title in (("secretRef", "secret"), ("configMapRef", "config map")):
        if ref := source.get(name):
            return f"all of {title} {ref.get('name')}"
    return "elsewhere"


def _volume(volume: Found) -> Line:
    name = str(volume.get("name"))
    for kind, value in volume.items():
        if kind == "name" or not isinstance(value, dict):
            continue
        said = value.get("claimName") or value.get("name") or value.get("secretName")
        said = said or value.get("path") or value.get("medium") or ""
        return line(name, f"{kind} {said}".rstrip())
    return line(name, "")


def _placement(spec: Found) -> Iterator[Line | None]:
    yield given("node selector", selector_text(spec.get("nodeSelector")))
    if spec.get("affinity"):
        yield line("affinity", ", ".join(spec["affinity"]))
    for each in spec.get("tolerations") or ():
        if str(each.get("key") or "").startswith("node.kubernetes.io/"):
            continue  # every pod has those
        value = f"={each['value']}" if each.get("value") else ""
        yield line("tolerates", f"{each.get('key') or 'everything'}{value} "
                                f"{each.get('effect') or ''}".rstrip())  # fmt: skip


# workloads, jobs, services, nodes


def template_sections(found: Found) -> Iterator[Section | None]:
    """What pods are made of."""
    spec = part(part(part(found, "spec"), "template"), "spec")
    for name in ("initContainers", "containers"):
        for each in spec.get(name) or ():
            title = "Init container" if name == "initContainers" else "Container"
            yield section(
                f"{title} {each.get('name')} of its pods",
                (
                    line("image", each.get("image") or ""),
                    given("command", _words(each.get("command"))),
                    given("arguments", _words(each.get("args"))),
                    given("resources", resources_text(each.get("resources"))),
                    given("ports", ", ".join(map(_port, each.get("ports") or ()))),
                    *(line(f"env {one.get('name')}", _value(one)) for one in each.get("env") or ()),
                ),
            )
    yield section("Volumes", (_volume(each) for each in spec.get("volumes") or ()))


def workload_sections(found: Found) -> Iterator[Section | None]:
    """Replicas and how they are replaced, conditions, the pod template."""
    spec, status = part(found, "spec"), part(found, "status")
    strategy = part(found, "spec").get("strategy") or part(found, "spec").get("updateStrategy")
    rolling = (strategy or {}).get("rollingUpdate") or {}
    how = ", ".join(f"{name} {value}" for name, value in rolling.items())
    ready = status.get("readyReplicas", status.get("numberReady", 0))
    wanted = spec.get("replicas", status.get("desiredNumberScheduled"))
    labels = (spec.get("selector") or {}).get("matchLabels")
    yield section(
        "Replicas",
        (
            line("ready", f"{ready or 0} of {wanted}"),
            given("of the newest revision", status.get("updatedReplicas")),
            given("available", status.get("availableReplicas")),
            given("not available", status.get("unavailableReplicas"), "state-warning"),
            given("replaced", f"{(strategy or {}).get('type') or ''}  {how}".strip()),
            given("selects", selector_text(labels)),
            line("paused", "yes", "state-paused") if spec.get("paused") else None,
        ),
    )
    yield conditions(found)
    yield from template_sections(found)


def job_sections(found: Found) -> Iterator[Section | None]:
    """How far it is, why it failed, the pod template."""
    spec, status = part(found, "spec"), part(found, "status")
    began, ended = read_time(status.get("startTime")), read_time(status.get("completionTime"))
    failed = next((c for c in status.get("conditions") or () if c.get("type") == "Failed"), None)
    why = f"{failed.get('reason')}: {failed.get('message')}" if failed else ""
    yield section(
        "Progress",
        (
            given("failed", why, "state-failed"),
            line("pods", f"{status.get('active') or 0} at work, {status.get('succeeded') or 0} "
                         f"succeeded, {status.get('failed') or 0} failed"),
            line("needs", f"{spec.get('completions', 1)}, {spec.get('parallelism', 1)} at a time"),
            line("tries", f"{spec.get('backoffLimit', 6)} more after the first"),
            given("deadline", seconds(spec.get("activeDeadlineSeconds"))),
            given("began", began and f"{timestamp(began)}, {age(began)} ago"),
            given("ended", ended and f"{timestamp(ended)}, after "
                                     f"{format_duration(ended - (began or ended))}"),
            line("suspended", "yes", "state-paused") if spec.get("suspend") else None,
        ),
    )  # fmt: skip
    yield conditions(found)
    yield from template_sections(found)


def service_sections(found: Found) -> Iterator[Section | None]:
    """Addresses, ports, whom it sends to."""
    spec, status = part(found, "spec"), part(found, "status")
    outside = (status.get("loadBalancer") or {}).get("ingress") or ()
    yield section(
        "Addresses",
        (
            line("type", spec.get("type") or "ClusterIP"),
            given("in the cluster", ", ".join(spec.get("clusterIPs") or ())),
            given("outside", ", ".join(str(i.get("ip") or i.get("hostname")) for i in outside)),
            given("name outside", spec.get("externalName")),
            given("session affinity", (spec.get("sessionAffinity") or "").replace("None", "")),
            *(line(f"port {p.get('name') or p.get('port')}",
                   f"{p.get('port')} to {p.get('targetPort')}/{p.get('protocol')}"
                   + (f", on nodes {p['nodePort']}" if p.get("nodePort") else ""))
              for p in spec.get("ports") or ()),
            given("sends to pods with", selector_text(spec.get("selector"))),
        ),
    )  # fmt: skip


def node_sections(found: Found) -> Iterator[Section | None]:
    """Conditions, what it has, what it is."""
    spec, status = part(found, "spec"), part(found, "status")
    yield conditions(found)
    total, usable = status.get("capacity") or {}, status.get("allocatable") or {}
    figures = [
        line(name, f"{value}, {usable.get(name, value)} for pods") for name, value in total.items()
    ]
    yield section("What it has", figures)
    yield section(
        "Restrictions",
        (
            line("cordoned", "takes no new pods", "state-paused")
            if spec.get("unschedulable") else None,
            *(line("taint", f"{t.get('key')}={t.get('value') or ''}:{t.get('effect')}",
                   "state-warning") for t in spec.get("taints") or ()),
        ),
    )  # fmt: skip
    info = status.get("nodeInfo") or {}
    yield section("System", (line(str(name), str(value)) for name, value in info.items()))
    addresses = status.get("addresses") or ()
    yield section("Addresses", (line(str(a.get("type")), a.get("address")) for a in addresses))


def part(found: Found, name: str) -> Found:
    """A nested object; empty where it is not there or no object."""
    value = found.get(name)
    return value if isinstance(value, dict) else {}


def _words(words: Any) -> str:
    return " ".join(map(str, words)) if isinstance(words, list) else ""


def seconds(value: Any) -> str:
    """`30s`; empty for None."""
    return f"{value}s" if value is not None else ""
