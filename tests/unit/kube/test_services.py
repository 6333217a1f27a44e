"""How a service in a cluster is told and how it stands, from objects as the API server has them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mltui.engines.hosting import Hosting, Wanted
from mltui.engines.kubernetes.manifest import Served
from mltui.engines.kubernetes.services import objects
from mltui.engines.kubernetes.services.reading import read_look, read_member
from mltui.engines.protocol import Attempt
from mltui.spec.model import Pods

HOSTING = Hosting("web@prod", "toy-web", "abc")


def wanted(version: int = 3, replicas: int = 2) -> Wanted:
    attempt = Attempt(
        "toy-web-prod-0", {"mltui.replica": "0", "mltui.service": "web"},
        ("sh", "-c", "echo $HOME"), {"MLTUI_REPLICA": "0"}, Path("/f"), Path("/w"), None, port=8080,
    )  # fmt: skip
    return Wanted(HOSTING, attempt, version, 12.5, replicas, 80, "/healthz", 60)


def deployment(**status: Any) -> dict[str, Any]:
    made = objects.deployment(
        wanted(), image="r/i@sha256:1", tree="t", served=Served("10.0.0.1:80", "r/s@sha256:2"),
        pods=Pods(), has_secrets=False, user="",
    )  # fmt: skip
    return {**made, "status": status}


def pod(name: str, stage: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    is_ready = stage is None
    state = stage or {"state": {"running": {"startedAt": "2026-01-01T00:00:02Z"}}}
    return {
        "metadata": {
            "name": name, "uid": f"uid-{name}", "creationTimestamp": "2026-01-01T00:00:00Z",
            "annotations": {"mltui.version": "3", "mltui.restarted": "12.5"},
        },
        "spec": {"nodeName": "n"},
        "status": {
            "phase": "Running", "podIP": f"10.1.0.{len(name)}",
            "conditions": [{"type": "Ready", "status": str(is_ready)}],
            "containerStatuses": [{"name": "stage", **state}],
        },
        **more,
    }  # fmt: skip


def test_an_old_pod_stays_until_a_new_one_is_ready_and_all_know() -> None:
    spec = deployment()["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    stage = spec["template"]["spec"]["containers"][0]
    drain = int(stage["lifecycle"]["preStop"]["exec"]["command"][-1])
    assert 0 < drain < spec["template"]["spec"]["terminationGracePeriodSeconds"]
    assert stage["readinessProbe"]["httpGet"] == {"path": "/healthz", "port": 8080}
    # Told again it is the same to the letter: nothing is replaced.
    assert json.dumps(deployment()) == json.dumps(deployment())


def test_names_fit_those_of_pods() -> None:
    long = Hosting("web@prod", "a project whose name is longer than what names may have-web", "abc")
    assert len(objects.object_name(long)) <= 42
    assert objects.object_name(HOSTING) == "toy-web"
    assert objects.object_name(Hosting("a@b", "7-up", "m")).startswith("s-7-up-")


@pytest.mark.parametrize(
    ("stage", "events", "says", "ends"),
    [
        (
            {
                "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "restartCount": 1,
                "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}},
            },
            [],
            "it ended with exit code 1",
            2,
        ),
        (
            {"state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}},
            [],
            "it was out of memory",
            1,
        ),
        (
            {"state": {"running": {"startedAt": "2026-01-01T00:00:02Z"}}},
            ["Readiness probe failed: HTTP probe failed with statuscode: 503"],
            "its health path answers 503",
            0,
        ),
        (
            {"state": {"running": {"startedAt": "2026-01-01T00:00:02Z"}}},
            ['Readiness probe failed: Get "http://10.1.0.2:80/h": dial: connection refused'],
            "nothing listens on its port yet (in a pod a service has to listen on 0.0.0.0, not on "
            "127.0.0.1)",
            0,
        ),
        ({"state": {"running": {"startedAt": "2026-01-01T00:00:02Z"}}}, [], "it starts", 0),
        (
            {
                "state": {"running": {"startedAt": "2026-01-01T00:00:02Z"}},
                "restartCount": 1,
                "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
            },
            ["Readiness probe failed: HTTP probe failed with statuscode: 503"],
            "it was out of memory; started again: its health path answers 503",
            1,
        ),
    ],
)
def test_why_a_replica_is_not_ready(
    stage: dict[str, Any], events: list[str], says: str, ends: int
) -> None:
    said = [
        {"reason": "Unhealthy", "message": text, "lastTimestamp": "2026-01-01T00:00:09Z"}
        for text in events
    ]
    found = read_member(pod("one", stage), said)
    assert (found.problem, found.ends, found.is_ready) == (says, ends, False)


def look(service: dict[str, Any], addresses: list[str]) -> str:
    slices = [{"endpoints": [{"addresses": addresses, "conditions": {"ready": True}}]}]
    pods = [pod("a"), pod("bb")]
    return read_look(HOSTING, "ns", deployment(), pods, service, slices, []).problem


def test_endpoints_that_are_not_the_replicas_are_said() -> None:
    service = objects.service(wanted())
    assert service is not None
    assert look(service, ["10.1.0.1", "10.1.0.2"]) == ""
    service["spec"]["selector"] = {"app": "other"}
    none = look(service, [])
    assert "Service toy-web has no endpoint though 2 replicas are ready" in none
    assert "its selector is app=other; `mltui restart web@prod` puts it right" in none
    assert "also sends connections to 10.9.9.9" in look(service, ["10.1.0.1", "10.9.9.9"])


def test_what_was_told_and_whether_it_is_done() -> None:
    seen = read_look(HOSTING, "ns", deployment(), [pod("a")], None, [], [])
    assert (seen.told, seen.is_done, seen.url) == ((3, 12.5, 2), False, "")
    done = deployment(
        observedGeneration=1, updatedReplicas=2, readyReplicas=2, replicas=2
    )  # as the controller leaves it
    assert read_look(HOSTING, "ns", done, [pod("a"), pod("bb")], None, [], []).is_done
    quota = (
        'pods "x" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2'
    )
    full = deployment(
        conditions=[
            {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": quota}
        ]
    )
    assert (
        "the quota of its namespace is used up"
        in read_look(HOSTING, "ns", full, [], None, [], []).problem
    )
