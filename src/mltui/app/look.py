"""How a person wants the list of a kind to look: columns, order, width, groups. Pure.

Remembered by kind (`Settings.looks`), applied by the pane each time the kind is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from mltui.live.cells import Column

R = TypeVar("R")

FIRST = ("context", "namespace", "name")
"""Columns that stay where they are while the others move."""


@dataclass(frozen=True, slots=True)
class Look:
    """Of one kind; what is empty is as the kind declares it."""

    columns: tuple[str, ...] = ()
    """Keys of those that are shown, in this order."""
    sort: tuple[str, bool] | None = None
    """Column to sort by, and whether the largest comes first."""
    group: str = ""
    """Column or property whose values are the groups."""
    wide: bool = False
    """All columns in their order; the arrow keys move over those that have no room."""

    @classmethod
    def of(cls, raw: Any) -> Look:
        """As it was kept; anything that is not right is left out."""
        if not isinstance(raw, Mapping):
            return cls()
        columns, sort, group = raw.get("columns"), raw.get("sort"), raw.get("group")
        is_pair = isinstance(sort, Sequence) and len(sort) == 2 and isinstance(sort[0], str)
        return cls(
            tuple(filter(lambda each: isinstance(each, str), columns or ()))
            if isinstance(columns, list)
            else (),
            (sort[0], bool(sort[1])) if is_pair and sort is not None else None,
            group if isinstance(group, str) else "",
            raw.get("wide") is True,
        )

    @property
    def raw(self) -> dict[str, Any]:
        """To be kept: only what differs."""
        found: dict[str, Any] = {}
        if self.columns:
            found["columns"] = list(self.columns)
        if self.sort is not None:
            found["sort"] = list(self.sort)
        if self.group:
            found["group"] = self.group
        if self.wide:
            found["wide"] = True
        return found


def runs_of(project: str) -> str:
    """Under which name the look of the list of a project's runs is kept."""
    return f"runs of {project}"


def arranged(columns: Sequence[Column[R]], look: Look, moved: int = 0) -> tuple[Column[R], ...]:
    """The columns that a look shows, in its order; `moved`: so many of a wide list are passed."""
    by_key = {column.key: column for column in columns}
    chosen = [by_key[key] for key in look.columns if key in by_key]
    found = chosen or list(columns)
    if not look.wide:
        if chosen:  # what was chosen goes from its end when there is no room
            found = [replace(c, priority=1000 - n) for n, c in enumerate(found)]
        return tuple(found)
    first = [column for column in found if column.key in FIRST]
    rest = [column for column in found if column.key not in FIRST]
    shown = [*first, *rest[min(moved, max(len(rest) - 1, 0)) :]]
    return tuple(replace(column, priority=1000 - n) for n, column in enumerate(shown))
