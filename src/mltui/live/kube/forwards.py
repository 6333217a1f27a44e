"""Ports of this machine that lead into a cluster: kept while the app is open, listed, restored.

`kubectl port-forward` carries each one, as a process of its own; when it ends (a pod was replaced,
the connection broke) it is started again, for a pod that is gone by way of what made that pod.
"""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from mltui.errors import MltuiError, UsageError
from mltui.live.cells import Cell, Column, age, plain
from mltui.live.kind import Kind
from mltui.live.kinds.kube._object import marked
from mltui.live.table import Table
from mltui.live.verbs import Ref

TARGETS = {
    "pods": "pod", "services": "service", "deployments": "deployment",
    "statefulsets": "statefulset", "replicasets": "replicaset",
}  # fmt: skip
_MAKERS = ("ReplicaSet", "StatefulSet", "Deployment", "DaemonSet")
_OPEN = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+) ->")
_PORTS = re.compile(r"(?:(?P<local>\d{1,5}):)?(?P<remote>[A-Za-z0-9-]+)")
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 5.0


@dataclass(frozen=True, slots=True)
class ForwardRow:
    """What is shown of one."""

    key: str
    context: str
    namespace: str
    target: str
    """`service/web`, `pod/web-5d8f-q7k`."""
    local: int
    remote: str
    state: str = "waiting"
    word: str = "connecting"
    error: str = ""
    created_at: float | None = None

    @property
    def name(self) -> str:
        """What it is called."""
        return f"localhost:{self.local}"


def read_ports(text: str) -> tuple[int, str]:
    """`8080:80`, `80`, `:http`: the local port (0: any free one) and the remote one. UsageError."""
    found = _PORTS.fullmatch(text.strip().removeprefix(":"))
    if found is None:
        raise UsageError(f"{text!r} is not LOCAL:REMOTE, such as 8080:80")
    local = int(found["local"] or 0)
    if not found["local"] and found["remote"].isdecimal() and not text.strip().startswith(":"):
        local = int(found["remote"])
        if local < 1024:
            local += 8000
    if local > 65535:
        raise UsageError(f"{local} is not a port")
    return local, found["remote"]


class Forwards:
    """All of them, of all contexts. Belongs to one event loop."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.table: Table[ForwardRow] = Table("this machine", heard=time.time)
        self.table.replace({})
        self._environ = dict(environ)
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def start(self, ref: Ref, ports: str) -> ForwardRow:
        """Begin one; its row once the port is open. UsageError, MltuiError when it can't be."""
        local, remote = read_ports(ports)
        if ref.kind not in TARGETS:
            raise UsageError(f"no port of a {ref.title} can be forwarded")
        local = _free(local)
        key = f"{ref.context}/{local}"
        row = ForwardRow(
            key, ref.context, ref.namespace, f"{TARGETS[ref.kind]}/{ref.name}", local, remote,
            created_at=time.time(),
        )  # fmt: skip
        self.table.apply(key, row)
        opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        task = asyncio.get_running_loop().create_task(self._keep(row, ref.owner, opened))
        self._tasks[key] = task
        try:
            async with asyncio.timeout(15):
                await asyncio.shield(opened)
        except TimeoutError:
            self.stop(key)
            raise MltuiError(f"{ref.text} in {ref.context} opens no port {remote}") from None
        except MltuiError:
            self.stop(key)
            raise
        return self.table.get(key) or row

    def stop(self, key: str) -> bool:
        """End one; whether there was one."""
        task = self._tasks.pop(key, None)
        if task is not None:
            task.cancel()
        return self.table.remove(key)

    async def close(self) -> None:
        """The app ends, and they with it."""
        tasks = list(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.table.close()

    async def _keep(self, row: ForwardRow, owner: str, opened: asyncio.Future[None]) -> None:
        pause_s, target = _FIRST_PAUSE_S, row.target
        while True:
            try:
                said = await self._once(replace(row, target=target), opened)
            except OSError as error:
                said = f"kubectl can't be started: {error.strerror}"
            if not opened.done():
                opened.set_exception(MltuiError(f"{target} in {row.context}: {said}"))
                return
            self._say(row.key, target, "waiting", "connecting again", said)
            kind, _, name = owner.partition("/")
            if "not found" in said.lower() and kind in _MAKERS and target.startswith("pod/"):
                target = f"{kind.lower()}/{name}"
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            now = self.table.get(row.key)
            if now is not None and now.state == "running":
                pause_s = _FIRST_PAUSE_S

    async def _once(self, row: ForwardRow, opened: asyncio.Future[None]) -> str:
        """One kubectl, until it ends; its last words."""
        process = await asyncio.create_subprocess_exec(
            "kubectl", "--context", row.context, "--namespace", row.namespace, "port-forward",
            "--address", "127.0.0.1", row.target, f"{row.local}:{row.remote}",
            env=self._environ,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        last = "it ended"
        try:
            assert process.stdout is not None
            async for raw in process.stdout:
                text = raw.decode("utf-8", "replace").strip()
                if _OPEN.search(text):
                    self._say(row.key, row.target, "running", "open")
                    if not opened.done():
                        opened.set_result(None)
                elif text and not text.startswith("Handling connection"):
                    last = text.removeprefix("error: ")
                    if "lost connection" in text or "error forwarding" in text.lower():
                        # The pod is gone; kubectl may stay and answer nobody.
                        break
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        return last

    def _say(self, key: str, target: str, state: str, word: str, error: str = "") -> None:
        known = self.table.get(key)
        if known is not None:
            self.table.apply(
                key, replace(known, target=target, state=state, word=word, error=error)
            )


def _free(port: int) -> int:
    """This port of 127.0.0.1, or any free one for 0. UsageError when it is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise UsageError(
                f"port {port} of this machine can't be used: {error.strerror}"
            ) from error
        return int(probe.getsockname()[1])


FORWARDS: Kind[ForwardRow] = Kind(
    name="forwards",
    title="port-forward",
    engine="kubernetes",
    aliases=("forward", "pf"),
    columns=(
        Column("name", "HERE", lambda r: Cell(r.name), width=16, priority=200),
        Column("state", "STATE", lambda r: marked(r.state, r.word), min=12, flex=1, max=20,
               priority=190),
        Column("target", "LEADS TO", lambda r: Cell(plain(f"{r.target}:{r.remote}")), min=16,
               flex=3, max=80, priority=180),
        Column("context", "CONTEXT", lambda r: Cell(plain(r.context), "dim"), min=8, flex=1,
               max=24, priority=120),
        Column("namespace", "NAMESPACE", lambda r: Cell(plain(r.namespace), "dim"), min=10,
               flex=1, max=24, priority=130),
        Column("age", "AGE", lambda r: Cell(age(r.created_at)), width=4, align="right",
               priority=160, sort=lambda r: -(r.created_at or 0)),
    ),
    key=lambda row: row.key,
    label=lambda row: row.name,
    actions=("end-forward",),
    empty="no ports are forwarded: `shift+f` on a pod, service or deployment forwards one",
)  # fmt: skip
"""Port-forwards."""
