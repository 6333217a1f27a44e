"""Two changes of one object put together, field by field. Pure; for `edit`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_NONE = object()
"""There is no such field."""


def merged(base: Any, mine: Any, theirs: Any) -> tuple[Any, list[str]]:
    """`mine` on top of `theirs`, both made of `base`; which fields both changed, mine counts.

    Containers, variables and the like are told apart by their names, not by their places.
    """
    clashes: list[str] = []
    return _merged(base, mine, theirs, "", clashes), clashes


def changed(before: Any, after: Any, path: str = "") -> list[str]:
    """Fields that are different, by their paths: `data.rate`, `spec.containers.web.image`."""
    if before == after:
        return []
    ours, others = _members(before), _members(after)
    if ours is None or others is None:
        return [path or "all"]
    found = [
        each
        for name in dict.fromkeys((*ours, *others))
        for each in changed(ours.get(name, _NONE), others.get(name, _NONE), _at(path, name))
    ]
    return found or [path or "all"]  # another order


def _members(found: Any) -> Mapping[str, Any] | None:
    return found if isinstance(found, Mapping) else _named(found)


def _at(path: str, name: str) -> str:
    return f"{path}.{name}" if path else str(name)


def _merged(base: Any, mine: Any, theirs: Any, path: str, clashes: list[str]) -> Any:
    if mine == base:
        return theirs
    if theirs in (base, mine):
        return mine
    if isinstance(mine, Mapping) and isinstance(theirs, Mapping):
        return _fields(base, mine, theirs, path, clashes)
    before, ours, others = _named(() if base is _NONE else base), _named(mine), _named(theirs)
    if before is not None and ours is not None and others is not None:
        return list(_fields(before, ours, others, path, clashes).values())
    clashes.append(path or "all")
    return mine


def _fields(
    base: Any, mine: Mapping[str, Any], theirs: Mapping[str, Any], path: str, clashes: list[str]
) -> dict[str, Any]:
    known = base if isinstance(base, Mapping) else {}
    out = {}
    for name in dict.fromkeys((*theirs, *mine)):
        found = _merged(
            known.get(name, _NONE), mine.get(name, _NONE), theirs.get(name, _NONE),
            _at(path, name), clashes,
        )  # fmt: skip
        if found is not _NONE:
            out[name] = found
    return out


def _named(found: Any) -> dict[str, Any] | None:
    """A list by the names of what is in it; None where they have none."""
    if not isinstance(found, Sequence) or isinstance(found, str):
        return None
    if not all(isinstance(each, Mapping) and isinstance(each.get("name"), str) for each in found):
        return None
    out = {each["name"]: each for each in found}
    return out if len(out) == len(found) else None
