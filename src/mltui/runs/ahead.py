"""The working folder of the attempt that is next in line, filled while others run.

Called by `executing`. To make folders and copy inputs is a good part of what a short stage costs;
done ahead, nobody's place is empty meanwhile. Only the working folder is made: the attempt's own,
which a claim is put in, comes when its intention is in the journal. What a runner that died had
filled is swept, or filled anew when its turn comes.
"""

from __future__ import annotations

from contextlib import suppress

from mltui.errors import MltuiError
from mltui.pipeline.rows import Instance
from mltui.runs import layout
from mltui.runs.attempts import remove_tree
from mltui.runs.context import Context
from mltui.runs.layout import SMALL_BYTES, Live


class Ahead:
    """The next attempt of one run."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._next: Live | None = None

    def look(self) -> None:
        """Fill the working folder of whoever is first in line, unless that takes long."""
        context = self._context
        wanted = context.scheduler.next_up
        if wanted is None or (self._next is not None and _name(self._next) == wanted):
            return
        self.drop()
        instance, number = wanted
        if number > 1:  # what the attempt before it left stays until it begins
            return
        with suppress(MltuiError, OSError):  # whoever begins it says what is wrong
            live = layout.live_of(context, instance, number, context.blueprint)
            live.inputs = context.scheduler.inputs_of(instance)
            live.digests = context.input_digests(instance)
            if layout.weight(context, live) <= SMALL_BYTES:
                self._next = live
                layout.fill(context, live)
                live.filled = live.digests

    def take(self, instance: Instance, number: int) -> Live | None:
        """What was made of an attempt that begins; None: nothing that is still right."""
        live = self._next
        if live is None or _name(live) != (instance, number):
            return None
        self._next = None
        return live if live.blueprint is self._context.blueprint else None

    def drop(self) -> None:
        """Remove what was made for an attempt that does not begin now."""
        live, self._next = self._next, None
        if live is not None:
            with suppress(OSError):  # as what a failed attempt left, it is in nobody's way
                remove_tree(live.place.work)


def _name(live: Live) -> tuple[Instance, int]:
    return live.instance, live.number
