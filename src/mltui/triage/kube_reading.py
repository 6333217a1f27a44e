"""From the API server's JSON to the rows that rules look at. Pure.

Fed by `live.kube_facts` and by `kubectl get … -o json`. Names and messages are other people's text
and are made safe here. Source: Kubernetes API reference, core/v1, apps/v1, batch/v1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from mltui.triage.kube import (
    Claim,
    Condition,
    Event,
    KubeFacts,
    Leaving,
    Node,
    Owner,
    Pod,
    PodContainer,
    Scaler,
    Service,
    ServicePort,
    StorageClass,
    Workload,
)
from mltui.triage.kube_values import plain, quantity, time_of

Raw = Mapping[str, Any]
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job")


def read_objects(items: Iterable[Raw], cluster: str = "") -> KubeFacts:
    """All rows of a list of objects of any kinds; kinds that no rule knows are only looked at
    for whether they can't be deleted."""
    found: dict[str, list[Any]] = {}
    endpoints: dict[tuple[str, str], tuple[int, int]] = {}
    for raw in items:
        kind = str(raw.get("kind") or "")
        if kind == "EndpointSlice":
            _add_slice(endpoints, raw)
            continue
        if kind == "Endpoints":
            endpoints.setdefault(_place(raw), _addresses(raw))
            continue
        reader = _READERS.get(kind)
        if reader is not None:
            name, read = reader
            found.setdefault(name, []).append(read(raw))
        if kind != "Pod" and (leaving := _leaving(raw)) is not None:
            found.setdefault("leaving", []).append(leaving)
    services = [
        _with_addresses(each, endpoints, known=bool(endpoints))
        for each in found.pop("services", ())
    ]
    classes = found.pop("classes", None)
    rest = {name: tuple(rows) for name, rows in found.items()}
    return KubeFacts(
        cluster=cluster,
        services=tuple(services),
        classes=None if classes is None else tuple(classes),
        **rest,
    )


def _place(raw: Raw) -> tuple[str, str]:
    meta = raw.get("metadata") or {}
    return plain(meta.get("namespace")), plain(meta.get("name"))


def _labels(raw: object) -> dict[str, str]:
    if not isinstance(raw, Mapping):
        return {}
    return {plain(name): plain(value) for name, value in raw.items()}


def _owner(raw: Raw) -> Owner:
    refs = (raw.get("metadata") or {}).get("ownerReferences") or ()
    chosen = next((ref for ref in refs if ref.get("controller")), next(iter(refs), None))
    return (
        Owner() if chosen is None else Owner(plain(chosen.get("kind")), plain(chosen.get("name")))
    )


def _conditions(status: Raw) -> tuple[Condition, ...]:
    return tuple(
        Condition(
            plain(each.get("type")),
            plain(each.get("status")),
            plain(each.get("reason")),
            plain(each.get("message")),
            time_of(each.get("lastTransitionTime")),
        )
        for each in status.get("conditions") or ()
    )


def _leaving(raw: Raw) -> Leaving | None:
    meta = raw.get("metadata") or {}
    since = time_of(meta.get("deletionTimestamp"))
    if since is None:
        return None
    spec, status = raw.get("spec") or {}, raw.get("status") or {}
    finalizers = [*(meta.get("finalizers") or ())]
    if isinstance(spec, Mapping):
        finalizers += [x for x in spec.get("finalizers") or () if isinstance(x, str)]
    messages = [
        each.message
        for each in _conditions(status if isinstance(status, Mapping) else {})
        if each.status == "True" and each.message
    ]
    namespace, name = _place(raw)
    return Leaving(
        plain(raw.get("kind")),
        namespace,
        name,
        since,
        tuple(map(plain, finalizers)),
        "; ".join(messages),
    )


# --- pods -----------------------------------------------------------------------------------------


