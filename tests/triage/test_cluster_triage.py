"""Broken workloads on a real cluster: the first line says the true cause, healthy ones are silent.

All are applied at once, since most of the time is waiting for them to break.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mltui.live.kube.cluster import open_clusters
from mltui.live.kube.place import Place
from mltui.live.kube_facts import look
from mltui.triage.diagnosis import diagnose
from mltui.triage.facts import Facts
from mltui.triage.finding import Finding
from mltui.triage.recording import read_facts, write_facts

from .corpus import Case, cases, healthy

if TYPE_CHECKING:
    from tests.testbed.cluster import Cluster

DEADLINE_S = 240.0
LATER_S = 90.0
"""Diagnosed as if so much later: what is stuck is told after a minute."""


@pytest.fixture
def spaces(cluster: Cluster) -> Iterator[dict[str, str]]:
    """Three namespaces: one that allows everything, one without quota left, one that is strict."""
    mark = uuid.uuid4().hex[:6]
    names = {name: f"mltui-triage-{mark}-{name}" for name in ("main", "quota", "strict")}
    for name in names.values():
        cluster.kubectl("create", "namespace", name)
    cluster.kubectl("create", "quota", "none", "--hard=pods=0", "-n", names["quota"])
    label = "pod-security.kubernetes.io/enforce=restricted"
    cluster.kubectl("label", "namespace", names["strict"], label)
    try:
        yield names
    finally:
        patch = '{"metadata":{"finalizers":null}}'
        cluster.kubectl(
            "patch",
            "configmap",
            "kept",
            "-n",
            names["main"],
            "--type=merge",
            "-p",
            patch,
            check=False,
        )
        for name in names.values():
            cluster.kubectl("delete", "namespace", name, "--wait=false", check=False)


async def looked(cluster: Cluster, spaces: dict[str, str]) -> Facts:
    clusters = await asyncio.to_thread(open_clusters, cluster.environ)
    try:
        context = clusters.config.context(None).name
        places = [Place(context, space) for space in spaces.values()]
        while True:  # a node with two processors and eighty pods may be slow to answer
            found, _, unseen = await look(clusters, places)
            if found:
                break
    finally:
        await clusters.close()
    assert not unseen
    (kube,) = found
    ours = tuple(each for each in kube.leaving if each.namespace in spaces.values())
    return Facts(time.time() + LATER_S, clusters=(replace(kube, leaving=ours),))


def named(findings: list[Finding], name: str) -> list[Finding]:
    """Findings about a workload."""
    words = (f" {name} ", f"{name}-", f" {name}:")
    return [each for each in findings if any(w in f" {each.object} {each.title} " for w in words)]


def keep(facts: Facts, spaces: dict[str, str], registry: str, file: Path) -> None:
    """For the tests of rules without a cluster, a row a line."""
    text = write_facts(facts).replace(registry, "localhost:5000")
    for name, space in spaces.items():
        text = text.replace(space, f"ml-{name}")
    raw = json.loads(text)
    (kube,) = raw.pop("clusters")
    rows = []
    for kind, found in kube.items():
        if isinstance(found, list):
            lines = ",\n   ".join(json.dumps(row, separators=(",", ":")) for row in found)
            rows.append(f'  "{kind}": [\n   {lines}\n  ]')
        else:
            rows.append(f'  "{kind}": {json.dumps(found)}')
    head = "".join(f' "{name}": {json.dumps(value)},\n' for name, value in raw.items())
    body = ",\n".join(rows)
    file.write_text(f'{{\n{head} "clusters": [{{\n{body}\n }}]\n}}\n', encoding="utf-8")


def is_told(findings: list[Finding], case: Case) -> bool:
    return any(
        case.says in f"{each.title} | {each.cause}" and each.rule == case.rule for each in findings
    )


@pytest.mark.timeout(480)
async def test_every_broken_workload_is_told_and_no_healthy_one(
    cluster: Cluster, spaces: dict[str, str]
) -> None:
    registry = cluster.need_registry()
    base = f"{registry}/debian:1"
    corpus = cases(base, registry)
    objects = [(case.space, each) for case in corpus.values() for each in case.objects]
    for space, namespace in spaces.items():
        chosen = [each for where, each in objects if where == space]
        if space == "main":
            chosen += healthy(base)
        cluster.apply(*chosen, namespace=namespace)
    cluster.kubectl("delete", "configmap", "kept", "-n", spaces["main"], "--wait=false")
    loop = asyncio.get_running_loop()
    until = loop.time() + DEADLINE_S
    while True:
        facts = await looked(cluster, spaces)
        found = diagnose(facts)
        untold = [name for name, case in corpus.items() if not is_told(found, case)]
        if not untold or loop.time() > until:
            break
        await asyncio.sleep(2)
    if (record := os.environ.get("MLTUI_RECORD")) is not None:
        keep(facts, spaces, registry, Path(record))
    said = "\n".join(f"{each.rule}: {each.title} | {each.cause}" for each in found)
    assert not untold, f"{untold} not told, but:\n{said}"
    first = {name: next(x for x in found if is_told([x], case)) for name, case in corpus.items()}
    extra = [each.title for each in found if each not in first.values()]
    assert not extra, f"told besides: {extra}"
    assert all(each.evidence for each in found)
    # The Service of pods that are not ready is a symptom of them, not a second finding.
    assert any("Service not-ready" in text for text in first["not-ready"].symptoms)
    assert diagnose(read_facts(write_facts(facts))) == found
