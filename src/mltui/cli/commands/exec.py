"""`mltui exec`: a command, or a shell, in a container of a pod."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import termios
import threading
import tty
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mltui.cli import diagnostics
from mltui.cli.objects import add_place, opened, split
from mltui.cli.output import Output
from mltui.errors import UsageError

if TYPE_CHECKING:
    from mltui.live.kube.entering import Streams
    from mltui.live.kube.one import One

EPILOG = """\
On a terminal without a command it is a shell: bash where the container has it, else sh. A command
gets no input unless `-i` says so. The exit code is the command's.

examples:
  mltui exec web-5d8f-q7k -n digits-dev
  mltui exec pod/web-5d8f-q7k -c proxy -- cat /etc/hosts
  tar c data | mltui exec -i deploy/web -- tar x -C /tmp
"""
_READ_BYTES = 1 << 16


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("object", metavar="POD", help="a pod, or KIND/NAME that has pods")
    parser.add_argument("-c", "--container", default="", metavar="NAME", help="in this container")
    parser.add_argument("-i", dest="stdin", action="store_true", help="give it standard input")
    add_place(parser)
    parser.usage = "mltui exec [-h] [-c NAME] [-i] [-n NS] [--context NAME] POD [-- COMMAND …]"
    setattr(parser, "rest", "command")  # noqa: B010 - of `cli.main.Parser`


def run(args: argparse.Namespace, out: Output) -> int:
    """Run it; its exit code."""
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty() and (args.stdin or not args.command)
    if not is_terminal and not args.command:
        raise UsageError("a shell needs a terminal: name a command after `--`")
    out.flush()
    return asyncio.run(_run(args, is_terminal))


async def _run(args: argparse.Namespace, is_terminal: bool) -> int:
    from mltui.live.kube.entering import SHELL, Streams

    word, name = split(args.object, "pods")
    async with opened(args, word, name) as one:
        pod, container = await _pod(one, args.container)
        streams = Streams(
            lambda data: _write(1, data),
            lambda data: _write(2, data),
            given=_typed() if is_terminal or args.stdin else None,
            is_terminal=is_terminal,
        )
        with _raw(streams) if is_terminal else _plain():
            return await _enter(one, pod, container, args.command or SHELL, streams)


async def _enter(
    one: One, pod: str, container: str, command: list[str] | tuple[str, ...], streams: Streams
) -> int:
    from mltui.live.kube.entering import NO_PROGRAM, NoProgram, enter

    try:
        return await enter(one.cluster, one.row.namespace, pod, container, command, streams)
    except NoProgram:
        what = "shell" if command[0] == "sh" else f"program `{command[0]}`"
        diagnostics.note(f"container {container} of pod {pod} has no {what}")
        return NO_PROGRAM


async def _pod(one: One, container: str) -> tuple[str, str]:
    """The pod and the container that are meant. UsageError."""
    from mltui.live.kube.logs import pods_of

    pods = [pod for pod in await pods_of(one.cluster, one.kind, one.full) if pod.is_running]
    if not pods:
        raise UsageError(f"{one.ref.text} has no pod that runs")
    names = pods[0].containers
    if container and container not in names:
        raise UsageError(f"pod {pods[0].name} has no container {container}: {', '.join(names)}")
    return pods[0].name, container or names[0]


@contextmanager
def _plain() -> Iterator[None]:
    yield


@contextmanager
def _raw(streams: Streams) -> Iterator[None]:
    """The terminal passes every key on, and says how large it is; as it was afterwards."""
    loop = asyncio.get_running_loop()

    def say_size() -> None:
        size = os.get_terminal_size(0)
        streams.sizes.put_nowait((size.columns, size.lines))

    before = termios.tcgetattr(0)
    say_size()
    loop.add_signal_handler(signal.SIGWINCH, say_size)
    tty.setraw(0)
    try:
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)
        loop.remove_signal_handler(signal.SIGWINCH)


async def _typed() -> AsyncIterator[bytes]:
    """Standard input as it comes, whatever it is; a thread reads it that nobody waits for."""
    loop = asyncio.get_running_loop()
    found: asyncio.Queue[bytes] = asyncio.Queue(8)

    def read() -> None:
        while True:
            try:
                data = os.read(0, _READ_BYTES)
            except OSError:
                data = b""
            try:
                asyncio.run_coroutine_threadsafe(found.put(data), loop).result()
            except RuntimeError:  # the loop is closed: the command is over
                return
            if not data:
                return

    threading.Thread(target=read, daemon=True).start()
    while data := await found.get():
        yield data


def _write(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
