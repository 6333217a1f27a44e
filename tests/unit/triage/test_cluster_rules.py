"""Rules of clusters on what nobody thought of first: what is told, and what is only on its way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mltui.triage.diagnosis import diagnose
from mltui.triage.facts import Facts
from mltui.triage.finding import Finding, Harm, Kube
from mltui.triage.kube import (
    GATED,
    Certificate,
    Claim,
    Condition,
    Event,
    Hidden,
    KubeFacts,
    Leaving,
    Owner,
    Pod,
    PodContainer,
    Workload,
)
from mltui.triage.kube_routes import Backend, Ingress, IngressClass, Service, ServicePort

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


def test_an_ingress_of_a_class_that_is_not_there() -> None:
    route = Ingress("shop", "front", created_at=LONG, class_name="ngnix")
    found = only(diagnosed(ingresses=(route,)))
    assert found.harm is Harm.WRONG
    assert found.cause.endswith("no IngressClass ngnix, which it asks for: the cluster has none")
    classes = (IngressClass("nginx"), IngressClass("traefik"))
    found = only(diagnosed(ingresses=(route,), ingress_classes=classes))
    assert found.cause.endswith("did you mean nginx?")
    served = replace(route, has_address=True)
    assert only(diagnosed(ingresses=(served,))).harm is Harm.WARNING
    right = replace(route, class_name="nginx")
    assert not diagnosed(ingresses=(right,), ingress_classes=classes)
    assert not diagnosed(ingresses=(route,), hidden=(Hidden("IngressClass"),))
    assert not diagnosed(at=LONG + 5, ingresses=(route,))


def test_an_ingress_whose_certificate_is_not_there() -> None:
    route = Ingress("shop", "front", created_at=LONG, secrets=("web", "web-tsl", "wiki-tls"))
    there = tuple(Certificate("shop", name) for name in ("web", "web-tls"))
    elsewhere = Certificate("other", "web-tsl")
    found = only(diagnosed(ingresses=(route,), certificates=(*there, elsewhere)))
    assert found.cause == (
        "there is no Secret web-tsl of type kubernetes.io/tls, and 1 more: did you mean web-tls?"
    )
    assert not diagnosed(ingresses=(route,), hidden=(Hidden("Secret", "shop"),))
    assert not diagnosed(at=LONG + 60, ingresses=(route,))
    assert not diagnosed(ingresses=(replace(route, secrets=("web",)),), certificates=there)


def test_a_service_without_a_selector_that_nobody_gives_addresses() -> None:
    bare = Service("shop", "db", created_at=LONG, ready=0, lacks_selector=True)
    assert (
        "it has no selector, and nobody gives it addresses"
        in only(diagnosed(services=(bare,))).title
    )
    for well in (replace(bare, ready=1), replace(bare, not_ready=1), replace(bare, ready=None)):
        assert not diagnosed(services=(well,))


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


def test_a_cron_job_that_can_make_no_jobs_until_it_makes_one() -> None:
    said = (
        'Error creating job: jobs.batch "nightly-1" is forbidden: exceeded quota: few, '
        "requested: count/jobs.batch=1, used: count/jobs.batch=0, limited: count/jobs.batch=0"
    )
    refused = Event("CronJob", "shop", "nightly", "FailedCreate", said, last_at=AT - 30)
    cron = Workload("CronJob", "shop", "nightly", desired=1, uid="u", generation=3)
    found = only(diagnosed(workloads=(cron,), events=(refused,)))
    assert found.title == "CronJob nightly in shop may have no Jobs: quota few is used up"
    assert found.fixes[0].steps[0] == Kube(
        "edit", "CronJob", "shop", "nightly", "kind", "u", 3
    )  # as it is known now
    for well in (replace(cron, made_at=AT - 10), replace(cron, is_paused=True)):
        assert not diagnosed(workloads=(well,), events=(refused,))
    assert not diagnosed(workloads=(cron,), events=(replace(refused, last_at=AT - 7200),))


def test_a_service_that_waits_for_its_address_outside() -> None:
    pods = (replace(pod(PodContainer("main", state="running", is_ready=True)), labels={"a": "b"}),)
    front = Service("shop", "front", {"a": "b"}, created_at=LONG, lacks_address=True)
    found = only(diagnosed(services=(front,), pods=pods))
    assert "no load balancer gives it one" in found.title and found.harm is Harm.WARNING
    failed = Event("Service", "shop", "front", "SyncLoadBalancerFailed", "no quota", last_at=AT)
    assert only(diagnosed(services=(front,), pods=pods, events=(failed,))).cause == "no quota"
    young = replace(front, created_at=AT - 100)
    assert not diagnosed(services=(young,), pods=pods)


def test_a_service_of_a_deployment_that_is_paused() -> None:
    web = Workload("Deployment", "shop", "web", desired=1, labels={"a": "b"}, is_paused=True)
    front = Service("shop", "front", {"a": "b"}, created_at=LONG)
    assert "Deployment web is paused" in only(diagnosed(services=(front,), workloads=(web,))).title


def test_a_claim_that_a_pod_still_uses() -> None:
    keeps = ("kubernetes.io/pvc-protection",)
    claim = Leaving("PersistentVolumeClaim", "shop", "data", AT - 90, keeps)
    user = pod(PodContainer("main", state="running", is_ready=True), claims=("data",))
    assert "pod web still uses it" in only(diagnosed(leaving=(claim,), pods=(user,))).cause
    over = replace(user, phase="Succeeded")
    assert "waits for its finalizer" in only(diagnosed(leaving=(claim,), pods=(over,))).cause


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (
            "0/1 nodes are available: 1 node(s) didn't match PersistentVolume's node affinity. "
            "no new claims to deallocate, preemption: 0/1 nodes are available: none helps.",
            "its volume is on a node or in a zone where it may not run",
        ),
        (
            "0/1 nodes are available: 1 node(s) are odd. no new claims to deallocate, preemption:",
            "0/1 nodes are available: 1 node(s) are odd",
        ),
    ],
)
def test_what_the_scheduler_says_of_volumes(message: str, says: str) -> None:
    refused = Condition("PodScheduled", "False", "Unschedulable", message, LONG)
    found = only(diagnosed(pods=(pod(phase="Pending", node="", conditions=(refused,)),)))
    assert found.cause == says


def test_a_driver_of_volumes_that_the_node_lacks() -> None:
    said = (
        'MountVolume.SetUp failed for volume "v" : kubernetes.io/csi: mounter.SetUpAt failed to '
        "get CSI client: driver name s3.csi.example not found in the list of registered CSI drivers"
    )
    event = Event("Pod", "shop", "web", "FailedMount", said, last_at=AT)
    waits = PodContainer("main", state="waiting", reason="ContainerCreating")
    found = only(diagnosed(pods=(pod(waits, phase="Pending"),), events=(event,)))
    assert found.title.endswith("CSI driver s3.csi.example is not on its node")
    assert "which node a lacks" in found.cause
