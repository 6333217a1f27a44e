"""A project as far as it could be read, for the cross checks to look at.

Where a part was wrong its default stands in the model; `names` and `is_sound` tell the checks
what not to judge, so that one slip gives one problem. Used by `mltui.spec.lint*`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mltui.spec.fields import Reading
from mltui.spec.graph import Graph
from mltui.spec.model import Mark, Spec, YamlPath
from mltui.spec.spelling import did_you_mean


@dataclass(slots=True)
class Draft:
    """The model, what was noted while reading it, and its graph."""

    spec: Spec
    reading: Reading
    graph: Graph
    _children: dict[YamlPath, list[str]] = field(default_factory=dict)
    _wrong_below: set[YamlPath] = field(default_factory=set)

    @classmethod
    def of(cls, spec: Spec, reading: Reading) -> Draft:
        """Indexes the keys and the broken paths once."""
        draft = cls(spec, reading, Graph.of(spec))
        for path in reading.keys:
            draft._children.setdefault(path[:-1], []).append(str(path[-1]))
        for path in tuple(reading.broken):
            draft.spoil(*path)
        return draft

    def fault(self, mark: Mark, message: str, hint: str = "") -> None:
        """Notes a problem at a place."""
        self.reading.fault(mark, message, hint)

    def at(self, *path: str | int) -> Mark:
        """Where a value starts."""
        return self.spec.mark(*path)

    def key(self, *path: str | int) -> Mark:
        """Where a key starts; its value, or nearest written ancestor, where there is no key."""
        return self.reading.keys.get(path) or self.spec.mark(*path)

    def has(self, *path: str | int) -> bool:
        """Whether the file has this key."""
        return path in self.reading.keys

    def is_sound(self, *path: str | int) -> bool:
        """Whether nothing at, above or below a path was wrong."""
        if path in self._wrong_below:
            return False
        return not any(path[:end] in self.reading.broken for end in range(len(path)))

    def names(self, *path: str | int) -> tuple[str, ...] | None:
        """The keys written below a path; None where that part could not be read."""
        if any(path[:end] in self.reading.broken for end in range(len(path) + 1)):
            return None
        return tuple(self._children.get(path, ()))

    def listed(self, *path: str | int) -> Iterator[tuple[str, Mark]]:
        """The well-read texts of a list with their places."""
        index = 0
        while (*path, index) in self.spec.marks:
            at = (*path, index)
            if at in self.reading.texts and at not in self.reading.broken:
                yield self.reading.texts[at], self.spec.marks[at]
            index += 1

    def spoil(self, *path: str | int) -> None:
        """Remembers that a part is wrong, so that later checks keep quiet about it."""
        self.reading.broken.add(path)
        self._wrong_below.update(path[:end] for end in range(len(path) + 1))

    def check_known(
        self, name: str, mark: Mark, what: str, *section: str | int, also: Iterable[str] = ()
    ) -> bool:
        """Faults a name that a section does not declare; True when it is known."""
        known = self.names(*section)
        if known is None or name in known or name in also:
            return known is not None
        self.fault(mark, f"there is no {what} `{name}`", did_you_mean(name, (*known, *also)))
        return False
