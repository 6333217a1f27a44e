"""Run a command in a container of a pod, with the terminal or without. Called by `mltui exec`.

The API server leads to the kubelet; standard input, output and the terminal's size travel as
channels of one WebSocket. Sources: Kubernetes docs, "Get a shell to a running container"; the exit
code's form: apimachinery, `NonZeroExitCode`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

from mltui.errors import MltuiError
from mltui.live.cells import plain
from mltui.live.kube.cluster import Cluster

SHELL = ("sh", "-c", "command -v bash >/dev/null 2>&1 && exec bash || exec sh")
"""The best shell that a container has."""
NO_PROGRAM = 127
_INPUT, _OUTPUT, _ERRORS, _STATUS, _SIZE = range(5)


class NoProgram(MltuiError):
    """The container has no such program."""


@dataclass(frozen=True)
class Streams:
    """What a command is connected with."""

    output: Callable[[bytes], object]
    errors: Callable[[bytes], object]
    given: AsyncIterator[bytes] | None = None
    """What it reads; None: nothing."""
    is_terminal: bool = False
    sizes: asyncio.Queue[tuple[int, int]] = field(default_factory=asyncio.Queue)
    """Columns and rows of the terminal, at first and when they change."""


async def enter(
    cluster: Cluster,
    namespace: str,
    pod: str,
    container: str,
    command: Sequence[str],
    streams: Streams,
) -> int:
    """Run it; its exit code. NoProgram, MltuiError."""
    from mltui.engines.kubernetes.channels import V4, V5, Channels, open_channels
    from mltui.engines.kubernetes.resources import PODS, Call

    async def give(channels: Channels, given: AsyncIterator[bytes]) -> None:
        async for data in given:
            await channels.send(_INPUT, data)
        await channels.end(_INPUT)

    async def resize(channels: Channels) -> None:
        while True:
            width, height = await streams.sizes.get()
            said = json.dumps({"Width": width, "Height": height})
            await channels.send(_SIZE, said.encode())

    query: dict[str, str | bool | tuple[str, ...]] = {
        "container": container,
        "command": tuple(command),
        "stdin": streams.given is not None,
        "stdout": True,
        "stderr": not streams.is_terminal,
        "tty": streams.is_terminal,
    }
    call = Call("create", PODS, namespace, pod, "exec")
    async with open_channels(cluster.client, call, query, (V5, V4)) as channels:
        loop = asyncio.get_running_loop()
        tasks = [loop.create_task(resize(channels))] if streams.is_terminal else []
        if streams.given is not None:
            tasks.append(loop.create_task(give(channels, streams.given)))
        try:
            async for channel, data in channels.received():
                if channel == _OUTPUT:
                    streams.output(data)
                elif channel == _ERRORS:
                    streams.errors(data)
                elif channel == _STATUS and data:
                    return read_status(data)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    raise MltuiError(f"the connection to pod {namespace}/{pod} ended before the command did")


def read_status(data: bytes) -> int:
    """The exit code that the last message tells. NoProgram; MltuiError for what can't be run."""
    try:
        told = json.loads(data)
    except ValueError:
        told = {"message": data.decode("utf-8", "replace")}
    if told.get("status") == "Success":
        return 0
    for cause in (told.get("details") or {}).get("causes") or ():
        if cause.get("reason") == "ExitCode" and str(cause.get("message")).isdecimal():
            return int(cause["message"])
    said = plain(str(told.get("message") or "it can't be run"))
    if "executable file not found" in said or "no such file or directory" in said:
        raise NoProgram(said)
    raise MltuiError(said)
