"""`mltui forward`: a port of this machine leads into a cluster, until it is interrupted."""

from __future__ import annotations

import argparse
import asyncio
import signal
from contextlib import suppress

from mltui.cli import diagnostics
from mltui.cli.objects import add_place, opened, split
from mltui.cli.output import Output

EPILOG = """\
The port stays open when the pod behind it is replaced: the next connection reaches the new one.

examples:
  mltui forward svc/web 8080:80
  mltui forward deploy/web :http -n digits-dev     any free port here, the port named http there
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("object", metavar="KIND/NAME", help="a pod, Service, Deployment, …")
    parser.add_argument("ports", metavar="LOCAL:REMOTE", help="a port here, and the one there")
    add_place(parser)


def run(args: argparse.Namespace, out: Output) -> int:
    """Keep it open."""
    with suppress(KeyboardInterrupt):
        asyncio.run(_run(args, out))
    return diagnostics.DONE


async def _run(args: argparse.Namespace, out: Output) -> None:
    from mltui.live.kube.forwards import Forwards

    word, name = split(args.object, "pods")
    async with opened(args, word, name) as one:
        forwards = Forwards()
        try:
            row = await forwards.start(one.cluster, one.ref, args.ports)
            told = row.error
            out.line(f"{row.name} leads to {one.ref.text}, port {row.remote}", flush=True)
            stop, changed = asyncio.Event(), asyncio.Event()
            loop = asyncio.get_running_loop()

            def leave() -> None:
                stop.set()
                changed.set()

            for each in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(each, leave)
            end = forwards.table.listen(lambda changes: changed.set())
            while not stop.is_set():
                await changed.wait()
                changed.clear()
                now = forwards.table.get(row.key)
                if now is not None and now.error and now.error != told:
                    diagnostics.note(now.error)
                told = now.error if now is not None else ""
            end()
        finally:
            await forwards.close()
