"""Whatever befalls a stage in a real cluster: a class of its own, and a sentence for it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mltui.engines.kubernetes.manifest import RECORD, job_name
from mltui.engines.protocol import Attempt, Exit, Stopped
from mltui.errors import StartFailed
from mltui.spec.model import Pods, Resources, Toleration

from .box import Box

if TYPE_CHECKING:
    from tests.testbed.cluster import Cluster


DEADLINE_S = 240.0


async def _until_pod(box: Box, attempt: Attempt, *fields: str) -> str:
    """The name of its pod, once `jsonpath` fields are there."""
    selector = f"{RECORD}={job_name(attempt.name)}"
    path = "{.items[*].metadata.name}" + "".join(f"|{{.items[*]{each}}}" for each in fields)
    deadline = asyncio.get_running_loop().time() + DEADLINE_S
    while asyncio.get_running_loop().time() < deadline:
        found = await asyncio.to_thread(
            box.cluster.kubectl, "get", "pods", "-n", box.namespace, "-l", selector,
            "-o", f"jsonpath={path}",
        )  # fmt: skip
        if all(found.split("|")):
            return found.split("|")[0]
        await asyncio.sleep(0.1)
    raise AssertionError("its pod did not get so far")


@pytest.mark.timeout(600)
async def test_each_end_has_its_own_class_and_sentence(box: Box) -> None:
    registry = box.cluster.need_registry()
    # Not at once: of memory that runs out in its first moments a container's host may not hear.
    eat = "import time\ntime.sleep(2)\nx = []\nwhile True: x.append(bytearray(8 << 20))"
    small = Resources(memory_bytes=64 << 20)
    attempts = {
        "exit": await box.attempt(shell="echo last words; exit 3"),
        "signal": await box.attempt("sh", "-c", "kill -11 $$"),
        "memory": await box.attempt("python3", "-c", eat, resources=small),
        "all memory": await box.attempt(shell=f"echo begun; exec python3 -c '{eat}'",
                                        resources=small),
        "program": await box.attempt("no-such-program"),
        "image": await box.with_image(await box.attempt("true"), f"{registry}/no/such:1"),
        "registry": await box.with_image(await box.attempt("true"), "localhost:1/no:1"),
        "node": await box.attempt("true", resources=Resources(cpu=400)),
        "gpu": await box.attempt("true", resources=Resources(gpu=1)),
    }  # fmt: skip

    hasty = box.another(replace(box.pods, patience_s=3.0))  # with what never begins

    async def end(name: str, attempt: Attempt) -> Exit:
        engine = hasty if name in ("registry", "node", "gpu") else box.engine
        async with asyncio.timeout(DEADLINE_S):
            return await box.run(attempt, engine)

    gathered = await asyncio.gather(*(end(*each) for each in attempts.items()))
    await hasty.close()
    ends = dict(zip(attempts, gathered, strict=True))
    assert (ends["exit"].how, ends["exit"].code) == (Stopped.EXITED, 3)
    assert attempts["exit"].log.read_bytes() == b"last words\n"
    assert (ends["signal"].how, ends["signal"].code) == (Stopped.SIGNALLED, 139)
    assert ends["memory"].how is Stopped.OUT_OF_MEMORY
    assert ends["all memory"].how is Stopped.OUT_OF_MEMORY
    assert attempts["all memory"].log.read_bytes() == b"begun\n"
    assert ends["program"].how is Stopped.REFUSED
    assert ends["program"].message == "its image has no program 'no-such-program'"
    assert ends["image"].how is Stopped.REFUSED
    assert "its image can't be had" in ends["image"].message
    assert "no/such" in ends["image"].message
    assert ends["registry"].how is Stopped.LOST
    assert "its image does not come" in ends["registry"].message
    assert ends["node"].how is Stopped.LOST
    assert "no node can take it" in ends["node"].message
    assert "Insufficient cpu" in ends["node"].message
    assert "Insufficient nvidia.com/gpu" in ends["gpu"].message


@pytest.mark.timeout(900)
async def test_quota_limit_range_and_policy(
    cluster: Cluster, namespace: str, docker_host: object, tmp_path: Path
) -> None:
    box = Box(cluster, namespace, tmp_path)
    assert (await box.run(await box.attempt("true"))).code == 0
    box.engine.target = replace(box.engine.target, pods=Pods(patience_s=2.0))

    async def denied(memory_bytes: int | None = None) -> Exit:
        """How a stage ends where a rule that was just made counts; it does so some time later."""
        resources = Resources(memory_bytes=memory_bytes)
        async with asyncio.timeout(DEADLINE_S):
            while True:
                end = await box.run(await box.attempt("true", resources=resources))
                if end.code != 0:
                    return end

    def quota(**hard: str) -> None:
        spec = {"hard": {name.replace("_", "."): value for name, value in hard.items()}}
        meta = {"name": "q"}
        body = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": meta, "spec": spec}
        cluster.apply(body, namespace=namespace)

    quota(pods="1")
    end = await denied()
    assert end.how is Stopped.LOST
    assert "the quota of its namespace is used up" in end.message
    assert "limited: pods=1" in end.message
    quota(limits_memory="3Gi")
    end = await denied(4 << 30)
    assert end.how is Stopped.REFUSED
    assert "it asks for more than the quota" in end.message
    cluster.kubectl("delete", "resourcequota", "q", "-n", namespace)

    limits = [{"type": "Container", "max": {"memory": "1Gi"}}]
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "LimitRange",
            "metadata": {"name": "r"},
            "spec": {"limits": limits},
        },
        namespace=namespace,
    )
    end = await denied(2 << 30)
    assert end.how is Stopped.REFUSED
    assert "does not admit its pod" in end.message
    assert "maximum memory usage per Container is 1Gi" in end.message
    cluster.kubectl("delete", "limitrange", "r", "-n", namespace)
    for kind, group, path in (("pods", "", "spec.containers"), ("jobs", "batch", "spec.template")):
        said = await _denied(box, kind, group, f"!has(object.{path})")
        assert "nobody may" in said
    await box.engine.close()


async def _denied(box: Box, kind: str, group: str, rule: str) -> str:
    """What is said of a stage whose pod, or Job, a policy of the cluster denies."""
    name = f"mltui-{box.mark}-{kind}"
    rules = [
        {"apiGroups": [group], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": [kind]}
    ]
    within = {"matchLabels": {"kubernetes.io/metadata.name": box.namespace}}
    api, policy = "admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy"
    validations = [{"expression": rule, "message": f"nobody may make {kind}"}]
    box.cluster.apply(
        {
            "apiVersion": api,
            "kind": policy,
            "metadata": {"name": name},
            "spec": {
                "matchConstraints": {"resourceRules": rules, "namespaceSelector": within},
                "validations": validations,
            },
        },
        {
            "apiVersion": api,
            "kind": f"{policy}Binding",
            "metadata": {"name": name},
            "spec": {"policyName": name, "validationActions": ["Deny"]},
        },
    )
    try:
        for _ in range(60):  # a policy counts some time after it was made
            try:
                end = await box.run(await box.attempt("true"))
            except StartFailed as error:
                return str(error)
            if end.code != 0:
                assert end.how is Stopped.REFUSED
                return end.message
        raise AssertionError("the policy denies nothing")
    finally:
        for each in (f"{policy}Binding", policy):
            box.cluster.kubectl("delete", each, name)


@pytest.mark.timeout(600)
async def test_evicted_and_removed_by_others(box: Box) -> None:
    evicted, deleted, jobless = [await box.attempt(shell="echo up; sleep 600") for _ in range(3)]
    objs = [await box.engine.start(each) for each in (evicted, deleted, jobless)]
    waits = [
        asyncio.ensure_future(box.engine.wait(attempt, obj))
        for attempt, obj in zip((evicted, deleted, jobless), objs, strict=True)
    ]
    pods = [
        await _until_pod(box, each, ".status.containerStatuses[*].state.running.startedAt")
        for each in (evicted, deleted, jobless)
    ]
    path = f"/api/v1/namespaces/{box.namespace}/pods/{pods[0]}/eviction"
    body = {
        "apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pods[0]},
        "deleteOptions": {"gracePeriodSeconds": 1},
    }  # fmt: skip
    box.cluster.kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(body))
    query = ("-n", box.namespace, "--wait=false", "--grace-period=1")
    box.cluster.kubectl("delete", "pod", pods[1], *query)
    box.cluster.kubectl("delete", "job", objs[2].partition("/")[0], *query)
    ends = await asyncio.wait_for(asyncio.gather(*waits), DEADLINE_S)
    for attempt, obj in zip((evicted, deleted, jobless), objs, strict=True):
        await box.engine.remove(attempt, obj)
    assert [end.how for end in ends] == [Stopped.LOST] * 3
    assert "evicted from the node" in ends[0].message
    assert "its pod was removed by somebody else" in ends[1].message
    assert "removed by somebody else" in ends[2].message


@pytest.mark.timeout(600)
async def test_a_lost_node(box: Box) -> None:
    """A node that nobody stands behind: the cluster notices that it does not answer."""
    name = f"lost-{box.mark}"
    taint = {"key": "mltui-test", "value": name, "effect": "NoSchedule"}
    amounts = {"cpu": "4", "memory": "8Gi", "pods": "10", "ephemeral-storage": "10Gi"}
    node = {
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": name, "labels": {"mltui-test": name}},
        "spec": {"taints": [taint]},
    }  # fmt: skip
    box.cluster.kubectl("create", "-f", "-", stdin=json.dumps(node))
    try:
        status = {
            "capacity": amounts,
            "allocatable": amounts,
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}],
        }
        box.cluster.kubectl(
            "patch", "node", name, "--subresource=status", "--type=merge", "-p",
            json.dumps({"status": status}),
        )  # fmt: skip
        tolerations = (
            Toleration("mltui-test"),
            Toleration("node.kubernetes.io/unreachable", effect="NoExecute", seconds=1),
            Toleration("node.kubernetes.io/not-ready", effect="NoExecute", seconds=1),
        )
        pods = Pods({"mltui-test": name}, tolerations)
        engine = box.another(pods)
        attempt = await box.attempt("true")
        obj = await engine.start(attempt)
        end = await asyncio.wait_for(engine.wait(attempt, obj), DEADLINE_S)
        await engine.remove(attempt, obj)
        await engine.close()
        assert end.how is Stopped.LOST
        assert f"its node {name} was lost" in end.message
    finally:
        box.cluster.kubectl("delete", "node", name)
