"""What Job, pod and events say about an attempt, where no cluster shows it at will."""

from __future__ import annotations

from typing import Any

import pytest

from mltui.engines.kubernetes.standing import (
    Phase,
    interruption,
    read_result,
    read_standing,
)
from mltui.engines.protocol import Exit, Stopped

JOB: dict[str, Any] = {"metadata": {"name": "j", "uid": "u"}, "status": {}}


def _job(kind: str, reason: str) -> dict[str, Any]:
    return {
        **JOB,
        "status": {"conditions": [{"type": kind, "status": "True", "reason": reason}]},
    }


def _pod(
    stage: dict[str, Any] | None = None,
    *,
    fetch: dict[str, Any] | None = None,
    keep: dict[str, Any] | None = None,
    conditions: tuple[tuple[str, str, str], ...] = (),
    deleted: bool = False,
    **status: Any,
) -> dict[str, Any]:
    containers = [{"name": "stage", "state": stage or {}}, {"name": "keep", "state": keep or {}}]
    return {
        "metadata": {"creationTimestamp": "1", **({"deletionTimestamp": "2"} if deleted else {})},
        "spec": {"nodeName": "n1"},
        "status": {
            "initContainerStatuses": [{"name": "fetch", "state": fetch or {}}],
            "containerStatuses": containers,
            "conditions": [
                {"type": kind, "status": "False" if kind == "PodScheduled" else "True",
                 "reason": reason, "message": message}
                for kind, reason, message in conditions
            ],
            **status,
        },
    }  # fmt: skip


def _warning(reason: str, message: str, at: str = "1") -> dict[str, Any]:
    return {"type": "Warning", "reason": reason, "message": message, "lastTimestamp": at}


def _ended(code: int, reason: str = "Error", message: str = "") -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "reason": reason, "message": message}}


LOST = (
    (_pod(phase="Failed", reason="Evicted", message="The node was low on memory\x1b[31m."),
     "it was evicted from the node n1: The node was low on memory"),
    (_pod(conditions=(("DisruptionTarget", "DeletionByTaintManager", ""),), deleted=True),
     "its node n1 was lost"),
    (_pod(conditions=(("DisruptionTarget", "PreemptionByScheduler", ""),), phase="Failed"),
     "make room for a pod of higher priority"),
    (_pod(phase="Failed", reason="OutOfcpu", message="Node didn't have enough resource: cpu"),
     "the node n1 does not take its pod: Node didn't have enough resource"),
    (_pod(_ended(137, "ContainerStatusUnknown")), "the node n1 forgot it"),
    (_pod(fetch=_ended(3, message="content 12 is damaged")),
     "its code and inputs did not arrive: content 12 is damaged"),
)  # fmt: skip


@pytest.mark.parametrize(("pod", "said"), LOST)
def test_what_ends_it_from_outside(pod: dict[str, Any], said: str) -> None:
    found = read_standing(JOB, [pod])
    assert found.phase is Phase.ENDED
    assert found.is_final
    assert found.exit is not None
    assert found.exit.how is Stopped.LOST
    assert said in found.exit.message
    assert found.exit.message.isprintable()


def test_what_it_waits_for() -> None:
    message = "0/1 nodes are available: 1 Insufficient cpu."
    pod = _pod(conditions=(("PodScheduled", "Unschedulable", message),))
    found = read_standing(JOB, [pod])
    assert found.is_stuck
    assert found.why == "no node can take it: 0/1 nodes are available: 1 Insufficient cpu"
    pull = {"waiting": {"reason": "ErrImagePull", "message": "dial tcp: i/o timeout"}}
    found = read_standing(JOB, [_pod(pull)])
    assert found.is_stuck
    assert "i/o timeout" in found.why
    mount = _warning("FailedMount", 'secret "x" not found')
    found = read_standing(JOB, [_pod()], [mount])
    assert found.why == 'its pod can\'t begin: secret "x" not found'
    assert not read_standing(JOB, [_pod()]).is_stuck
    assert read_standing(JOB, [_pod({"running": {}})]).phase is Phase.RUNNING


def test_a_deadline_and_a_job_that_is_gone() -> None:
    found = read_standing(_job("Failed", "DeadlineExceeded"), [_pod({"running": {}})])
    assert found.exit is not None
    assert found.exit.how is Stopped.DEADLINE
    gone = read_standing(None, [])
    assert gone.exit is not None
    assert gone.exit.message == "its Job was removed by somebody else"
    assert interruption(JOB, [_pod(deleted=True)]) == "its pod was removed by somebody else"
    assert interruption(JOB, [_pod()]) == ""


def test_an_eviction_is_known_when_its_pod_is_gone() -> None:
    conditions = (("DisruptionTarget", "EvictionByEvictionAPI", ""),)
    last = _pod({"running": {}}, conditions=conditions, deleted=True)
    found = read_standing(_job("Failed", "BackoffLimitExceeded"), [], (), last)
    assert found.exit is not None
    assert "evicted from the node n1" in found.exit.message
    assert "evicted from the node n1" in interruption(JOB, [], last)
    for seen in (None, _pod({"running": {}})):
        assert interruption(JOB, [], seen) == "its pod was removed by somebody else"


@pytest.mark.parametrize(
    ("message", "how"),
    [
        ("admission webhook \"v.example\" denied the request: no", Stopped.REFUSED),
        ('pods "a-b" is forbidden: ValidatingAdmissionPolicy \'p\' denied request: no',
         Stopped.REFUSED),
        ('pods "a-b" is forbidden: exceeded quota: q, requested: requests.nvidia.com/gpu=2,pods=1, '
         "used: pods=0, limited: requests.nvidia.com/gpu=1,pods=9", Stopped.REFUSED),
        ('pods "a-b" is forbidden: exceeded quota: q, requested: pods=1, used: pods=9, '
         "limited: pods=9", None),
        ('Internal error occurred: failed calling webhook "v": timed out', None),
    ],
)  # fmt: skip
def test_a_pod_that_is_not_admitted(message: str, how: Stopped | None) -> None:
    found = read_standing(JOB, [], [_warning("FailedCreate", message)])
    assert (found.exit.how if found.exit else None) is how
    assert found.is_stuck is (how is None)


@pytest.mark.parametrize(
    ("result", "seen", "how", "code"),
    [
        ({"code": 0, "cpu_us": "1500000", "peak": "7"}, None, Stopped.EXITED, 0),
        ({"code": 137, "ooms": "1"}, None, Stopped.OUT_OF_MEMORY, 137),
        ({"code": 137, "ooms": "0"}, None, Stopped.SIGNALLED, 137),
        ({"code": None}, Exit(Stopped.OUT_OF_MEMORY, 137), Stopped.OUT_OF_MEMORY, 137),
        ({"code": None}, None, Stopped.SIGNALLED, 137),
        # Something of it was killed and it went on well: that is its own business.
        ({"code": 0, "ooms": "3"}, Exit(Stopped.OUT_OF_MEMORY, 0), Stopped.EXITED, 0),
    ],
)
def test_what_the_keeper_noted(
    result: dict[str, Any], seen: Exit | None, how: Stopped, code: int
) -> None:
    found = read_result(result, seen, has_limit=True)
    assert (found.how, found.code) == (how, code)
    if "peak" in result:
        assert (found.usage.cpu_s, found.usage.peak_memory_bytes) == (1.5, 7)
