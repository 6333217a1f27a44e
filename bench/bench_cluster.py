"""Pods of a large cluster beside k9s and a bare Textual list: time, memory, bytes, processor, keys.

The cluster is the second API server of `tests/testbed/cluster.sh kwok`, filled here with made-up
pods of about 10 KB on 100 nodes; with `--small`, 50 of them. Same server, same terminal size, in
turn. Without k9s on PATH (or `--k9s FILE`) its part is left out and said so.

    python bench/bench_cluster.py [--small] [--pods 10000] [--seconds 20] [--changes 50]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyte

from bench_lazydocker import cpu_s
from measure import MLTUI, Terminal, best, peer, percentile, report

HERE = Path(__file__).parent
SCRIPT = HERE.parent / "tests" / "testbed" / "cluster.sh"
NODES = 100
LARGE = tuple(f"load-{index}" for index in range(10))
SMALL = ("small",)
_ROW = b"worker-"
_SPEC = "mltui: 1\nname: listed\nstages:\n  one: {phase: data, run: 'true'}\n"
_READY = b"Help"
_PATIENCE_S = 180.0
_SETTLE_S = 8.0
_KEYS = 60
_CALM_S, _LOST_S = 0.1, 5.0
_CURSOR = "▌".encode()
_STEPS = (b"\x1b[B", b"\x1b[A")
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


async def fill(environ: dict[str, str], namespaces: Sequence[str], count: int) -> int:
    """Have at least so many pods there; how many there are."""
    from mltui.engines.kubernetes import resources
    from mltui.engines.kubernetes.client import Client
    from mltui.engines.kubernetes.kubeconfig import read_kubeconfig
    from mltui.errors import Conflict, Unreachable

    config = read_kubeconfig({**os.environ, **environ})
    client = Client(config, config.context(), {**os.environ, **environ}, patience_s=60)
    room = asyncio.Semaphore(_AT_ONCE)

    async def make(resource: resources.Resource, namespace: str | None, body: Any) -> None:
        async with room:
            # It may be there; of what the server was too slow for the next look tells.
            with suppress(Conflict, Unreachable):
                await client.create(resource, namespace, body)

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
    """Pods' restarts grow, `rate` a second, anywhere; how many did so far is in the list."""
    from mltui.engines.kubernetes import resources
    from mltui.engines.kubernetes.client import open_client

    done, stop = [0], threading.Event()

    async def work() -> None:
        client = await open_client(environ={**os.environ, **environ})
        began = time.perf_counter()
        while not stop.is_set():
            number = (done[0] * 7919) % count
            state: dict[str, Any] = {
                "ready": True,
                "restartCount": done[0] // count + 1,
                "started": True,
            }
            state |= {"image": "i", "imageID": "i", "state": {"running": {}}}
            body = {
                "status": {
                    "containerStatuses": [{"name": "main", **state}, {"name": "side", **state}]
                }
            }
            await client.patch(
                resources.PODS, namespaces[number % len(namespaces)], f"worker-{number:05}", body,
                subresource="status",
            )  # fmt: skip
            done[0] += 1
            await asyncio.sleep(max(0.0, began + done[0] / rate - time.perf_counter()))
        await client.close()

    thread = threading.Thread(target=lambda: asyncio.run(work()))
    thread.start()
    try:
        yield done
    finally:
        stop.set()
        thread.join()


def _argv(program: str, namespace: str) -> list[str]:
    """The program on its pods; without a namespace, those of all."""
    if program == "mltui":
        return [*MLTUI, "open", "pods", namespace or "*"]
    return [program, *(["-n", namespace] if namespace else ["-A"]), "-c", "pods"]


def listed(
    program: str, root: Path, environ: dict[str, str], namespace: str, count: int
) -> tuple[float, float, Terminal]:
    """Seconds from the command line to the first rows and to all; the program on its list."""
    terminal = Terminal(_argv(program, namespace), root, columns=160, env=environ)
    first = terminal.until(_ROW, _PATIENCE_S)
    words = re.compile(rf"pods  {count}\b" if program == "mltui" else rf"\[{count}\]")
    return first, shown(terminal, words), terminal


def shown(terminal: Terminal, words: re.Pattern[str]) -> float:
    """Seconds from the start until words stand on the screen: programs paint only what differs."""
    screen = pyte.Screen(160, 40)
    stream = pyte.ByteStream(screen)
    deadline = time.perf_counter() + _PATIENCE_S
    fed = 0
    while True:
        stream.feed(bytes(terminal.output[fed:]))
        fed = len(terminal.output)
        if any(words.search(line) for line in screen.display):
            return time.perf_counter() - terminal.started
        if time.perf_counter() > deadline:
            terminal.close()
            sys.exit(f"{words.pattern} never stood there:\n" + "\n".join(screen.display[:5]))
        terminal.read(0.05)


def from_command(root: Path, environ: dict[str, str], namespace: str) -> float:
    """Seconds from `:pods` in an app that runs to the first rows."""
    terminal = Terminal([*MLTUI], root, columns=160, env=environ)
    terminal.until(_READY, _PATIENCE_S)
    terminal.quiet()
    os.write(terminal.fd, f":pods {namespace or '*'}".encode())
    terminal.quiet()
    terminal.output.clear()
    began = time.perf_counter()
    os.write(terminal.fd, b"\r")
    terminal.until(_ROW, _PATIENCE_S)
    took = time.perf_counter() - began
    terminal.close()
    return took