def read_pod(raw: Raw) -> Pod:
    """A pod, with all that its containers' statuses say."""
    meta, spec, status = raw.get("metadata") or {}, raw.get("spec") or {}, raw.get("status") or {}
    states = {
        str(each.get("name")): each
        for part in ("containerStatuses", "initContainerStatuses")
        for each in status.get(part) or ()
    }
    containers = [
        _container(each, states.get(str(each.get("name")), {}), is_init=is_init)
        for part, is_init in (("initContainers", True), ("containers", False))
        for each in spec.get(part) or ()
    ]
    asked = [
        (each.get("resources") or {}).get("requests") or {} for each in spec.get("containers") or ()
    ]
    namespace, name = _place(raw)
    return Pod(
        namespace=namespace,
        name=name,
        phase=plain(status.get("phase")),
        reason=plain(status.get("reason")),
        message=plain(status.get("message")),
        node=plain(spec.get("nodeName")),
        owner=_owner(raw),
        labels=_labels(meta.get("labels")),
        created_at=time_of(meta.get("creationTimestamp")),
        deleting_since=time_of(meta.get("deletionTimestamp")),
        grace_s=float(meta.get("deletionGracePeriodSeconds") or 30),
        finalizers=tuple(map(plain, meta.get("finalizers") or ())),
        conditions=_conditions(status),
        containers=tuple(containers),
        cpu=sum(quantity(each.get("cpu")) for each in asked),
        memory_bytes=int(sum(quantity(each.get("memory")) for each in asked)),
        claims=tuple(
            plain((each.get("persistentVolumeClaim") or {}).get("claimName"))
            for each in spec.get("volumes") or ()
            if each.get("persistentVolumeClaim")
        ),
    )


