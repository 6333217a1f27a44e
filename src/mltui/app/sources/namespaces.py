"""Which namespaces there are: what is offered for `:ns`, and whether one that was typed exists.

Asked of the clusters that are looked at, and only once somebody types where to look.
"""

from __future__ import annotations

import time
from contextlib import suppress
from difflib import get_close_matches
from typing import TYPE_CHECKING

from mltui.errors import MltuiError
from mltui.live.kube.place import ALL, Where, text_of

if TYPE_CHECKING:
    from mltui.app.workbench import Workbench

AGAIN_S = 30.0
"""What was learnt is good for so long."""
WAIT_S = 5.0


class Namespaces:
    """One for a workbench."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._known: dict[str, list[str]] = {}
        """By context."""
        self._asked_at = -AGAIN_S

    @property
    def names(self) -> list[str]:
        """Those that are known; what is not is asked for, and offered once it is here."""
        if time.monotonic() - self._asked_at >= AGAIN_S:
            self._asked_at = time.monotonic()
            self._bench.run_worker(self._offer(), group="watch", exit_on_error=True)
        return [*dict.fromkeys(name for names in self._known.values() for name in names)]

    async def _offer(self) -> None:
        await self._learn()
        self._bench.line.offer_again()

    async def _learn(self) -> None:
        lists = await self._bench.listing.lists()
        with suppress(MltuiError):  # nobody has to be allowed to list them
            _, table = await lists.kube.peek("namespaces", WAIT_S)
            self._known = {}
            for row in table.rows.values():
                self._known.setdefault(row.context, []).append(row.name)

    def check(self, where: Where) -> None:
        """Say so if somebody typed a namespace that is not there."""
        if any(place.namespace != ALL for place in where):
            self._bench.run_worker(self._check(where), group="watch", exit_on_error=True)

    async def _check(self, where: Where) -> None:
        await self._learn()
        for place in where:
            names = self._known.get(place.context)
            if names and place.namespace != ALL and place.namespace not in names:
                self._bench.workbench_app.settings.forget_place(text_of(where))
                near = get_close_matches(place.namespace, names, n=1, cutoff=0.4)
                hint = f"did you mean {near[0]}?" if near else "N lists those that are"
                text = f"there is no namespace {place.namespace!r} in {place.context}: {hint}"
                self._bench.notice(text, bad=True)
                return
