"""Ports of this machine that lead into a cluster: kept while the app is open, listed, restored.

Made by the app and by `mltui forward`. Each connection is a stream of its own through the API
server to the pod that is meant then (`reaching`); a watch tells when that pod is gone, and the port
stays open meanwhile: whoever connects waits a moment for the next one.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mltui.errors import MltuiError, Unreachable, UsageError
from mltui.live.cells import Cell, Column, age_column, plain
from mltui.live.kind import Kind
from mltui.live.kinds.kube._object import marked
from mltui.live.kube.cluster import Cluster
from mltui.live.kube.reaching import Aim, Hit, hit, is_up, take_aim
from mltui.live.table import Table
from mltui.live.verbs import Ref

if TYPE_CHECKING:
    from mltui.engines.kubernetes.channels import Channels

TARGETS = {
    "pods": "pod", "services": "service", "deployments": "deployment",
    "statefulsets": "statefulset", "replicasets": "replicaset", "daemonsets": "daemonset",
}  # fmt: skip
_PORTS = re.compile(r"(?:(?P<local>\d{1,5}):)?(?P<remote>[A-Za-z0-9-]+)")
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 5.0
_NEXT_POD_S = 15.0
"""For so long a connection waits for a pod to lead to."""
_QUIET_S = 5.0
"""A connection that was ended here, and on which nothing comes any more, ends after this."""
_READ_BYTES = 1 << 16
_DATA, _ERROR = 0, 1
_PORT_BYTES = 2
"""What comes on a channel begins with its port's number."""


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
    pod: str = ""
    """The pod that it leads to now."""
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


