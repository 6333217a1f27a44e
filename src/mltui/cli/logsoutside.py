"""`mltui logs` of containers and pods: waits for what the pumps bring and has it printed."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing

from mltui.cli import diagnostics
from mltui.cli.logprint import POLL_S, Printed, Printer
from mltui.cli.logpumps import Pumps, Stream, Wish
from mltui.logs.timed import TimedIndex


def print_outside(args: argparse.Namespace, targets: Sequence[str], printer: Printer) -> int:
    """Print the logs of these objects until they are over; the exit code.

    MltuiError when none can be had.
    """
    look = printer.look
    since_s = None if look.since is None else max(int(time.time() - look.since) + 1, 1)
    fields = [args.field_selector] if args.field_selector else []
    if args.node:
        fields.append(f"spec.nodeName={args.node}")
    wish = Wish(
        follow=args.follow,
        previous=args.previous,
        containers=tuple(args.container),
        without_containers=tuple(args.exclude_container),
        without_pods=tuple(args.exclude_pod),
        namespaces=("*",) if args.all_namespaces else tuple(args.namespace),
        contexts=tuple(args.context),
        selector=args.selector or "",
        fields=tuple(fields),
        since_s=since_s,
        tail=args.tail if args.follow or not (look.filters or look.until is not None) else None,
    )
    words: list[str] = []
    with ExitStack() as stack:
        pumps = stack.enter_context(closing(Pumps(wish, words.append)))
        pumps.start(targets)
        pumps.is_found.wait()
        if pumps.error is not None and not pumps.streams:
            raise pumps.error
        is_one = len(targets) == len(pumps.streams) == 1 and args.tail is None
        if not args.follow and not is_one:  # in order of time once all is here
            while not pumps.is_over:
                time.sleep(POLL_S / 5)
        known: list[Stream] = []
        told = 0
        while True:
            is_over = pumps.is_over or (args.follow and printer.is_past)
            for stream in pumps.streams[len(known) :]:
                known.append(stream)
                index = stack.enter_context(closing(TimedIndex(stream.path, stream.notes)))
                printer.add(_printed(stream, index))
            for sentence in words[told:]:  # who joined, before its first line
                diagnostics.note(sentence)
                told += 1
            printer.step()
            if is_over:
                break
            time.sleep(POLL_S / 2)
        if pumps.error is not None:
            raise pumps.error
        is_refused = known and all(each.label in pumps.refused for each in known)
        return diagnostics.UNREACHABLE if is_refused else diagnostics.DONE


def _printed(stream: Stream, index: TimedIndex) -> Printed:
    return Printed(
        stream.label,
        index,
        lambda: stream.is_over,
        about=dict(stream.about),
        notes=stream.notes,
        says_end=stream.says_end,
        is_brought=True,
    )
