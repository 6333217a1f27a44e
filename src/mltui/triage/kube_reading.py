"""From the API server's JSON to the rows that rules look at, one object at a time. Pure.

Fed by `live.kube.ward`, `live.kube_facts` and `kubectl get … -o json`. Names and messages are
other people's text and are made safe here. Source: Kubernetes API reference.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mltui.triage.certificates import validity
from mltui.triage.cluster import Row
from mltui.triage.kube import (
    Budget,
    Certificate,
    Claim,
    Event,
    Hidden,
    KubeFacts,
    Leaving,
    Node,
    Scaler,
    StorageClass,
    Workload,
)
from mltui.triage.kube_pods import conditions_of, labels_of, owner_of, place_of, read_pod
from mltui.triage.kube_routes import (
    Backend,
    Ingress,
    IngressClass,
    Service,
    ServicePort,
    Slice,
)
from mltui.triage.kube_values import plain, quantity, time_of

Raw = Mapping[str, Any]
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob")
_LOOKED_UP = ("Pod", "StorageClass", "IngressClass", "Secret")
"""Of these it matters that one is not there."""
ENDPOINTS = "endpoints"
"""What stands for the name of a slice where the older kind is read."""


def read_objects(
    items: Iterable[Raw], cluster: str = "", hidden: Sequence[Hidden] | None = None
) -> KubeFacts:
    """All rows of a list of objects of any kinds; `hidden`: what could not be listed.

    None: nobody says, so of kinds that the list has none of, none was looked at.
    """
    rows: list[Any] = []
    kinds = set()
    for raw in items:
        kinds.add(str(raw.get("kind") or ""))
        rows += read_object(raw)
    if hidden is None:
        hidden = [Hidden(kind) for kind in _LOOKED_UP if kind not in kinds]
    by_service: dict[tuple[str, str], list[Slice]] = {}
    for row in rows:
        if isinstance(row, Slice):
            by_service.setdefault((row.namespace, row.service), []).append(row)
    is_counted = bool(kinds & {"EndpointSlice", "Endpoints"})
    found = [
        _with_addresses(row, by_service.get((row.namespace, row.name), ()))
        if isinstance(row, Service) and is_counted
        else row
        for row in rows
        if not isinstance(row, Slice)
    ]
    return KubeFacts.of(cluster, found, hidden=hidden)


def read_object(raw: Raw) -> tuple[Row, ...]:
    """What rules look at of one object: of a kind that none knows, whether it can't be deleted.

    Nothing of one that is not formed as the API has it.
    """
    try:
        kind = str(raw.get("kind") or "")
        reader = _READERS.get(kind)
        own = reader(raw) if reader is not None else None
        leaving = _leaving(raw) if kind != "Pod" else None
    except (AttributeError, TypeError, ValueError, KeyError, OverflowError):
        return ()  # msgspec's own errors are ValueErrors
    return tuple(each for each in (own, leaving) if each is not None)


def _with_addresses(service: Service, slices: Sequence[Slice]) -> Service:
    """Endpoints say the same again where there are slices."""
    chosen = [each for each in slices if each.name != ENDPOINTS] or slices
    return replace(
        service,
        ready=sum(each.ready for each in chosen),
        not_ready=sum(each.not_ready for each in chosen),
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
        for each in conditions_of(status if isinstance(status, Mapping) else {})
        if each.status == "True" and each.message
    ]
    namespace, name = place_of(raw)
    return Leaving(
        plain(raw.get("kind")),
        namespace,
        name,
        since,
        tuple(map(plain, finalizers)),
        "; ".join(messages),
    )


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
        id=place_of(raw)[1],
    )


def _node(raw: Raw) -> Node:
    spec, status = raw.get("spec") or {}, raw.get("status") or {}
    free = status.get("allocatable") or {}
    return Node(
        name=place_of(raw)[1],
        conditions=conditions_of(status),
        is_cordoned=bool(spec.get("unschedulable")),
        taints=tuple(
            plain(f"{x.get('key')}={x.get('value') or ''}:{x.get('effect')}")
            for x in spec.get("taints") or ()
        ),
        labels=labels_of((raw.get("metadata") or {}).get("labels")),
        cpu=quantity(free.get("cpu")),
        memory_bytes=int(quantity(free.get("memory"))),
        resources=tuple(sorted(map(plain, free))),
    )


def _workload(raw: Raw) -> Workload:
    spec, status = raw.get("spec") or {}, raw.get("status") or {}
    meta = raw.get("metadata") or {}
    namespace, name = place_of(raw)
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
        owner=owner_of(raw),
        desired=int(1 if desired is None else desired),
        ready=int(
            status.get("readyReplicas") or status.get("numberReady") or status.get("ready") or 0
        ),
        available=int(status.get("availableReplicas") or status.get("numberAvailable") or 0),
        failed=int(status.get("failed") or 0),
        conditions=conditions_of(status),
        labels=labels_of(template.get("labels")),
        created_at=time_of(meta.get("creationTimestamp")),
        deadline_s=float(deadline) if deadline else None,
        is_paused=bool(spec.get("paused") or spec.get("suspend")),
        made_at=time_of(status.get("lastScheduleTime")),
        has_earlier=_has_earlier(kind, raw),
        uid=plain(meta.get("uid")),
        generation=int(meta.get("generation") or 0),
    )


def _has_earlier(kind: str, raw: Raw) -> bool:
    """Whether its template was another one before, as far as the object itself says so."""
    metadata, status = raw.get("metadata") or {}, raw.get("status") or {}
    if kind == "StatefulSet":
        return bool(status.get("updateRevision") != status.get("currentRevision"))
    name = {
        "Deployment": "deployment.kubernetes.io/revision",
        "DaemonSet": "deprecated.daemonset.template.generation",
    }.get(kind, "")
    number = str((metadata.get("annotations") or {}).get(name) or "")
    return number.isdecimal() and int(number) > 1


def _service(raw: Raw) -> Service:
    spec = raw.get("spec") or {}
    namespace, name = place_of(raw)
    ports = [
        ServicePort(
            int(x.get("port") or 0),
            plain(x.get("targetPort") or x.get("port")),
            plain(x.get("name")),
        )
        for x in spec.get("ports") or ()
    ]
    is_outside = spec.get("type") == "ExternalName"
    given = ((raw.get("status") or {}).get("loadBalancer") or {}).get("ingress")
    return Service(
        namespace,
        name,
        {} if is_outside else labels_of(spec.get("selector")),
        tuple(ports),
        created_at=time_of((raw.get("metadata") or {}).get("creationTimestamp")),
        lacks_address=spec.get("type") == "LoadBalancer" and not given,
        lacks_selector=not is_outside and not spec.get("selector"),
    )


def _endpoints(raw: Raw) -> Slice:
    subsets: Sequence[Raw] = raw.get("subsets") or ()
    ready = sum(len(each.get("addresses") or ()) for each in subsets)
    waiting = sum(len(each.get("notReadyAddresses") or ()) for each in subsets)
    namespace, name = place_of(raw)
    return Slice(namespace, ENDPOINTS, name, ready, waiting)


def _slice(raw: Raw) -> Slice:
    meta = raw.get("metadata") or {}
    service = (meta.get("labels") or {}).get("kubernetes.io/service-name")
    found = raw.get("endpoints") or ()
    waiting = sum((each.get("conditions") or {}).get("ready") is False for each in found)
    return Slice(*place_of(raw), plain(service), len(found) - waiting, waiting)


def _claim(raw: Raw) -> Claim:
    spec, status = raw.get("spec") or {}, raw.get("status") or {}
    namespace, name = place_of(raw)
    wanted = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    storage = spec.get("storageClassName")
    return Claim(
        namespace,
        name,
        plain(status.get("phase")),
        None if storage is None else plain(storage),
        plain(wanted),
        tuple(map(plain, spec.get("accessModes") or ())),
        plain(spec.get("volumeName")),
        time_of((raw.get("metadata") or {}).get("creationTimestamp")),
    )


def _class(raw: Raw) -> StorageClass:
    notes = (raw.get("metadata") or {}).get("annotations") or {}
    return StorageClass(
        place_of(raw)[1],
        str(notes.get("storageclass.kubernetes.io/is-default-class")).lower() == "true",
        raw.get("volumeBindingMode") == "WaitForFirstConsumer",
    )


def _scaler(raw: Raw) -> Scaler:
    target = (raw.get("spec") or {}).get("scaleTargetRef") or {}
    namespace, name = place_of(raw)
    words = plain(f"{target.get('kind')}/{target.get('name')}")
    return Scaler(namespace, name, words, conditions_of(raw.get("status") or {}))


def _budget(raw: Raw) -> Budget:
    spec, status = raw.get("spec") or {}, raw.get("status") or {}
    selector = spec.get("selector") or {}
    demands = [
        f"{name} {spec[name]}" for name in ("minAvailable", "maxUnavailable") if name in spec
    ]
    return Budget(
        *place_of(raw),
        selector=labels_of(selector.get("matchLabels")),
        is_plain=bool(selector.get("matchLabels")) and not selector.get("matchExpressions"),
        demands=plain(", ".join(demands)),
        allowed=int(status.get("disruptionsAllowed") or 0),
        healthy=int(status.get("currentHealthy") or 0),
        desired=int(status.get("desiredHealthy") or 0),
        expected=int(status.get("expectedPods") or 0),
        created_at=time_of((raw.get("metadata") or {}).get("creationTimestamp")),
        uid=plain((raw.get("metadata") or {}).get("uid")),
    )


def _secret(raw: Raw) -> Certificate | None:
    """Of a TLS Secret its certificate, which is no secret; of others nothing is looked at.

    One that can't be read has no dates, but it is there.
    """
    if raw.get("type") != "kubernetes.io/tls":
        return None
    try:
        pem = base64.b64decode(str((raw.get("data") or {}).get("tls.crt") or ""))
    except ValueError:
        pem = b""
    return Certificate(*place_of(raw), *(validity(pem) or (None, None)))


def _ingress(raw: Raw) -> Ingress:
    spec = raw.get("spec") or {}
    named = [("", "", spec.get("defaultBackend") or {})]
    for rule in spec.get("rules") or ():
        for path in (rule.get("http") or {}).get("paths") or ():
            named.append((rule.get("host"), path.get("path"), path.get("backend") or {}))
    found = []
    for host, path, backend in named:
        service = backend.get("service") or {}
        port = service.get("port") or {}
        if service.get("name"):
            at = plain(f"{host or '*'}{path or '/'}")
            found.append(
                Backend(at, plain(service["name"]), plain(port.get("name") or port.get("number")))
            )
    named_secrets = (plain(each.get("secretName")) for each in spec.get("tls") or ())
    return Ingress(
        *place_of(raw),
        tuple(found),
        time_of((raw.get("metadata") or {}).get("creationTimestamp")),
        plain(spec.get("ingressClassName")),
        tuple(dict.fromkeys(filter(None, named_secrets))),
        bool(((raw.get("status") or {}).get("loadBalancer") or {}).get("ingress")),
    )


def _ingress_class(raw: Raw) -> IngressClass:
    return IngressClass(place_of(raw)[1])


def _login(raw: Raw) -> Certificate | None:
    dates = validity(str(raw.get("pem") or "").encode())
    return None if dates is None else Certificate(*place_of(raw), *dates, is_login=True)


_READERS: Mapping[str, Callable[[Raw], Row | None]] = {
    "Pod": read_pod,
    "Event": _event,
    "Node": _node,
    "Service": _service,
    "EndpointSlice": _slice,
    "Endpoints": _endpoints,
    "PersistentVolumeClaim": _claim,
    "StorageClass": _class,
    "HorizontalPodAutoscaler": _scaler,
    "PodDisruptionBudget": _budget,
    "Secret": _secret,
    "Ingress": _ingress,
    "IngressClass": _ingress_class,
    "ClientCertificate": _login,
    **dict.fromkeys(WORKLOADS, _workload),
}