class Forward:
    """One port that is open here. Belongs to one event loop."""

    def __init__(self, cluster: Cluster, aim: Aim, table: Table[ForwardRow], key: str) -> None:
        self._cluster, self._aim, self._table, self._key = cluster, aim, table, key
        self._hit: Hit | None = None
        self._is_hit = asyncio.Event()
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._keeping: asyncio.Task[None] | None = None

    async def open(self, local: int) -> int:
        """Find the pod, listen; the local port. UsageError when that is taken, MltuiError."""
        self._hit = await hit(self._cluster, self._aim)
        self._is_hit.set()
        try:
            server = await asyncio.start_server(self._begin, "127.0.0.1", local)
        except OSError as error:
            said = error.strerror or error
            raise UsageError(f"port {local} of this machine can't be used: {said}") from error
        self._server = server
        self._keeping = asyncio.get_running_loop().create_task(self._keep())
        return int(server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Close it, and what goes through it."""
        if self._server is not None:
            self._server.close()
        tasks = [*self._connections, *([self._keeping] if self._keeping else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # --- the pod --------------------------------------------------------------------------------

    async def _keep(self) -> None:
        """Know which pod is meant, until it is closed."""
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                if self._hit is None:
                    self._hit = await hit(self._cluster, self._aim)
                    self._is_hit.set()
                self._say("running", "open")
                pause_s = _FIRST_PAUSE_S
                await self._until_gone(self._hit)
                self._say("waiting", "its pod is gone")
            except Unreachable as error:
                # Its pod may be there still: connections find out.
                self._say("waiting", "no answer", str(error))
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
                continue
            except MltuiError as error:
                self._say("waiting", "waits for a pod", str(error))
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            self._hit = None
            self._is_hit.clear()

    async def _until_gone(self, found: Hit) -> None:
        from mltui.engines.kubernetes.resources import PODS

        client, namespace = self._cluster.client, self._aim.ref.namespace
        query = {"fieldSelector": f"metadata.name={found.pod}"}
        while True:
            listed = await client.get(PODS, namespace, query=query)
            if not any(
                pod["metadata"]["uid"] == found.uid and is_up(pod) for pod in listed["items"]
            ):
                return
            version = str(listed["metadata"]["resourceVersion"])
            async with client.watch(PODS, namespace, version, query=query) as events:
                async for raw in events:
                    event = json.loads(raw)
                    if event.get("type") == "BOOKMARK":
                        continue
                    if event.get("type") != "MODIFIED" or not is_up(event.get("object") or {}):
                        break

    # --- connections ----------------------------------------------------------------------------

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._accept(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_NEXT_POD_S):
                await self._is_hit.wait()
            if self._hit is not None:
                await self._carry(self._hit, reader, writer)
        except (MltuiError, TimeoutError, OSError) as error:
            self._say_error(str(error) or "no pod came in time")
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _carry(
        self, found: Hit, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Both ways, until the pod's side is over."""
        from mltui.engines.kubernetes.channels import V4, open_channels
        from mltui.engines.kubernetes.resources import PODS, Call

        call = Call("get", PODS, self._aim.ref.namespace, found.pod, "portforward")
        query = {"ports": found.port}
        async with open_channels(self._cluster.client, call, query, (V4,)) as channels:
            carried = _Carried()
            loop = asyncio.get_running_loop()
            up = loop.create_task(_up(channels, reader))
            down = loop.create_task(_down(channels, writer, carried))
            try:
                await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
                if not down.done():
                    # The protocol has no word for this: the rest of an answer may still come.
                    up.result()
                    before = -1
                    while not down.done() and carried.size != before:
                        before = carried.size
                        await asyncio.wait({down}, timeout=_QUIET_S)
                if down.done():
                    down.result()
            finally:
                up.cancel()
                down.cancel()
                await asyncio.gather(up, down, return_exceptions=True)

    def _say(self, state: str, word: str, error: str = "") -> None:
        known = self._table.get(self._key)
        if known is not None:
            target = known.target if self._hit is None else f"pod/{self._hit.pod}"
            self._table.apply(
                self._key, replace(known, pod=target, state=state, word=word, error=error)
            )

    def _say_error(self, error: str) -> None:
        known = self._table.get(self._key)
        if known is not None:
            self._table.apply(self._key, replace(known, error=error))


@dataclass
class _Carried:
    """How much came through a connection."""

    size: int = 0


async def _up(channels: Channels, reader: asyncio.StreamReader) -> None:
    while data := await reader.read(_READ_BYTES):
        await channels.send(_DATA, data)


async def _down(channels: Channels, writer: asyncio.StreamWriter, carried: _Carried) -> None:
    heads = {_DATA, _ERROR}
    async for channel, got in channels.received():
        data = got
        if channel in heads:
            heads.discard(channel)
            data = got[_PORT_BYTES:]
        if channel == _ERROR and data:
            raise MltuiError(plain(data.decode("utf-8", "replace")).strip())
        if channel == _DATA and data:
            carried.size += len(data)
            writer.write(data)
            await writer.drain()


class Forwards:
    """All of them, of all contexts. Belongs to one event loop."""

    def __init__(self) -> None:
        self.table: Table[ForwardRow] = Table("this machine", heard=time.time)
        self.table.replace({})
        self._open: dict[str, Forward] = {}
        self._closing: set[asyncio.Task[None]] = set()

    async def start(self, cluster: Cluster, ref: Ref, ports: str) -> ForwardRow:
        """Open one; its row once the port is open. UsageError, MltuiError when it can't be."""
        local, remote = read_ports(ports)
        if ref.kind not in TARGETS:
            raise UsageError(f"no port of a {ref.title} can be forwarded")
        aim = await take_aim(cluster, ref, remote)
        key = f"{ref.context}/{ref.namespace}/{ref.name}/{time.time_ns()}"
        forward = Forward(cluster, aim, self.table, key)
        local = await forward.open(local)
        row = ForwardRow(
            key, ref.context, ref.namespace, f"{TARGETS[ref.kind]}/{ref.name}", local, remote,
            state="running", word="open", created_at=time.time(),
        )  # fmt: skip
        self._open[key] = forward
        self.table.apply(key, row)
        return row

    def stop(self, key: str) -> bool:
        """End one; whether there was one."""
        forward = self._open.pop(key, None)
        if forward is not None:
            task = asyncio.get_running_loop().create_task(forward.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
        return self.table.remove(key)

    async def close(self) -> None:
        """The app ends, and they with it."""
        left = list(self._open.values())
        self._open.clear()
        await asyncio.gather(*(each.close() for each in left), *self._closing)
        self.table.close()


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
        Column("pod", "NOW", lambda r: Cell(plain(r.pod), "dim"), min=12, flex=2, max=60,
               priority=100, help="the pod that answers now"),
        Column("context", "CONTEXT", lambda r: Cell(plain(r.context), "dim"), min=8, flex=1,
               max=24, priority=120),
        Column("namespace", "NAMESPACE", lambda r: Cell(plain(r.namespace), "dim"), min=10,
               flex=1, max=24, priority=130),
        age_column(),
    ),
    key=lambda row: row.key,
    label=lambda row: row.name,
    actions=("end-forward",),
    empty="no ports are forwarded: `F` on a pod, service or deployment forwards one",
)  # fmt: skip
"""Port-forwards."""
