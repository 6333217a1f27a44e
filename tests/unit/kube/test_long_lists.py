"""Long lists come in parts: none is lost or torn, however they are cut and whoever refuses."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltui.engines.kubernetes import answers
from mltui.engines.kubernetes.answers import Pieces
from mltui.engines.kubernetes.client import open_client
from mltui.engines.kubernetes.resources import PODS
from mltui.live.kinds.kube._pod import Pod, read_pod
from mltui.live.kube.chart import Batch, Chart
from mltui.triage.kube_pods import decode_pod

from .server import Answer, ApiServer, Asked, kubeconfig, refusal

ODD = '},{"metadata":{"name":"x","uid":"'
"""Text that looks like a place to cut; in a string its quotes are escaped."""


def _object(number: int, text: str, *, nested: int = 0, generated: bool = False) -> dict[str, Any]:
    name = {"name": f"web-{number}", **({"generateName": "web-"} if generated else {})}
    meta = {**name, "namespace": "dev", "uid": f"uid-{number}", "annotations": {"a": text}}
    templates = [{"metadata": {"name": f"claim-{n}"}, "spec": {"a": text}} for n in range(nested)]
    return {"metadata": meta, "spec": {"volumeClaimTemplates": templates}}


def _list(items: list[Any], **meta: Any) -> bytes:
    head = {"kind": "List", "metadata": {"resourceVersion": "7", **meta}}
    return json.dumps({**head, "items": items}, separators=(",", ":"), ensure_ascii=False).encode()


OBJECTS = st.builds(
    _object,
    st.integers(0, 99),
    st.text(max_size=20) | st.just(ODD),
    nested=st.integers(0, 3),
    generated=st.booleans(),
)


@given(st.lists(OBJECTS, max_size=12), st.lists(st.integers(1, 300), min_size=1, max_size=20))
def test_pieces_are_lists_that_together_are_the_whole(items: list[Any], sizes: list[int]) -> None:
    raw, pieces, found = _list(items), Pieces(), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(answers, "_PIECE_BYTES", 200)
        pieces = Pieces()
        at = 0
        while at < len(raw):
            size = sizes[at % len(sizes)]
            found.append(pieces.feed(raw[at : at + size]))
            at += size
        found.append(pieces.rest())
    lists = [json.loads(piece) for piece in found if piece]
    assert all(each["metadata"]["resourceVersion"] == "7" for each in lists)
    assert [item for each in lists for item in each["items"]] == items


def test_what_is_not_written_as_servers_do_stays_whole() -> None:
    raw = json.dumps({"rows": [{"cells": ["x" * 100]}] * 50, "metadata": {}}).encode()
    pieces = Pieces()
    assert not any(pieces.feed(raw[at : at + 64]) for at in range(0, len(raw), 64))
    assert pieces.rest() == raw


async def _names(tmp_path: Path, handle: Callable[[Asked], Awaitable[Answer]]) -> list[str]:
    server = await ApiServer(handle).open()
    client = await open_client(environ=kubeconfig(tmp_path / "config", server.url, {}))
    try:
        found = []
        async for raw in client.pages(PODS, "dev", at_once=True):
            found += [item["metadata"]["name"] for item in json.loads(raw)["items"]]
        return found
    finally:
        await client.close()
        await server.close()


async def test_after_the_first_page_the_rest_is_asked_for_at_once(tmp_path: Path) -> None:
    items = [_object(number, "x" * 9000) for number in range(1200)]
    asked_for: list[dict[str, str]] = []

    async def handle(asked: Asked) -> Answer:
        asked_for.append(asked.query)
        if asked.query.get("resourceVersion") == "0":
            return 200, _list(items)
        return 200, _list(items[:100], **{"continue": "more"})

    found = await _names(tmp_path, handle)
    assert found == [each["metadata"]["name"] for each in items[:100] + items]
    assert asked_for == [{"limit": "100"}, {"resourceVersion": "0"}]


async def test_where_that_is_refused_the_pages_go_on(tmp_path: Path) -> None:
    items = [_object(number, "") for number in range(150)]

    async def handle(asked: Asked) -> Answer:
        if asked.query.get("resourceVersion") == "0":
            return refusal(429, "TooManyRequests", "storage is (re)initializing")
        if asked.query.get("continue") == "more":
            return 200, _list(items[100:])
        return 200, _list(items[:100], **{"continue": "more"})

    assert await _names(tmp_path, handle) == [each["metadata"]["name"] for each in items]


def _pod(number: int) -> bytes:
    container = {"name": "main", "image": "ml/train:v3"}
    state = {"name": "main", "ready": True, "restartCount": 2, "state": {"running": {}}}
    pod = {
        "metadata": {"name": f"worker-{number}", "namespace": "load", "uid": f"u{number}",
                     "labels": {"app": "worker"}},
        "spec": {"nodeName": "kwok-1", "serviceAccountName": "default", "containers": [container]},
        "status": {"phase": "Running", "containerStatuses": [state]},
    }  # fmt: skip
    return json.dumps(pod).encode()


def test_what_pods_have_alike_is_kept_once() -> None:
    """Ten thousand of them stay in memory."""
    rows = [read_pod(msgspec.json.decode(_pod(n), type=Pod), "kind") for n in range(2)]
    for name in ("namespace", "phase", "status", "image", "node", "labels", "containers"):
        one, other = (getattr(row, name) for row in rows)
        assert one and one is other, name
    judged = [decode_pod(_pod(n)) for n in range(2)]
    for name in ("namespace", "phase", "node", "labels", "account"):
        one, other = (getattr(pod, name) for pod in judged)
        assert one and one is other, name
    assert judged[0].containers[0] is judged[1].containers[0]


def test_what_a_cluster_sent_is_let_go_as_it_is_read() -> None:
    batch = Batch({("Pod", "load", f"worker-{n}"): _pod(n) for n in range(3)})
    chart = Chart("kind", "")
    chart.read(batch)
    assert not batch.objects and len(chart.facts().pods) == 3
