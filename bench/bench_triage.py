"""Triage of a cluster with 10,000 pods of which 500 are broken: the first list, and an update.

    python bench/bench_triage.py

Pods are given as the API gives them. Prints seconds of work and, since only those mean anything on
another machine, ratios: an update beside the first list, and beside reading all pods' JSON once.
"""

from __future__ import annotations

import json
import statistics
import time
from typing import Any

import msgspec

from mltui.live.kube.chart import Batch, Chart, Id
from mltui.triage.diagnosis import told
from mltui.triage.facts import Facts
from mltui.triage.rules import rules

PODS, BROKEN, APPS, NODES = 10_000, 500, 200, 100
NOW = 1_800_000_000.0
SINCE = "2026-11-25T12:00:00Z"


def pod(number: int, restarts: int = 0) -> dict[str, Any]:
    """One as a Deployment makes it."""
    app = f"web-{number % APPS}"
    is_broken = number % (PODS // BROKEN) == 0
    state: dict[str, Any] = {"running": {"startedAt": SINCE}}
    if is_broken:
        state = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s"}}
    ended = {"exitCode": 1, "reason": "Error", "finishedAt": SINCE}
    return {
        "kind": "Pod",
        "metadata": {
            "name": f"{app}-5d8f9c-{number}",
            "namespace": f"team-{number % 20}",
            "uid": f"00000000-0000-0000-0000-{number:012}",
            "resourceVersion": str(number),
            "creationTimestamp": SINCE,
            "labels": {"app": app, "pod-template-hash": "5d8f9c", "tier": "web"},
            "ownerReferences": [
                {"kind": "ReplicaSet", "name": f"{app}-5d8f9c", "controller": True}
            ],
            "managedFields": [
                {"manager": "kubelet", "fieldsV1": {f"f:{n}": {} for n in range(30)}}
            ],
        },
        "spec": {
            "nodeName": f"node-{number % NODES}",
            "serviceAccountName": "default",
            "containers": [
                {
                    "name": "main",
                    "image": "web:1",
                    "ports": [{"name": "http", "containerPort": 80}],
                    "resources": {
                        "requests": {"cpu": "100m", "memory": "64Mi"},
                        "limits": {"memory": "128Mi"},
                    },
                    "readinessProbe": {"httpGet": {"path": "/", "port": 80}},
                    "volumeMounts": [{"name": "token", "mountPath": "/var/run/secrets"}],
                }
            ],
            "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists"}],
        },
        "status": {
            "phase": "Running",
            "conditions": [
                {"type": each, "status": "True", "lastTransitionTime": SINCE}
                for each in ("Initialized", "Ready", "ContainersReady", "PodScheduled")
            ],
            "containerStatuses": [
                {
                    "name": "main",
                    "ready": not is_broken,
                    "restartCount": restarts + (9 if is_broken else 0),
                    "state": state,
                    "lastState": {"terminated": ended} if is_broken else {},
                    "imageID": "sha256:0",
                }
            ],
        },
    }


def _id(raw: dict[str, Any]) -> Id:
    return "Pod", raw["metadata"]["namespace"], raw["metadata"]["name"]


def objects() -> dict[Id, bytes | None]:
    """All of them, by identity."""
    found: dict[Id, bytes | None] = {}
    for number in range(PODS):
        raw = pod(number)
        found[_id(raw)] = json.dumps(raw).encode()
    for number in range(APPS):
        meta: dict[str, Any] = {"name": f"web-{number}", "namespace": f"team-{number % 20}"}
        service = {
            "metadata": {**meta, "creationTimestamp": SINCE},
            "spec": {"selector": {"app": f"web-{number}"}, "ports": [{"port": 80}]},
        }
        found[("Service", meta["namespace"], meta["name"])] = json.dumps(service).encode()
        behind = {
            "metadata": {**meta, "labels": {"kubernetes.io/service-name": meta["name"]}},
            "endpoints": [{"conditions": {"ready": True}} for _ in range(PODS // APPS)],
        }
        found[("EndpointSlice", meta["namespace"], meta["name"])] = json.dumps(behind).encode()
    for number in range(NODES):
        found[("Node", "", f"node-{number}")] = json.dumps(
            {"metadata": {"name": f"node-{number}"}, "status": {"allocatable": {"cpu": "8"}}}
        ).encode()
    return found


def main() -> None:
    """Measure, print."""
    everything = objects()
    began = time.process_time()
    for raw in everything.values():
        if raw is not None:
            msgspec.json.decode(raw)
    decoding_s = time.process_time() - began

    rules()  # loaded with the project's own first diagnosis, before any cluster has answered
    chart = Chart("kind", "")
    began = time.process_time()
    chart.apply(Batch(everything), NOW)
    reading_s = time.process_time() - began
    found = told(Facts(NOW), [chart.examination])
    first_s = time.process_time() - began
    broken = sum("crashes" in each.title for each in found)

    updates, asked = [], []
    for turn in range(1, 21):
        changed = pod(turn * (PODS // BROKEN), restarts=turn)
        id_, data = _id(changed), json.dumps(changed).encode()
        before = chart.examination.examined
        began = time.process_time()
        chart.apply(Batch({id_: data}), NOW + turn)
        told(Facts(NOW + turn), [chart.examination])
        updates.append(time.process_time() - began)
        asked.append(chart.examination.examined - before)
    update_s = statistics.median(updates)
    print(f"{PODS} pods, {BROKEN} broken: {len(found)} findings ({broken} of crashes)")
    print(f"  decoding all JSON        {decoding_s:7.3f} s of work")
    print(f"  reading and judging all  {reading_s:7.3f} s")
    print(f"  the first list           {first_s:7.3f} s  {first_s / decoding_s:5.1f} × decoding")
    print(
        f"  an update, median        {update_s:7.4f} s  1/{first_s / update_s:.0f} of the first; "
        f"rules asked about {max(asked)} rows at most"
    )


if __name__ == "__main__":
    main()
