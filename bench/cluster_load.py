"""Made-up pods for the benches of large clusters: they are there, and change.

Called by `bench_cluster`. The cluster is the second API server of `tests/testbed/cluster.sh kwok`.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mltui.engines.kubernetes.client import Client
    from mltui.engines.kubernetes.resources import Call

SCRIPT = Path(__file__).parent.parent / "tests" / "testbed" / "cluster.sh"
NODES = 100
_AT_ONCE = 8


def scale_cluster() -> dict[str, str] | None:
    """The variables by which programs find it; None, said plainly, where there is none."""
    done = subprocess.run([SCRIPT, "kwok"], capture_output=True, text=True)
    if done.returncode:
        print(f"  no cluster to measure with, nothing measured: {done.stderr.strip()[-300:]}")
        return None
    local = "localhost,127.0.0.1"
    return {"KUBECONFIG": done.stdout.strip(), "NO_PROXY": local, "no_proxy": local}


def _pod(number: int, namespace: str) -> dict[str, Any]:
    container = {
        "name": "main",
        "image": "registry.local/ml/train:v3",
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}},
        "env": [{"name": f"VAR_{index}", "value": "y" * 40} for index in range(12)],
    }
    side = {"name": "side", "image": "registry.local/ml/side:v1"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"worker-{number:05}",
            "namespace": namespace,
            "labels": {"app": f"a{number % 50}"},
            "annotations": {"pad": "x" * 6000},
        },
        "spec": {
            "nodeName": f"kwok-{number % NODES:03}",
            "containers": [container, side],
            "tolerations": [{"operator": "Exists"}],
        },
    }


async def send(client: Client, method: str, call: Call, body: dict[str, Any]) -> int:
    """The status of a request over a connection that is kept; a new one each costs more than it."""
    kind = "merge-patch+json" if method == "PATCH" else "json"
    headers = {"Accept": "application/json", "Content-Type": f"application/{kind}"}
    data = json.dumps(body).encode()
    async with client.exchange(method, call, headers=headers, body=data) as response:
        said = await response.read()
    if response.status in (400, 401, 403, 404, 422):
        raise SystemExit(f"{call.text}: {said.decode()[:300]}")
    return response.status


async def fill(environ: dict[str, str], namespaces: Sequence[str], count: int) -> int:
    """Have at least so many pods there; how many there are."""
    from mltui.engines.kubernetes import resources
    from mltui.engines.kubernetes.client import Client
    from mltui.engines.kubernetes.kubeconfig import read_kubeconfig
    from mltui.errors import Unreachable

    config = read_kubeconfig({**os.environ, **environ})
    client = Client(config, config.context(), {**os.environ, **environ}, patience_s=60)
    room = asyncio.Semaphore(_AT_ONCE)

    async def make(resource: resources.Resource, namespace: str | None, body: Any) -> None:
        # It may be there; of what the server was too slow for the next look tells.
        async with room:
            with suppress(Unreachable):
                await send(client, "POST", resources.Call("create", resource, namespace), body)

    for name in namespaces:
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        await make(resources.NAMESPACES, None, body)
    amounts = {"cpu": "32", "memory": "256Gi", "pods": "200"}
    for index in range(NODES):
        marks = {"kwok.x-k8s.io/node": "fake"}
        node = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": f"kwok-{index:03}", "annotations": marks},
            "status": {"allocatable": amounts, "capacity": amounts},
        }
        await make(resources.NODES, None, node)
    while True:
        there = set[int]()
        for name in namespaces:
            async for raw in client.pages(resources.PODS, name, limit=2000):
                there |= {int(each) for each in re.findall(rb'"name":"worker-(\d+)"', raw)}
        missing = [number for number in range(count) if number not in there]
        if not missing:
            await client.close()
            return len(there)
        await asyncio.gather(
            *(
                make(resources.PODS, namespaces[n % len(namespaces)],
                     _pod(n, namespaces[n % len(namespaces)]))
                for n in missing
            )
        )  # fmt: skip
        await asyncio.sleep(1)


@contextmanager
def changing(
    environ: dict[str, str], namespaces: Sequence[str], count: int, rate: float
) -> Iterator[list[int]]:
    """Pods' restarts grow, `rate` a second, anywhere; how many did so far is in the list.

    Each change has its moment; some are under way at a time, so that a slow answer delays no other.
    """
    from mltui.engines.kubernetes import resources
    from mltui.engines.kubernetes.client import open_client

    done, stop = [0], threading.Event()

    async def work() -> None:
        client = await open_client(environ={**os.environ, **environ})
        began, turn = time.perf_counter(), iter(range(sys.maxsize))
        salt = int(time.time()) % 1000

        async def change() -> None:
            while not stop.is_set():
                index = next(turn)
                await asyncio.sleep(max(0.0, began + index / rate - time.perf_counter()))
                number = (index * 7919) % count
                state: dict[str, Any] = {
                    "ready": True,
                    "restartCount": salt + index // count + 1,
                    "started": True,
                }
                state |= {"image": "i", "imageID": "i", "state": {"running": {}}}
                states = [{"name": "main", **state}, {"name": "side", **state}]
                call = resources.Call(
                    "patch", resources.PODS, namespaces[number % len(namespaces)],
                    f"worker-{number:05}", "status",
                )  # fmt: skip
                await send(client, "PATCH", call, {"status": {"containerStatuses": states}})
                done[0] += 1

        await asyncio.gather(*(change() for _ in range(_AT_ONCE)))
        await client.close()

    thread = threading.Thread(target=lambda: asyncio.run(work()))
    thread.start()
    try:
        yield done
    finally:
        stop.set()
        thread.join()