def at_rest(terminal: Terminal, seconds: float) -> tuple[float, float]:
    """Bytes a second and processor share while nobody presses a key."""
    until = time.perf_counter() + _SETTLE_S
    while time.perf_counter() < until:
        terminal.read(0.1)
    before, cpu, began = terminal.total, cpu_s(terminal.pid), time.perf_counter()
    while time.perf_counter() - began < seconds:
        terminal.read(0.1)
        terminal.output.clear()
    took = time.perf_counter() - began
    return (terminal.total - before) / took, (cpu_s(terminal.pid) - cpu) / took


def key_s(terminal: Terminal, answer: bytes = b"") -> float:
    """Of many steps down and up, what 99 of 100 do not exceed until the answer, or any byte."""
    took = []
    for number in range(_KEYS):
        step = _STEPS[number % 2]
        drained = time.perf_counter() + _CALM_S
        while time.perf_counter() < drained:
            terminal.read(_CALM_S)
        if answer:
            took.append(terminal.key(step, (answer,)))
            continue
        began = time.perf_counter()
        os.write(terminal.fd, step)
        while not terminal.read(0.002) and time.perf_counter() - began < _LOST_S:
            pass
        took.append(time.perf_counter() - began)
    return percentile(took, 0.99)


def bare_key_s(root: Path, count: int) -> float:
    """The same of a bare list of as many lines."""
    terminal = Terminal([sys.executable, str(HERE / "bare_list.py"), str(count)], root, columns=160)
    terminal.until(b"evaluate 0", _PATIENCE_S)
    terminal.quiet()
    found = key_s(terminal)
    terminal.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="50 pods, and the limits for those")
    parser.add_argument("--pods", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--changes", type=float, default=50.0, help="a second")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--k9s", help="its file, where it is not on PATH")
    options = parser.parse_args()
    namespace = SMALL[0] if options.small else ""
    namespaces = SMALL if options.small else LARGE
    environ = scale_cluster()
    if environ is None:
        return
    other = options.k9s or peer("k9s", "go install github.com/derailed/k9s@latest")
    good = True
    with tempfile.TemporaryDirectory(prefix="mltui-bench-") as folder:
        root = Path(folder)
        (root / "mltui.yaml").write_text(_SPEC)
        environ |= {"XDG_STATE_HOME": folder, "XDG_CONFIG_HOME": folder, "XDG_DATA_HOME": folder}
        there = asyncio.run(fill(environ, namespaces, 50 if options.small else options.pods))
        # What the other one left is listed with all namespaces.
        count = there + (0 if options.small else asyncio.run(fill(environ, SMALL, 0)))

        def both(program: str) -> tuple[float, float]:
            first, every, terminal = listed(program, root, environ, namespace, count)
            terminal.close()
            return first, every

        ours = [both("mltui") for _ in range(options.runs)]
        first, every = min(f for f, _ in ours), min(e for _, e in ours)
        inside = best(options.runs, lambda: from_command(root, environ, namespace))
        *_, terminal = listed("mltui", root, environ, namespace, count)
        rate, cpu = at_rest(terminal, options.seconds)
        memory = terminal.pss_bytes() / 2**20
        key, bare = key_s(terminal, _CURSOR), bare_key_s(root, count)
        with changing(environ, namespaces, there, options.changes) as done:
            busy_rate, busy_cpu = at_rest(terminal, options.seconds)
            busy_key, changed = key_s(terminal, _CURSOR), done[0]
        terminal.close()
        print(f"    mltui, {count} pods: first rows {first:.2f} s, all {every:.2f} s, "
              f"from `:pods` {inside:.2f} s, {memory:.0f} MiB")  # fmt: skip
        print(f"    at rest {rate:.0f} B/s, {cpu:.1%} of a processor; "
              f"a key {key * 1000:.0f} ms, in a bare list {bare * 1000:.0f} ms")  # fmt: skip
        print(f"    with {options.changes:.0f} changes/s ({changed} made): {busy_rate:.0f} B/s, "
              f"{busy_cpu:.1%}, a key {busy_key * 1000:.0f} ms")  # fmt: skip
        good &= report("processor at rest beside 2 %", cpu / 0.02, 1)
        good &= report("a key beside a bare list's", key / bare, 2)
        good &= report("bytes under changes beside 10 KB/s", busy_rate / 10_000, 1)
        if other is not None:
            theirs = [both(other) for _ in range(min(options.runs, 2))]
            their_first, their_every = min(f for f, _ in theirs), min(e for _, e in theirs)
            *_, terminal = listed(other, root, environ, namespace, count)
            their_rate, their_cpu = at_rest(terminal, options.seconds)
            their_memory = terminal.pss_bytes() / 2**20
            their_key = key_s(terminal)
            terminal.close()
            print(f"    k9s: first rows {their_first:.2f} s, all {their_every:.2f} s, "
                  f"{their_memory:.0f} MiB; at rest {their_rate:.0f} B/s, {their_cpu:.1%}; "
                  f"a key {their_key * 1000:.0f} ms")  # fmt: skip
            limits = (1.2, 1.2, 1.2, 0.7) if options.small else (0.1, 0.06, 0.35, 0.12)
            good &= report("first rows beside k9s", first / their_first, limits[0])
            good &= report("first rows from `:pods` beside k9s", inside / their_first, limits[1])
            good &= report("all rows beside k9s", every / their_every, limits[2])
            good &= report("memory beside k9s", memory / their_memory, limits[3])
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
