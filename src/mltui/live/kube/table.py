"""A table whose rows come from several places, each of which may answer, refuse, or be silent.

Fed by `part`; shown by panes as any table. Rows of a place that is silent are stale, the others are
not; a refusal is a sentence about that place, never an empty table.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from mltui.errors import MltuiError
from mltui.live.kube.place import Place
from mltui.live.table import Table
from mltui.text import format_age

R = TypeVar("R")


@dataclass
class _Standing:
    """How one place is."""

    context: str
    is_listed: bool = False
    lost_at: float | None = None
    why: str = ""
    error: MltuiError | None = None
    is_refused: bool = False


class PlacedTable(Table[R], Generic[R]):
    """Rows by key, from all places of a view."""

    def __init__(self, name: str, *, heard: Callable[[], float | None]) -> None:
        super().__init__(name, heard=heard)
        self._places: dict[Place, _Standing] = {}

    # what a part says

    def add(self, place: Place) -> None:
        """A place is to be looked at."""
        self._places[place] = _Standing(place.context)
        self._settle()

    def forget(self, place: Place) -> None:
        """A place is not looked at any more."""
        self._places.pop(place, None)
        self._settle()

    def listed(self, place: Place) -> None:
        """Its first list, or a fresh one, is whole."""
        if place in self._places:
            self._places[place].is_listed = True
            self._settle()

    def answers(self, place: Place) -> None:
        """It is followed; what it was is over."""
        found = self._places.get(place)
        if found is not None and (found.lost_at is not None or found.is_refused):
            found.lost_at, found.why, found.error, found.is_refused = None, "", None, False
            self._settle()
            self._say_status()

    def trouble(self, place: Place, error: MltuiError, *, is_refused: bool) -> None:
        """It does not answer, or refuses; repeated calls keep the first time."""
        found = self._places.get(place)
        if found is None:
            return
        if found.lost_at is None:
            found.lost_at = time.time()
        found.error, found.why, found.is_refused = error, str(error), is_refused
        self._settle()
        self._say_status()

    def _settle(self) -> None:
        """Loaded once every place was listed or is known not to answer, and one was listed."""
        states = self._places.values()
        is_loaded = bool(states) and all(
            each.is_listed or each.lost_at is not None for each in states
        )
        is_loaded = is_loaded and any(each.is_listed for each in states)
        if is_loaded != self.is_loaded:
            self.is_loaded = is_loaded
            self._say_status()

    # what a pane asks

    @property
    def is_stale(self) -> bool:
        """No place answers."""
        states = self._places.values()
        return bool(states) and all(each.lost_at is not None for each in states)

    def is_stale_row(self, row: Any) -> bool:
        """The row's place does not answer: it is as it was when it did."""
        return any(
            found.lost_at is not None
            and place.context == row.context
            and place.namespace in ("", row.namespace)
            for place, found in self._places.items()
        )

    @property
    def is_settled(self) -> bool:
        """Every place was listed, or refuses, or is known not to answer."""
        return all(each.is_listed or each.lost_at is not None for each in self._places.values())

    @property
    def why(self) -> str:
        """What is wrong at the first place that has trouble; empty when nothing is."""
        return next((each.why for each in self._places.values() if each.why), "")

    @property
    def error(self) -> MltuiError | None:
        """The same as an error."""
        return next((each.error for each in self._places.values() if each.error), None)

    @property
    def troubles(self) -> list[str]:
        """What is wrong anywhere, as sentences."""
        return list(dict.fromkeys(each.why for each in self._places.values() if each.why))

    @property
    def refusals(self) -> list[str]:
        """What one may not see, as sentences."""
        said = [each.why for each in self._places.values() if each.is_refused]
        return list(dict.fromkeys(said))

    def status(self, at: float | None = None) -> str:
        """`no answer from kind for 12s, retrying`, or a refusal; empty when all is well."""
        lost = [each for each in self._places.values() if each.lost_at is not None]
        silent = [each for each in lost if not each.is_refused]
        if silent:
            names = ", ".join(dict.fromkeys(each.context for each in silent))
            first = min(each.lost_at or 0.0 for each in silent)
            lasted = format_age((time.time() if at is None else at) - first)
            said = f"no answer from {names} for {lasted}, retrying"
            return "; ".join((said, *self.refusals[:1]))
        return "; ".join(self.refusals[:2])