def _container(spec: Raw, status: Raw, *, is_init: bool) -> PodContainer:
    state, inner = _state(status.get("state"))
    _, last = _state(status.get("lastState"))
    limit = quantity(((spec.get("resources") or {}).get("limits") or {}).get("memory"))
    probes = {
        name: _probe(spec[f"{name}Probe"])
        for name in ("liveness", "readiness", "startup")
        if spec.get(f"{name}Probe")
    }
    ports = [
        str(word)
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
        ports=tuple(map(plain, ports)),
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


# --- the rest -------------------------------------------------------------------------------------


def _event(raw: Raw) -> Event:
    about = raw.get("involvedObject") or raw.get("regarding") or {}
    series = raw.get("series") or {}
    last = raw.get("lastTimestamp") or series.get("lastObservedTime") or raw.get("eventTime")
    first = raw.get("firstTimestamp") or raw.get("eventTime")
    created = (raw.get("metadata") or {}).get("creationTimestamp")
    return Event(
        kind=plain(about.get("kind")),
        namespace=plain(about.get("namespace")),
        name=plain(about.get("name")),
        reason=plain(raw.get("reason")),
        message=plain(raw.get("message") or raw.get("note")),
        type=plain(raw.get("type")) or "Normal",
        count=int(raw.get("count") or series.get("count") or 1),
        first_at=time_of(first or created),
        last_at=time_of(last or created),
    )


def _node(raw: Raw) -> Node:
    spec, status = raw.get("spec") or {}, raw.get("status") or {}
    free = status.get("allocatable") or {}
    return Node(
        name=_place(raw)[1],
        conditions=_conditions(status),
        is_cordoned=bool(spec.get("unschedulable")),
        taints=tuple(
            plain(f"{x.get('key')}={x.get('value') or ''}:{x.get('effect')}")
            for x in spec.get("taints") or ()
        ),
        labels=_labels((raw.get("metadata") or {}).get("labels")),
        cpu=quantity(free.get("cpu")),
        memory_bytes=int(quantity(free.get("memory"))),
    )


def _workload(raw: Raw) -> Workload:
    spec, status = raw.get("spec") or {}, raw.get("status") or {}
    namespace, name = _place(raw)
    kind = plain(raw.get("kind"))
    desired = spec.get("replicas")
    if kind == "DaemonSet":
        desired = status.get("desiredNumberScheduled")
    elif kind == "Job":
        desired = spec.get("parallelism")
    template = (spec.get("template") or {}).get("metadata") or {}
    deadline = spec.get("activeDeadlineSeconds") or spec.get("progressDeadlineSeconds")
    return Workload(
        kind=kind,
        namespace=namespace,
        name=name,
        owner=_owner(raw),
        desired=int(1 if desired is None else desired),
        ready=int(
            status.get("readyReplicas") or status.get("numberReady") or status.get("ready") or 0
        ),
        available=int(status.get("availableReplicas") or status.get("numberAvailable") or 0),
        failed=int(status.get("failed") or 0),
        conditions=_conditions(status),
        labels=_labels(template.get("labels")),
        created_at=time_of((raw.get("metadata") or {}).get("creationTimestamp")),
        deadline_s=float(deadline) if deadline else None,
        is_paused=bool(spec.get("paused") or spec.get("suspend")),
    )


def _service(raw: Raw) -> Service:
    spec = raw.get("spec") or {}
    namespace, name = _place(raw)
    ports = [
        ServicePort(int(x.get("port") or 0), plain(x.get("targetPort") or x.get("port")))
        for x in spec.get("ports") or ()
    ]
    is_outside = spec.get("type") == "ExternalName"
    return Service(
        namespace,
        name,
        {} if is_outside else _labels(spec.get("selector")),
        tuple(ports),
        created_at=time_of((raw.get("metadata") or {}).get("creationTimestamp")),
    )


def _addresses(raw: Raw) -> tuple[int, int]:
    subsets: Sequence[Raw] = raw.get("subsets") or ()
    ready = sum(len(each.get("addresses") or ()) for each in subsets)
    return ready, sum(len(each.get("notReadyAddresses") or ()) for each in subsets)


def _add_slice(found: dict[tuple[str, str], tuple[int, int]], raw: Raw) -> None:
    meta = raw.get("metadata") or {}
    service = str((meta.get("labels") or {}).get("kubernetes.io/service-name") or "")
    key = (plain(meta.get("namespace")), plain(service))
    ready, waiting = found.get(key, (0, 0))
    for each in raw.get("endpoints") or ():
        if (each.get("conditions") or {}).get("ready") is False:
            waiting += 1
        else:
            ready += 1
    found[key] = (ready, waiting)


def _with_addresses(
    service: Service, endpoints: Mapping[tuple[str, str], tuple[int, int]], *, known: bool
) -> Service:
    from dataclasses import replace

    if not known:
        return service
    ready, waiting = endpoints.get((service.namespace, service.name), (0, 0))
    return replace(service, ready=ready, not_ready=waiting)


def _claim(raw: Raw) -> Claim:
    spec, status = raw.get("spec") or {}, raw.get("status") or {}
    namespace, name = _place(raw)
    wanted = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    storage = spec.get("storageClassName")
    return Claim(
        namespace,
        name,
        plain(status.get("phase")),
        None if storage is None else plain(storage),
        plain(wanted),
        tuple(map(plain, spec.get("accessModes") or ())),
        time_of((raw.get("metadata") or {}).get("creationTimestamp")),
    )


def _class(raw: Raw) -> StorageClass:
    notes = (raw.get("metadata") or {}).get("annotations") or {}
    return StorageClass(
        _place(raw)[1],
        str(notes.get("storageclass.kubernetes.io/is-default-class")).lower() == "true",
        raw.get("volumeBindingMode") == "WaitForFirstConsumer",
    )


def _scaler(raw: Raw) -> Scaler:
    target = (raw.get("spec") or {}).get("scaleTargetRef") or {}
    namespace, name = _place(raw)
    words = plain(f"{target.get('kind')}/{target.get('name')}")
    return Scaler(namespace, name, words, _conditions(raw.get("status") or {}))


_READERS: Mapping[str, tuple[str, Callable[[Raw], Any]]] = {
    "Pod": ("pods", read_pod),
    "Event": ("events", _event),
    "Node": ("nodes", _node),
    "Service": ("services", _service),
    "PersistentVolumeClaim": ("claims", _claim),
    "StorageClass": ("classes", _class),
    "HorizontalPodAutoscaler": ("scalers", _scaler),
    **dict.fromkeys(WORKLOADS, ("workloads", _workload)),
}
