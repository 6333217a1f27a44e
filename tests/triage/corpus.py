"""Workloads that are really broken, each with its true cause, and healthy ones beside them.

`cases`: name → what is applied, and what the first line must say. The name is the workload's.
"""

from __future__ import annotations

from .case import Case
from .objects import (
    FORGED,
    PAUSE,
    Object,
    budget,
    claim,
    config,
    container,
    deployment,
    host,
    job,
    of_kind,
    pod,
    replicas,
    service,
    tls,
)
from .running import running
from .serving import serving
from .starting import starting

__all__ = ["Case", "cases", "healthy"]


def cases(base: str, registry: str) -> dict[str, Case]:
    """`base`: an image with a shell and Python that nodes can pull; `registry`: where it is."""
    return {**starting(base, registry), **running(base), **serving()}


def healthy(base: str) -> tuple[Object, ...]:
    """Of these nothing may be said."""
    true = {"exec": {"command": ["true"]}}
    probes = {"readinessProbe": true, "livenessProbe": true}
    idle = deployment("idle", container(PAUSE))
    idle["spec"]["replicas"] = 0
    by_hand = service("by-hand", "") | {"spec": {"ports": [{"port": 80}]}}
    return (
        deployment("fine", container(PAUSE, ports=[{"name": "web", "containerPort": 80}])),
        service("fine", "fine", "web"),
        service("any-port", "fine", 80),
        idle,
        service("idle", "idle"),
        deployment("probed", container(base, "sleep", "600", **probes)),
        job("done", container(base, "true")),
        job("second", container(base, "sh", "-c", "exit 0"), backoffLimit=3),
        claim("bound"),
        config("plain"),
        pod("quiet", container(PAUSE), restartPolicy="Never"),
        pod("once", container(base, "true"), restartPolicy="Never"),
        of_kind("StatefulSet", deployment("steady", container(PAUSE)), serviceName="steady"),
        {**service("steady", "steady"),
         "spec": {"clusterIP": "None", "selector": {"app": "steady"}, "ports": [{"port": 80}]}},
        of_kind("DaemonSet", deployment("everywhere", container(PAUSE))),
        replicas(deployment("spare", container(PAUSE)), 2),
        budget("spare", "spare", maxUnavailable=1),
        tls("certificate"),
        host("encrypted", tls=[{"secretName": "certificate", "hosts": ["encrypted.example"]}]),
        by_hand,
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": "by-hand-1", "labels": {"kubernetes.io/service-name": "by-hand"}
            },
            "addressType": "IPv4",
            "ports": [{"port": 80}],
            "endpoints": [{"addresses": ["10.255.255.1"]}],
        },
        job("twice", container(base, "true"), completions=2, parallelism=2),
        deployment(
            "configured",
            container(PAUSE, envFrom=[{"configMapRef": {"name": "plain"}}],
                      volumeMounts=[{"name": "t", "mountPath": "/t"}]),
            volumes=[{"name": "t", "secret": {"secretName": "certificate"}}],
        ),
        deployment("scratch", container(PAUSE, volumeMounts=[{"name": "s", "mountPath": "/s"}]),
                   volumes=[{"name": "s", "emptyDir": {}}]),
        deployment(
            "starting",
            container(base, "sleep", "600",
                      startupProbe={"tcpSocket": {"port": 9}, "failureThreshold": 60}),
        ),
        deployment("forger", container(base, "python3", "-uc", FORGED)),
        deployment(
            "prepared",
            container(PAUSE),
            initContainers=[{**container(base, "true"), "name": "before"}],
        ),
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "outside"},
            "spec": {"type": "ExternalName", "externalName": "example.invalid"},
        },
    )  # fmt: skip
