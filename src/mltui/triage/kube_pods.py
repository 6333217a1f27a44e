"""From the API server's JSON of a pod to the row that rules look at. Pure; see `kube_reading`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mltui.triage.kube import Condition, Owner, Pod, PodContainer
from mltui.triage.kube_values import plain, quantity, time_of

Raw = Mapping[str, Any]
_NONE: Raw = {}
_PROBES = tuple((name, f"{name}Probe") for name in ("liveness", "readiness", "startup"))


def place_of(raw: Raw) -> tuple[str, str]:
    """Namespace and name."""
    meta = raw.get("metadata") or {}
    return plain(meta.get("namespace")), plain(meta.get("name"))


def labels_of(raw: object) -> dict[str, str]:
    """Labels, safe to show."""
    if not isinstance(raw, Mapping):
        return {}
    return {plain(name): plain(value) for name, value in raw.items()}


def owner_of(raw: Raw) -> Owner:
    """What made an object and keeps it."""
    refs = (raw.get("metadata") or {}).get("ownerReferences") or ()
    chosen = next((ref for ref in refs if ref.get("controller")), next(iter(refs), None))
    return (
        Owner() if chosen is None else Owner(plain(chosen.get("kind")), plain(chosen.get("name")))
    )


def conditions_of(status: Raw, *, only_bad: bool = False) -> tuple[Condition, ...]:
    """The conditions of a status; those of pods are good when they are true."""
    return tuple(
        Condition(
            plain(each.get("type")),
            plain(each.get("status")),
            plain(each.get("reason")),
            plain(each.get("message")),
            time_of(each.get("lastTransitionTime")),
        )
        for each in status.get("conditions") or ()
        if not only_bad or each.get("status") != "True"
    )


def read_pod(raw: Raw) -> Pod:
    """A pod, with all that its containers' statuses say."""
    meta, spec, status = raw.get("metadata") or {}, raw.get("spec") or {}, raw.get("status") or {}
    states = {each.get("name"): each for each in status.get("containerStatuses") or ()}
    for each in status.get("initContainerStatuses") or ():
        states[each.get("name")] = each
    containers = [
        _container(each, states.get(each.get("name"), _NONE), is_init=True)
        for each in spec.get("initContainers") or ()
    ]
    containers += [
        _container(each, states.get(each.get("name"), _NONE), is_init=False)
        for each in spec.get("containers") or ()
    ]
    asked = [
        (each.get("resources") or {}).get("requests") or {} for each in spec.get("containers") or ()
    ]
    namespace, name = place_of(raw)
    return Pod(
        namespace=namespace,
        name=name,
        phase=plain(status.get("phase")),
        reason=plain(status.get("reason")),
        message=plain(status.get("message")),
        node=plain(spec.get("nodeName")),
        owner=owner_of(raw),
        labels=labels_of(meta.get("labels")),
        created_at=time_of(meta.get("creationTimestamp")),
        deleting_since=time_of(meta.get("deletionTimestamp")),
        grace_s=float(meta.get("deletionGracePeriodSeconds") or 30),
        finalizers=tuple(map(plain, meta.get("finalizers") or ())),
        conditions=conditions_of(status, only_bad=True),
        containers=tuple(containers),
        cpu=sum(quantity(each.get("cpu")) for each in asked),
        memory_bytes=int(sum(quantity(each.get("memory")) for each in asked)),
        claims=tuple(
            plain((each.get("persistentVolumeClaim") or {}).get("claimName"))
            for each in spec.get("volumes") or ()
            if each.get("persistentVolumeClaim")
        ),
        account=plain(spec.get("serviceAccountName")),
    )


def _container(spec: Raw, status: Raw, *, is_init: bool) -> PodContainer:
    state, inner = _state(status.get("state"))
    _, last = _state(status.get("lastState"))
    limit = quantity(((spec.get("resources") or {}).get("limits") or {}).get("memory"))
    probes = {name: _probe(spec[key]) for name, key in _PROBES if spec.get(key)}
    ports = [
        plain(word)
        for port in spec.get("ports") or ()
        for word in (port.get("name"), port.get("containerPort"))
        if word
    ]
    return PodContainer(
        name=plain(spec.get("name")),
        image=plain(spec.get("image")),
        is_init=is_init,
        state=state,
        reason=plain(inner.get("reason")),
        message=plain(inner.get("message")),
        exit_code=_code(inner),
        started_at=time_of(inner.get("startedAt")),
        ended_at=time_of(inner.get("finishedAt")),
        is_ready=bool(status.get("ready")),
        restarts=int(status.get("restartCount") or 0),
        last_reason=plain(last.get("reason")),
        last_exit_code=_code(last),
        last_message=plain(last.get("message")),
        last_ended_at=time_of(last.get("finishedAt")),
        memory_limit_bytes=int(limit) or None,
        probes=probes,
        ports=tuple(ports),
    )


def _state(raw: object) -> tuple[str, Raw]:
    if isinstance(raw, Mapping):
        for word in ("waiting", "running", "terminated"):
            if word in raw:
                return word, raw[word] or {}
    return "", {}


def _code(raw: Raw) -> int | None:
    code = raw.get("exitCode")
    return int(code) if isinstance(code, int) else None


def _probe(raw: Raw) -> str:
    """What a probe asks, in words: `http :8080/healthz`, `tcp :5432`, `exec test -f x`."""
    if http := raw.get("httpGet"):
        return plain(f"http :{http.get('port')}{http.get('path') or '/'}")
    if tcp := raw.get("tcpSocket"):
        return plain(f"tcp :{tcp.get('port')}")
    if command := (raw.get("exec") or {}).get("command"):
        return plain(f"exec {' '.join(map(str, command))}")[:120]
    if grpc := raw.get("grpc"):
        return plain(f"grpc :{grpc.get('port')}")
    return "?"
