"""Places one has been at, to go back and forward like in a browser. One for a workbench."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mltui.errors import MltuiError

if TYPE_CHECKING:
    from mltui.app.workbench import Workbench

MOST = 50


@dataclass(frozen=True, slots=True)
class Place:
    """What stood on the screen: `pipeline`, `runs`, `triage`, or a list and where it looked."""

    name: str
    where: str = ""


class Past:
    """Noted whenever the lines around the panes are brought up to date."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._places: list[Place] = []
        self._at = -1
        self._goes = False

    @property
    def here(self) -> Place:
        """What stands on the screen."""
        bench = self._bench
        if bench.triaging.is_open:
            return Place("triage")
        if (listed := bench.listed) is not None:
            return Place(listed.name, listed.kube.places_text if listed.is_kube else "")
        return Place("runs" if bench.session.listing else "pipeline")

    @property
    def comes_from_list(self) -> bool:
        """Whether one step back is a list of things beneath."""
        before = self._places[self._at - 1] if self._at > 0 else None
        return before is not None and before.name not in ("pipeline", "runs", "triage")

    def note(self) -> None:
        """Another place may be shown now."""
        if self._goes:
            return
        here = self.here
        if self._at >= 0 and self._places[self._at] == here:
            return
        self._places = [*self._places[: self._at + 1], here][-MOST:]
        self._at = len(self._places) - 1

    async def go(self, step: int) -> bool:
        """Back (-1) or forward (1); False where there is nothing further."""
        there = self._at + step
        if not 0 <= there < len(self._places):
            return False
        self._at, self._goes = there, True
        try:
            await self._show(self._places[there])
        except MltuiError as error:
            self._bench.notice(str(error), bad=True)
        finally:
            self._goes = False
        self._bench.frame.show()
        return True

    async def _show(self, place: Place) -> None:
        bench = self._bench
        if place.name in ("pipeline", "runs", "triage"):
            bench.triaging.leave()
            bench.listing.leave()
            bench.context.leave_runs()
            if place.name == "runs":
                bench.context.show_runs()
            elif place.name == "triage":
                bench.triaging.open()
            return
        await bench.listing.opened(place.name, place.where or None)
