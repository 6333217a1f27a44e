"""Which namespaces there are: what is offered for `:ns`, and whether one that was typed exists.

Asked of the clusters that are looked at, and only once somebody types where to look, or where all
that was in one went.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from difflib import get_close_matches
from typing import TYPE_CHECKING

from mltui.errors import MltuiError
from mltui.live.kube.place import ALL, Place, Where, text_of

if TYPE_CHECKING:
    from mltui.app.workbench import Workbench

AGAIN_S = 30.0
"""What was learnt is good for so long."""
WAIT_S = 5.0
LEAVING_S = 1.0
"""How often one that is being deleted is looked at where it is on screen."""


class Namespaces:
    """One for a workbench."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._known: dict[str, list[str]] = {}
        """By context."""
        self._asked_at = -AGAIN_S
        self._became: dict[Place, str] = {}
        """Of those that had nothing left: `is gone`; empty: they are there."""
        self._looking: set[Place] = set()

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

    # --- those that vanish ------------------------------------------------------------------------

    def missed(self) -> None:
        """Rows of the list went, or it has none: perhaps a namespace is gone itself."""
        listed = self._bench.listed
        if listed is None or not listed.is_kube or (table := listed.pane.table) is None:
            return
        watched = listed.kind.watched
        named = [place for place in listed.kube.where if place.namespace != ALL]
        if not named or watched is None or not watched.resource.is_namespaced:
            return
        left = {(row.context, row.namespace) for row in table.rows.values()}
        for place in named:
            if (place.context, place.namespace) not in left and place not in self._looking:
                self._looking.add(place)
                self._bench.run_worker(self._look(place), group="watch", exit_on_error=True)

    def vanished(self, where: Where) -> str:
        """`namespace dev is gone`; empty: none of them."""
        said = [f"namespace {place.namespace} {self._became[place]}" for place in where
                if self._became.get(place)]  # fmt: skip
        return ", ".join(said)

    async def _look(self, place: Place) -> None:
        lists = await self._bench.listing.lists()
        try:
            with suppress(MltuiError):  # nobody has to be allowed to look at them
                while place in lists.kube.where:
                    found = await lists.on_cluster(
                        place.context, lambda cluster: cluster.what_became_of(place.namespace)
                    )
                    self._tell(place, found)
                    if found != "is being deleted":
                        return
                    await asyncio.sleep(LEAVING_S)
        finally:
            self._looking.discard(place)

    def _tell(self, place: Place, found: str) -> None:
        if self._became.get(place, "") == found:
            return
        self._became[place] = found
        listed = self._bench.listed
        if listed is None or not listed.is_kube:
            return
        listed.pane.say_empty()
        if found and listed.pane.grid.total_count:
            said = f"namespace {place.namespace} in {place.context} {found}"
            self._bench.notice(f"{said}: nothing of it is listed any more", bad=True)
