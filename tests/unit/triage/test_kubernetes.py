"""The rules on rows that a real cluster gave: `cluster.json` was recorded from the corpus."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.triage.corpus import cases

from mltui.triage.diagnosis import diagnose
from mltui.triage.facts import Facts, StageFact
from mltui.triage.finding import Finding
from mltui.triage.kube import Condition, KubeFacts, Node, Owner, Pod, PodContainer, Workload
from mltui.triage.kube_reading import read_objects
from mltui.triage.kube_routes import Service, ServicePort
from mltui.triage.recording import read_facts

RECORD = read_facts((Path(__file__).parent / "cluster.json").read_text(encoding="utf-8"))
CASES = cases("localhost:5000/debian:1", "localhost:5000")
FOUND = diagnose(RECORD)
AT = RECORD.at


@pytest.mark.parametrize("name", CASES)
def test_the_true_cause_of(name: str) -> None:
    case = CASES[name]
    told = [x for x in FOUND if case.says in f"{x.title} | {x.cause}" and x.rule == case.rule]
    assert len(told) == 1, [each.title for each in FOUND]
    assert told[0].evidence


def test_nothing_else_is_told() -> None:
    assert len(FOUND) == len(CASES)


def diagnosed(**rows: object) -> list[Finding]:
    return diagnose(Facts(AT, project="digits", clusters=(KubeFacts("kind", **rows),)))  # type: ignore[arg-type]


def crashing(number: int, **more: object) -> Pod:
    container = PodContainer(
        "main", "web:1", state="waiting", reason="CrashLoopBackOff", restarts=9,
        last_reason="Error", last_exit_code=1, exception="ValueError: no model",
    )  # fmt: skip
    values: dict[str, object] = {
        "phase": "Running",
        "owner": Owner("ReplicaSet", "web-5d8f"),
        "labels": {"app": "web"},
        "node": "a",
        "containers": (container,),
    }
    return Pod("shop", f"web-5d8f-{number}", **{**values, **more})  # type: ignore[arg-type]


def test_forty_crashing_pods_are_one_finding_with_the_service_below() -> None:
    web = Service("shop", "web", {"app": "web"}, (ServicePort(80, "80"),), 0, 40, AT - 999)
    before = Workload("Deployment", "shop", "web", desired=40, has_earlier=True)
    pods = tuple(map(crashing, range(40)))
    (found,) = diagnosed(pods=pods, services=(web,), workloads=(before,))
    assert found.title == "Deployment web crashes over and over: ValueError: no model"
    assert found.counted == "40 pods"
    assert any("Service web in shop has no ready pod" in text for text in found.symptoms)
    assert found.fixes[0].title == "roll Deployment web back to the revision before"
    first = replace(before, has_earlier=False)
    (found,) = diagnosed(pods=pods, services=(web,), workloads=(first,))
    assert not [fix for fix in found.fixes if "revision" in fix.title]


def test_a_dead_node_explains_its_pods() -> None:
    lost = Condition("Ready", "Unknown", "NodeStatusUnknown", "Kubelet stopped posting", AT - 60)
    (found,) = diagnosed(pods=(crashing(1), crashing(2)), nodes=(Node("a", (lost,)),))
    assert found.title == "node a is not ready"
    assert "its kubelet says nothing any more" in found.cause and found.symptoms


def test_the_pod_of_a_stage_is_told_with_the_stage() -> None:
    labels = {
        "mltui.project": "digits", "mltui.run": "14", "mltui.stage": "train",
        "mltui.attempt": "1", "mltui.round": "2",
    }  # fmt: skip
    killed = PodContainer("main", state="terminated", reason="OOMKilled", exit_code=137)
    pod = Pod(
        "dev", "train-x", "Failed", owner=Owner("Job", "train"), labels=labels,
        containers=(killed,),
    )  # fmt: skip
    stage = StageFact(
        14, "train", "train~2", "failed", path=(2,), engine="kubernetes", failure="program",
        exit_code=137, reason="exit code 137",
    )  # fmt: skip
    facts = Facts(AT, project="digits", stages=(stage,), clusters=(KubeFacts("kind", pods=(pod,)),))
    (found,) = diagnose(facts)
    assert found.title == "train~2 of run 14 runs out of memory"
    assert any("pod train-x in dev: Failed, main: OOMKilled" in x.text for x in found.evidence)
    other = replace(facts, project="else", stages=())
    assert [each.rule for each in diagnose(other)] == ["kube-memory"]


def test_what_kubectl_prints_is_read_too() -> None:
    """Events may be gone: then the cause is a guess, and says so."""
    status = {"name": "main", "state": {"waiting": {"reason": "ImagePullBackOff"}}}
    raw = {
        "kind": "Pod",
        "metadata": {"name": "a\x1b[31mb", "namespace": "x", "labels": None},
        "spec": {"containers": [{"name": "main", "image": "web:1"}]},
        "status": {"phase": "Pending", "containerStatuses": [status]},
    }
    kube = read_objects([raw, {"kind": "Odd"}, {}])
    (found,) = diagnose(Facts(AT, clusters=(kube,)))
    assert "image web:1 can't be pulled" in found.title and found.confidence < 1
    assert "\x1b" not in found.object
