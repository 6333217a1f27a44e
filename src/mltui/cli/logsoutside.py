"""`mltui logs` of containers and pods: waits for what the pumps bring and has it printed."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing

from mltui.cli import diagnostics
from mltui.cli.logprint import POLL_S, Look, Printed, Printer
from mltui.cli.logpumps import Pumps, Stream, Wish
from mltui.logs.timed import TimedIndex


def print_outside(
    args: argparse.Namespace, targets: Sequence[str], look: Look, printer: Printer
) -> None:
    """Print the logs of these objects until they are over. MltuiError when none can be had."""
    since_s = None if look.since is None else max(int(time.time() - look.since) + 1, 1)
    wish = Wish(
        follow=args.follow,
        previous=args.previous,
        container=args.container or "",
        namespaces=tuple(args.namespace),
        context=args.context or "",
        selector=args.selector or "",
        since_s=since_s,
        tail=args.tail if args.follow and not look.filters else None,
    )
    words: list[str] = []
    with ExitStack() as stack:
        pumps = stack.enter_context(closing(Pumps(wish, words.append)))
        pumps.start(targets)
        pumps.is_found.wait()
        if pumps.error is not None and not pumps.streams:
            raise pumps.error
        if not args.follow:  # in order of time once all is here
            while not pumps.is_over:
                time.sleep(POLL_S / 5)
        known: list[Stream] = []
        told = 0
        while True:
            is_over = pumps.is_over
            for stream in pumps.streams[len(known) :]:
                known.append(stream)
                index = stack.enter_context(closing(TimedIndex(stream.path, stream.notes)))
                printer.add(_printed(stream, index))
            printer.step()
            for sentence in words[told:]:
                diagnostics.note(sentence)
                told += 1
            if is_over:
                break
            time.sleep(POLL_S / 2)
        if pumps.error is not None:
            raise pumps.error


def _printed(stream: Stream, index: TimedIndex) -> Printed:
    return Printed(
        stream.label,
        index,
        lambda: stream.is_over,
        about=dict(stream.about),
        notes=stream.notes,
    )
