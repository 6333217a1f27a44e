"""Rules of clusters on what nobody thought of first: what is told, and what is only on its way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mltui.triage.diagnosis import diagnose
from mltui.triage.facts import Facts
from mltui.triage.finding import Finding, Harm
from mltui.triage.kube import (
    GATED,
    Claim,
    Condition,
    Event,
    KubeFacts,
    Owner,
    Pod,
    PodContainer,
    Workload,
)
from mltui.triage.kube_routes import Backend, Ingress, Service, ServicePort

AT = 1_000_000.0
LONG = AT - 900


def diagnosed(at: float = AT, **rows: Any) -> list[Finding]:
    return diagnose(Facts(at, clusters=(KubeFacts("kind", **rows),)))


def only(found: list[Finding]) -> Finding:
    (one,) = found
    return one


def pod(*containers: PodContainer, **more: Any) -> Pod:
    values = {"phase": "Running", "node": "a", "created_at": LONG, **more}
    return Pod("shop", "web", containers=containers, **values)


def crashed(**more: Any) -> PodContainer:
    values = {"restarts": 4, "last_reason": "Error", "last_exit_code": 1, **more}
    return PodContainer("main", "web:1", state="waiting", reason="CrashLoopBackOff", **values)


def test_an_ingress_that_leads_to_no_service_or_to_none_of_its_ports() -> None:
    way = Backend("shop.example/", "shop", "http")
    route = Ingress("shop", "front", (way,), LONG)
    services = Service("shop", "shopp", ports=(ServicePort(80, "80"),))
    found = only(diagnosed(ingresses=(route,), services=(services,)))
    assert found.cause == (
        "shop.example/ leads to shop:http, and there is no Service shop: did you mean shopp?"
    )
    there = replace(services, name="shop")
    found = only(diagnosed(ingresses=(route,), services=(there,)))
    assert found.cause.endswith("Service shop has no port http, but 80")
    named = replace(there, ports=(ServicePort(80, "80", "http"),))
    assert not diagnosed(ingresses=(route,), services=(named,))


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (
            pod(
                PodContainer("main", state="running", is_ready=True),
                conditions=(
                    Condition("Ready", "False", GATED, 'readiness gate "x.io/lb" lacks', LONG),
                ),
            ),
            "nobody has set its readiness gate x.io/lb",
        ),
        (
            pod(phase="Pending", node="", scheduler="batch"),
            "the scheduler batch, which it names, says nothing of it",
        ),
    ],
)
def test_what_waits_for_somebody_else(row: Pod, says: str) -> None:
    assert says in only(diagnosed(pods=(row,))).cause
    assert not diagnosed(at=LONG + 5, pods=(row,))


def test_a_scheduling_gate_is_meant_so() -> None:
    gate = Condition("PodScheduled", "False", "SchedulingGated", "blocked by gates", LONG)
    found = only(diagnosed(pods=(pod(phase="Pending", node="", conditions=(gate,)),)))
    assert found.harm is Harm.NOTE


@pytest.mark.parametrize("kind", ["Startup", "Readiness"])
def test_what_has_just_begun_need_not_answer_yet(kind: str) -> None:
    said = f"{kind} probe failed: dial tcp 10.0.0.1:80: connect: connection refused"
    event = Event("Pod", "shop", "web", "Unhealthy", said, last_at=AT - 1)
    main = PodContainer(
        "main", state="running", started_at=AT - 20, probes={kind.lower(): "tcp :80"},
        patience_s={"startup": 300.0},
    )  # fmt: skip
    assert not diagnosed(pods=(pod(main),), events=(event,))
    assert only(diagnosed(AT + 400, pods=(pod(main),), events=(event,))).rule == "kube-probe"
    if kind == "Readiness":  # an answer is one, however young
        wrong = replace(event, message=f"{kind} probe failed: HTTP probe failed: statuscode: 404")
        assert "404" in only(diagnosed(pods=(pod(main),), events=(wrong,))).cause


def test_a_liveness_probe_that_comes_too_early_says_how_long_it_gave() -> None:
    said = "Liveness probe failed: dial tcp 10.0.0.1:80: connect: connection refused"
    killing = "Container main failed liveness probe, will be restarted"
    events = (
        Event("Pod", "shop", "web", "Unhealthy", said, last_at=AT - 30, id="a"),
        Event("Pod", "shop", "web", "Killing", killing, last_at=AT - 30, id="b"),
    )
    main = PodContainer(
        "main", state="running", restarts=3, started_at=AT - 5, last_started_at=AT - 40,
        last_ended_at=AT - 29, last_exit_code=137, probes={"liveness": "http :80/"},
        patience_s={"liveness": 6.0},
    )  # fmt: skip
    assert (
        "within the 6.0s that it has from its start"
        in only(diagnosed(pods=(pod(main),), events=events)).cause
    )
    lasted = replace(main, last_started_at=AT - 4000)
    assert "from its start" not in only(diagnosed(pods=(pod(lasted),), events=events)).cause


def test_what_a_container_leaves_as_its_last_word() -> None:
    main = crashed(last_message="license expired on 2026-10-01\n")
    assert (
        only(diagnosed(pods=(pod(main),))).cause == "container main: license expired on 2026-10-01"
    )


def test_a_key_that_a_volume_lacks_is_told_with_the_secret() -> None:
    said = 'MountVolume.SetUp failed for volume "t" : references non-existent secret key: tls.key'
    event = Event("Pod", "shop", "web", "FailedMount", said, last_at=AT)
    waits = pod(
        PodContainer("main", state="waiting", reason="ContainerCreating"),
        phase="Pending", sources={"t": "Secret shop-tls"},
    )  # fmt: skip
    found = only(diagnosed(pods=(waits,), events=(event,)))
    assert "needs key tls.key of Secret shop-tls" in found.cause


def test_memory_that_a_child_ran_out_of() -> None:
    main = crashed(last_reason="OOMKilled", memory_limit_bytes=64 << 20)
    found = only(diagnosed(pods=(pod(main),)))
    assert found.cause == (
        "a process of container main needed more memory than its limit of 64 MiB, and was killed"
    )
    assert "exit code 1," in found.evidence[0].text


def test_a_claim_that_asks_for_a_volume_by_its_name() -> None:
    claim = Claim("shop", "data", "Pending", "", volume="pv-7", created_at=LONG)
    assert "it asks for the volume pv-7 by name" in only(diagnosed(claims=(claim,))).cause


def test_what_failed_before_it_went_well_is_past() -> None:
    main = PodContainer("main", state="terminated", exit_code=1)
    failed = pod(main, phase="Failed", owner=Owner("Job", "nightly-1"))
    job = Workload("Job", "shop", "nightly-1", Owner("CronJob", "nightly"), 1, created_at=LONG)
    given_up = Condition("Failed", "True", "BackoffLimitExceeded")
    complete = Condition("Complete", "True")
    assert diagnosed(pods=(failed,), workloads=(replace(job, conditions=(given_up,)),))
    assert not diagnosed(pods=(failed,), workloads=(replace(job, conditions=(complete,)),))
    later = replace(job, name="nightly-2", created_at=AT - 9, conditions=(complete,))
    before = replace(job, conditions=(given_up,))
    assert not diagnosed(pods=(failed,), workloads=(before, later))
    earlier = replace(later, created_at=LONG - 9)
    assert diagnosed(pods=(failed,), workloads=(before, earlier))


def test_a_helper_that_keeps_a_job_from_ending() -> None:
    done = PodContainer("train", state="terminated", exit_code=0, ended_at=LONG)
    helper = PodContainer("logger", state="running", is_ready=True)
    held = pod(done, helper, owner=Owner("Job", "fit"))
    assert "and logger still runs" in only(diagnosed(pods=(held,))).cause
    assert not diagnosed(LONG + 60, pods=(held,))
