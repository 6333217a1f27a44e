"""What a pod declares of its containers, read once for all pods that have it alike. Pure.

Used by `kube_pods`, which adds how they stand.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

from mltui.triage.kube import PodContainer
from mltui.triage.kube_values import plain, quantity


class _Said(msgspec.Struct, gc=False, rename="camel", frozen=True):
    """Part of a container's spec: the same in all pods of one owner, so it is read once."""


class _Port(_Said, frozen=True):
    name: str | None = None
    container_port: int | str | None = None


class _Asked(_Said, frozen=True):
    """Quantities are text; people write numbers."""

    cpu: str | float | None = None
    memory: str | float | None = None


class _Resources(_Said, frozen=True):
    requests: _Asked | None = None
    limits: _Asked | None = None


class _Target(_Said, frozen=True):
    port: int | str | None = None
    path: str | None = None


class _Exec(_Said, frozen=True):
    command: tuple[str, ...] | None = None


class _Probe(_Said, frozen=True):
    http_get: _Target | None = None
    tcp_socket: _Target | None = None
    exec: _Exec | None = None
    grpc: _Target | None = None
    initial_delay_seconds: float | None = None
    period_seconds: float | None = None
    failure_threshold: float | None = None


class ContainerSpec(_Said, frozen=True):
    """A container as its pod asks for it."""

    name: str | None = None
    image: str | None = None
    ports: tuple[_Port, ...] | None = None
    resources: _Resources | None = None
    liveness_probe: _Probe | None = None
    readiness_probe: _Probe | None = None
    startup_probe: _Probe | None = None


_NO_ASKED = _Asked()


@lru_cache(4096)
def declared_of(spec: ContainerSpec) -> PodContainer:
    """What its spec alone says."""
    resources = spec.resources
    limits = (resources.limits if resources is not None else None) or _NO_ASKED
    ports = [
        plain(word)
        for port in spec.ports or ()
        for word in (port.name, port.container_port)
        if word
    ]
    return PodContainer(
        name=plain(spec.name),
        image=plain(spec.image),
        memory_limit_bytes=int(quantity(limits.memory)) or None,
        probes=_probes(spec),
        patience_s=_patience(spec),
        ports=tuple(ports),
    )


def _probes(spec: ContainerSpec) -> dict[str, str]:
    found = {}
    if spec.liveness_probe is not None:
        found["liveness"] = _probe(spec.liveness_probe)
    if spec.readiness_probe is not None:
        found["readiness"] = _probe(spec.readiness_probe)
    if spec.startup_probe is not None:
        found["startup"] = _probe(spec.startup_probe)
    return found


def _patience(spec: ContainerSpec) -> dict[str, float]:
    """How long a container has from its start before a probe has it killed."""
    return {
        kind: (probe.initial_delay_seconds or 0.0)
        + (probe.period_seconds or 10.0) * (probe.failure_threshold or 3.0)
        for kind, probe in (("liveness", spec.liveness_probe), ("startup", spec.startup_probe))
        if probe is not None
    }


def _probe(raw: _Probe) -> str:
    """What a probe asks, in words: `http :8080/healthz`, `tcp :5432`, `exec test -f x`."""
    if (http := raw.http_get) is not None:
        return plain(f"http :{http.port}{http.path or '/'}")
    if (tcp := raw.tcp_socket) is not None:
        return plain(f"tcp :{tcp.port}")
    if raw.exec is not None and raw.exec.command:
        return plain(f"exec {' '.join(raw.exec.command)}")[:120]
    if (grpc := raw.grpc) is not None:
        return plain(f"grpc :{grpc.port}")
    return "?"
