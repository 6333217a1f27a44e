"""A cluster examined change by change: the same findings as all at once, for the least work."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mltui.triage.cluster import Cluster, Row
from mltui.triage.diagnosis import told
from mltui.triage.examination import Examination
from mltui.triage.facts import Facts
from mltui.triage.finding import Finding
from mltui.triage.kube import (
    Budget,
    Claim,
    Condition,
    Event,
    Hidden,
    KubeFacts,
    Leaving,
    Node,
    Owner,
    Pod,
    PodContainer,
    Service,
    ServicePort,
    Slice,
    StorageClass,
    Workload,
)
from mltui.triage.kube_routes import Backend, Ingress

NOW = 1_000_000.0
few = st.sampled_from
SPACES, APPS, NODES = few(["a", "b"]), few(["web", "webb", "db"]), few(["n1", "n2", ""])
TIMES = few([NOW - 4000, NOW - 950, NOW - 70, NOW - 10, None])
OWNERS = few([Owner(), Owner("ReplicaSet", "web-1"), Owner("Job", "j")])

CONTAINERS = st.builds(
    PodContainer,
    name=st.just("main"),
    image=st.just("web:1"),
    state=few(["running", "waiting", "terminated", ""]),
    reason=few(["", "CrashLoopBackOff", "ImagePullBackOff", "OOMKilled", "ContainerCreating"]),
    exit_code=few([None, 0, 1, 137]),
    started_at=TIMES,
    is_ready=st.booleans(),
    restarts=few([0, 3]),
    last_reason=few(["", "Error", "OOMKilled"]),
    last_exit_code=few([None, 1]),
    probes=few([{}, {"liveness": "http :80/"}]),
    ports=few([(), ("80",)]),
)
PODS = st.builds(
    Pod,
    namespace=SPACES,
    name=few(["p1", "p2", "p3"]),
    phase=few(["Running", "Pending", "Failed", "Succeeded"]),
    node=NODES,
    owner=OWNERS,
    labels=st.fixed_dictionaries({"app": APPS}),
    created_at=TIMES,
    deleting_since=few([None, None, NOW - 100, NOW - 30]),
    conditions=few([(), (Condition("PodScheduled", "False", "", "Insufficient cpu"),)]),
    containers=st.tuples(CONTAINERS),
    claims=few([(), ("c",)]),
)
EVENTS = st.builds(
    Event,
    kind=few(["Pod", "ReplicaSet", "PersistentVolumeClaim"]),
    namespace=SPACES,
    name=few(["p1", "p2", "web-1", "c"]),
    reason=few(["Unhealthy", "Killing", "FailedCreate", "FailedMount", "FailedBinding"]),
    message=few(
        [
            "Liveness probe failed: refused",
            "Container main failed liveness probe, will be restarted",
            "exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0",
            'configmap "x" not found',
        ]
    ),
    last_at=TIMES,
    id=few(["e1", "e2", "e3"]),
)
WORKLOADS = st.builds(
    Workload,
    kind=few(["Deployment", "ReplicaSet", "Job"]),
    namespace=SPACES,
    name=few(["web", "web-1", "j"]),
    owner=few([Owner(), Owner("Deployment", "web"), Owner("CronJob", "c")]),
    desired=few([0, 1, 2]),
    ready=few([0, 1]),
    labels=few([{}, {"app": "web"}, {"app": "gone"}]),
    conditions=few(
        [
            (),
            (Condition("Failed", "True", "BackoffLimitExceeded"),),
            (Condition("Complete", "True"),),
        ]
    ),
)
SERVICES = st.builds(
    Service,
    namespace=SPACES,
    name=few(["svc1", "svc2"]),
    selector=few([{}, {"app": "web"}, {"app": "wev"}, {"ap": "web"}]),
    ports=few([(), (ServicePort(80, "80"),), (ServicePort(80, "web"),)]),
    created_at=TIMES,
)
OTHERS = st.one_of(
    st.builds(Slice, SPACES, few(["x", "y"]), few(["svc1", "svc2"]), few([0, 2]), few([0, 1])),
    st.builds(
        Node,
        few(["n1", "n2"]),
        few([(), (Condition("Ready", "Unknown"),), (Condition("DiskPressure", "True"),)]),
        cpu=few([1.0, 4.0]),
    ),
    st.builds(Claim, SPACES, st.just("c"), few(["Pending", "Bound", "Lost"]), few([None, "fast"]),
              created_at=TIMES),
    st.builds(StorageClass, few(["fast", "slow"]), st.booleans(), st.booleans()),
    st.builds(Ingress, SPACES, st.just("i"), few([(), (Backend("*/", "svc1", "80"),)]), TIMES),
    st.builds(Leaving, st.just("ConfigMap"), SPACES, st.just("k"), few([NOW - 70, NOW - 10])),
    st.builds(Budget, SPACES, st.just("b"), few([{"app": "web"}, {"app": "db"}]),
              allowed=few([0, 1]), healthy=few([0, 1]), desired=few([0, 1]), expected=few([0, 1])),
)  # fmt: skip
ROWS: st.SearchStrategy[Any] = st.one_of(PODS, EVENTS, WORKLOADS, SERVICES, OTHERS)
STEPS = st.lists(st.tuples(ROWS, st.booleans(), few([0.0, 0.0, 1.0, 60.0, 1000.0])), max_size=25)


def identity(row: Row) -> object:
    if isinstance(row, Event):
        return ("event", row.namespace, row.id)
    if isinstance(row, Slice):
        return ("slice", row.namespace, row.name)
    return ("class", row.name) if isinstance(row, StorageClass) else row.key


def whole(rows: dict[object, Row], at: float, hidden: list[Hidden]) -> list[Finding]:
    """All at once, by somebody who never saw another state."""
    found = Examination(Cluster("kind", at, "digits", counts_slices=True))
    found.hide(hidden)
    for row in rows.values():
        found.change(None, row)
    found.examine(at)
    return told(Facts(at, "digits"), [found])


@settings(max_examples=150, deadline=None)
@given(
    STEPS, st.lists(st.builds(Hidden, few(["Pod", "EndpointSlice"]), few(["", "a"])), max_size=2)
)
def test_changes_one_by_one_give_what_all_at_once_gives(
    steps: list[tuple[Row, bool, float]], hidden: list[Hidden]
) -> None:
    live = Examination(Cluster("kind", NOW, "digits", counts_slices=True))
    known: dict[object, Row] = {}
    at = NOW
    for number, (row, is_gone, later) in enumerate(steps):
        if number == len(steps) // 2:
            live.hide(hidden)
        at += later
        key = identity(row)
        old = known.pop(key, None)
        if is_gone and old is not None:
            live.change(old, None)
        else:
            live.change(old, row)
            known[key] = row
        live.examine(at)
    now_hidden = hidden if steps else []
    assert told(Facts(at, "digits"), [live]) == whole(known, at, now_hidden)


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
