"""A cluster examined change by change: the same findings as all at once, for the least work."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mltui.triage.cluster import Cluster
from mltui.triage.diagnosis import told
from mltui.triage.examination import Examination
from mltui.triage.facts import Facts
from mltui.triage.finding import Kube
from mltui.triage.kube import (
    Claim,
    Event,
    KubeFacts,
    Leaving,
    Node,
    Owner,
    Pod,
    PodContainer,
    Workload,
)
from mltui.triage.kube_routes import Backend, Ingress, Service

NOW = 1_000_000.0


def test_a_service_has_all_judged_again_that_tells_of_it() -> None:
    """A claim explains what its pods lead to; an Ingress to no Service names one like it."""
    live = Examination(Cluster("kind", NOW, "digits"))
    pod = well(1, labels={"app": "web"}, claims=("c",))
    claim = Claim("shop", "c", "Pending", None, created_at=NOW - 99)
    ingress = Ingress("shop", "i", (Backend("*/", "webs", "80"),), NOW - 99)
    for row in (pod, claim, ingress):
        live.change(None, row)
    live.examine(NOW)
    web = Service("shop", "web", {"app": "web"}, created_at=NOW - 99)
    for old, new in ((None, web), (web, None)):
        live.change(old, new)
        live.examine(NOW)
        by_rule = {each.rule: each for each in live.findings()}
        explained = by_rule["kube-volume"].explains
        assert ("service:shop/web@kind" in explained) == (new is not None)
        assert ("did you mean web" in by_rule["kube-ingress"].cause) == (new is not None)


def test_a_fix_acts_on_the_owner_as_it_is_now() -> None:
    """A rollout makes another generation of a Deployment whose pods go on crashing as they did."""
    live = Examination(Cluster("kind", NOW, "digits"))
    web = Workload("Deployment", "shop", "web", desired=1, uid="u", generation=1)
    set_ = Workload("ReplicaSet", "shop", "web-1", Owner("Deployment", "web"), 1)
    pod = crashing(1)
    pod = replace(pod, owner=Owner("ReplicaSet", "web-1"))
    refused = Event("ReplicaSet", "shop", "web-1", "FailedCreate", "exceeded", last_at=NOW)
    for row in (web, replace(set_, desired=2), pod, refused):
        live.change(None, row)
    live.examine(NOW)
    live.change(web, replace(web, generation=2, has_earlier=True))
    live.examine(NOW)
    by_rule = {each.rule: each for each in live.findings()}
    assert set(by_rule) == {"kube-crash", "kube-admission"}
    steps = [x for each in by_rule.values() for fix in each.fixes for x in fix.steps]
    known = sorted((x.verb, x.generation) for x in steps if isinstance(x, Kube))
    assert known == [("edit", 2), ("edit", 2), ("undo", 2)]


def well(number: int, **more: Any) -> Pod:
    container = PodContainer("main", "web:1", state="running", is_ready=True)
    values: dict[str, Any] = {
        "phase": "Running",
        "node": f"n{number % 50}",
        "owner": Owner("ReplicaSet", f"web-{number % 200}-5d8f"),
        "labels": {"app": f"web-{number % 200}"},
        "containers": (container,),
    }
    return Pod("shop", f"web-{number}", **{**values, **more})


def crashing(number: int, restarts: int = 9) -> Pod:
    container = PodContainer(
        "main", "web:1", state="waiting", reason="CrashLoopBackOff", restarts=restarts,
        last_reason="Error", last_exit_code=1,
    )  # fmt: skip
    return replace(well(number), containers=(container,))


def test_a_change_has_only_what_it_touches_looked_at_again() -> None:
    """10,000 pods, 500 of them broken: one that changes costs the work of itself and its like."""
    pods = [crashing(n) if n % 20 == 0 else well(n) for n in range(10_000)]
    services = [
        Service("shop", f"web-{n}", {"app": f"web-{n}"}, created_at=NOW - 99) for n in range(200)
    ]
    nodes = [Node(f"n{n}") for n in range(50)]
    facts = KubeFacts("kind", tuple(pods), services=tuple(services), nodes=tuple(nodes))
    live = Examination.of(facts, NOW)
    assert live.examined == 500 + 200 + 50
    found = told(Facts(NOW), [live])
    assert sum(each.count for each in found if each.rule == "kube-crash") == 500 * 9
    for change, most in (
        ((pods[20], crashing(20, 10)), 3),  # itself, its Service, its node
        ((pods[20], well(20)), 2),
        ((pods[21], None), 2),
        ((None, Event("Pod", "shop", "web-40", "BackOff", "again", id="e")), 1),
        ((None, Event("Pod", "shop", "web-41", "Pulled", "a well one", id="f")), 0),
    ):
        before = live.examined
        live.change(*change)
        live.examine(NOW)
        assert live.examined - before <= most, change
    before = live.examined
    assert not live.examine(NOW + 1)
    assert live.examined == before


def test_time_alone_brings_up_what_is_due() -> None:
    leaving = Leaving("ConfigMap", "shop", "kept", NOW - 20, ("test/keep",))
    live = Examination.of(KubeFacts("kind", leaving=(leaving,)), NOW)
    assert not live.findings()
    assert live.due_at == NOW + 40
    assert not live.examine(NOW + 39)
    assert live.examine(NOW + 40)
    assert [each.cause for each in live.findings()] == ["it waits for its finalizer test/keep"]


def test_the_same_names_in_two_clusters_are_two_things() -> None:
    for_each = [Examination.of(KubeFacts(name, (crashing(0),)), NOW) for name in ("kind", "prod")]
    found = told(Facts(NOW), for_each)
    assert [each.cluster for each in found] == ["kind", "prod"]
    assert {each.key for each in found} == {"pod:shop/web-0@kind", "pod:shop/web-0@prod"}
    assert [getattr(each.fixes[0].steps[0], "context", "") for each in found] == ["kind", "prod"]
