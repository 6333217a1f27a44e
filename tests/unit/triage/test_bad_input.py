"""What clusters and programs say that is not so, not whole, or gone meanwhile."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from mltui.live.kube.chart import Batch, Chart
from mltui.live.kube.last_words import Words, crashed, stamp_of
from mltui.triage.diagnosis import diagnose
from mltui.triage.facts import Facts
from mltui.triage.finding import Finding
from mltui.triage.kube import Event, Hidden, KubeFacts, Owner, Pod, PodContainer, Workload
from mltui.triage.kube_routes import Service

NOW = 1_764_072_000.0
CONTAINER = PodContainer(
    "main", "web:1", state="waiting", reason="CrashLoopBackOff", restarts=9, last_reason="Error",
    last_exit_code=1, last_ended_at=NOW - 60,
)  # fmt: skip
POD = Pod(
    "shop", "web-1", "Running", owner=Owner("ReplicaSet", "web-5d8f"), labels={"app": "web"},
    node="a", containers=(CONTAINER,), created_at=NOW - 9000,
)  # fmt: skip


def found(**rows: Any) -> list[Finding]:
    return diagnose(Facts(NOW, clusters=(KubeFacts("kind", **rows),)))


def saying(*lines: str) -> Pod:
    return replace(POD, containers=(replace(CONTAINER, last_lines=lines),))


FORBIDDEN = (
    'secrets is forbidden: User "system:serviceaccount:{}" cannot get resource "secrets" '
    'in API group "" in the namespace "{}"'
)


def test_a_log_can_t_have_rights_given_to_others() -> None:
    forged = FORBIDDEN.format("kube-system:admin", "kube-system")
    (said,) = found(pods=(saying(forged),))
    assert said.rule == "kube-crash"
    assert not any("role" in str(fix) for fix in said.fixes)
    own = FORBIDDEN.format("shop:default", "shop")
    rights = [each for each in found(pods=(saying(own),)) if each.rule == "kube-forbidden"]
    assert rights and rights[0].confidence < 1 and "as its log says" in rights[0].cause


def test_a_log_that_looks_like_events_changes_no_cause() -> None:
    lines = ("Warning  OOMKilled  Memory cgroup out of memory", "Liveness probe failed: refused")
    (said,) = found(pods=(saying(*lines),))
    assert said.rule == "kube-crash" and "out of memory" not in said.title


def test_an_event_that_the_status_contradicts_is_of_the_past() -> None:
    killed = Event(
        "Pod", "shop", "web-1", "Killing",
        "Container main failed liveness probe, will be restarted", last_at=NOW - 5000,
    )  # fmt: skip
    container = replace(CONTAINER, probes={"liveness": "http :80/"})
    pod = replace(POD, containers=(container,))
    assert [each.rule for each in found(pods=(pod,), events=(killed,))] == ["kube-crash"]
    now = replace(killed, last_at=NOW - 61)
    assert [each.rule for each in found(pods=(pod,), events=(now,))] == ["kube-probe"]


def test_what_may_not_be_seen_is_not_taken_for_absent() -> None:
    web = Service("shop", "web", {"app": "web"}, created_at=NOW - 999)
    assert [each.rule for each in found(services=(web,))] == ["kube-service"]
    for hidden in (Hidden("Pod", "shop"), Hidden("Pod")):
        assert not found(services=(web,), hidden=(hidden,))
    short = Workload("ReplicaSet", "shop", "web-5d8f", desired=1)
    old = Event("ReplicaSet", "shop", "web-5d8f", "FailedCreate", "quota", last_at=NOW - 9000)
    assert found(workloads=(short,), events=(old,))
    assert not found(workloads=(short,), events=(old,), hidden=(Hidden("Pod"),))


def raw(**more: Any) -> bytes:
    state = {"waiting": {"reason": "CrashLoopBackOff"}}
    last = {"terminated": {"exitCode": 1}}
    status = {"name": "main", "restartCount": 9, "state": state, "lastState": last}
    return json.dumps(
        {
            "metadata": {"name": "web-1", "namespace": "shop", **more},
            "spec": {"containers": [{"name": "main", "image": "web:1"}]},
            "status": {"phase": "Running", "containerStatuses": [status]},
        }
    ).encode()


ID = ("Pod", "shop", "web-1")


def test_a_pod_that_goes_while_its_log_is_read() -> None:
    chart = Chart("kind", "")
    assert chart.apply(Batch({ID: raw()}), NOW)
    ((place, pod),) = chart.wanted().items()
    words = Words(stamp_of(crashed(pod)[0]), "ValueError: no model", ("ValueError: no model",))
    assert not chart.wanted(), "it is asked for once"
    chart.apply(Batch({ID: None}), NOW)
    assert not chart.apply(Batch({}, {place: words}), NOW)
    assert not chart.examination.findings()
    chart.apply(Batch({ID: raw()}), NOW)
    assert chart.wanted(), "another of its name is another"


def test_last_words_are_told_with_the_life_that_said_them() -> None:
    chart = Chart("kind", "")
    chart.apply(Batch({ID: raw()}), NOW)
    ((place, pod),) = chart.wanted().items()
    words = Words(stamp_of(crashed(pod)[0]), "ValueError: no model", ("ValueError: no model",))
    assert chart.apply(Batch({}, {place: words}), NOW)
    (said,) = chart.examination.findings()
    assert "ValueError: no model" in said.title
    assert not chart.apply(Batch({ID: raw(labels={"a": "b"})}), NOW)
    assert "ValueError: no model" in chart.examination.findings()[0].title


@pytest.mark.parametrize(
    "odd",
    [
        b"", b"[]", b"{", b"null", b'{"spec": 3}', b'{"metadata": [], "status": "x"}',
        b'{"spec": {"containers": [3]}}', b'{"status": {"conditions": [null]}}',
        b'{"spec": {"containers": [{"resources": {"limits": {"memory": "1e999"}}}]}}',
    ],
)  # fmt: skip
def test_objects_that_are_none_are_passed_over(odd: bytes) -> None:
    chart = Chart("kind", "")
    chart.apply(Batch({ID: odd, ("Service", "shop", "x"): odd, ("Node", "", "n"): odd}), NOW)
    assert not [each for each in chart.examination.findings() if each.rule == "kube-crash"]
    chart.apply(Batch({ID: raw()}), NOW)
    assert chart.examination.findings()


def test_a_pod_that_says_little_or_nothing_formed_is_read_as_far_as_it_goes() -> None:
    bare = json.dumps({"metadata": {"name": "a", "namespace": "shop"}}).encode()
    nulls = json.dumps(
        {
            "metadata": {"name": "b", "namespace": "shop", "labels": None, "finalizers": None},
            "spec": {"containers": None, "initContainers": None, "volumes": None},
            "status": {"containerStatuses": None, "conditions": None, "message": None},
        }
    ).encode()
    hostile = [b"", b"[]", b"3", b'{"metadata": []}', b'{"spec": {"containers": {"a": 1}}}']
    objects = {("Pod", "shop", f"h{n}"): data for n, data in enumerate(hostile)}
    chart = Chart("kind", "")
    chart.apply(Batch({("Pod", "", "a"): bare, ("Pod", "", "b"): nulls, **objects, ID: raw()}), NOW)
    assert {pod.name for pod in chart.facts().pods} == {"a", "b", "web-1"}
    assert [each.rule for each in chart.examination.findings()] == ["kube-crash"]
