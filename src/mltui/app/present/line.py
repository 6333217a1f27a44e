"""A line of the screen: stretches of text, each with the role that gives it its colour.

Every presenter makes these; `LineView` paints them and repaints only those that became different.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from mltui.text.width import cell_width, shorten_end

Part = tuple[str, str]
"""Text and role; an empty role is ordinary text."""
OWN = "="
"""A role that begins so is none, but a style as Rich writes it."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line. `right` is put at the right edge and kept when `left` has to be shortened."""

    left: tuple[Part, ...] = ()
    right: tuple[Part, ...] = ()
    key: Hashable | None = None
    """What the cursor stands on; None: the cursor passes over it."""
    band: str = ""
    """Role of the whole line's background, for what must not be overlooked."""

    @property
    def text(self) -> str:
        """The line without its roles, for tests and for copying."""
        left = "".join(text for text, _ in self.left)
        right = "".join(text for text, _ in self.right)
        return f"{left}  {right}" if right else left

    def laid_out(self, width: int) -> list[Part]:
        """Parts that fill exactly `width` cells; adjacent equal roles are merged."""
        right_width = sum(cell_width(text) for text, _ in self.right)
        if right_width + 8 > width and self.left:
            right: tuple[Part, ...] = ()
            right_width = 0
        else:
            right = self.right
        room = width - right_width - (1 if right else 0)
        parts, used = cut(self.left, room)
        gap = width - used - right_width
        if gap > 0:
            parts.append((" " * gap, ""))
        parts.extend(right)
        if gap < 0:
            parts, _ = cut(parts, width)
        return merged(parts)


EMPTY = Line()


def cut(parts: Iterable[Part], width: int) -> tuple[list[Part], int]:
    """The parts in at most `width` cells, the last one shortened; and the cells used."""
    kept: list[Part] = []
    used = 0
    for text, role in parts:
        cells = cell_width(text)
        if used + cells > width:
            text = shorten_end(text, width - used)
            if text:
                kept.append((text, role))
                used += cell_width(text)
            return kept, used
        if text:
            kept.append((text, role))
            used += cells
    return kept, used


def merged(parts: Iterable[Part]) -> list[Part]:
    """Adjacent parts of one role as one: each change of style costs bytes over SSH."""
    found: list[Part] = []
    for text, role in parts:
        if found and (found[-1][1] == role or (not text.strip() and not role)):
            found[-1] = (found[-1][0] + text, found[-1][1])
        else:
            found.append((text, role))
    return found


def line(*parts: str | Part, right: Sequence[Part] = (), key: Hashable | None = None) -> Line:
    """A line from texts and parts, in order."""
    return Line(
        tuple((part, "") if isinstance(part, str) else part for part in parts if part),
        tuple(right),
        key,
    )


def wrapped(text: str, width: int, role: str = "", indent: str = "") -> list[Line]:
    """A sentence over as many lines as it needs; words longer than a line are broken."""
    lines: list[Line] = []
    room = max(width - len(indent), 8)
    current = ""
    for word in text.split():
        while cell_width(word) > room:
            if current:
                lines.append(Line(((indent + current, role),)))
                current = ""
            lines.append(Line(((indent + word[:room], role),)))
            word = word[room:]
        joined = f"{current} {word}" if current else word
        if cell_width(joined) > room:
            lines.append(Line(((indent + current, role),)))
            current = word
        else:
            current = joined
    if current:
        lines.append(Line(((indent + current, role),)))
    return lines


def folded(text: str, width: int, role: str = "", indent: str = "  ") -> list[Line]:
    """A line as it is written over as many as it needs: spaces stay, as of YAML or a difference."""
    lines: list[Line] = []
    lead, room = "", max(width, 8)
    while cell_width(text) > room:
        head = shorten_end(text, room, ellipsis="")
        blank = head.rstrip().rfind(" ")
        if blank > room // 2:
            head = head[: blank + 1]
        lines.append(Line(((lead + head, role),)))
        text, lead, room = text[len(head) :], indent, max(width - len(indent), 8)
    return [*lines, Line(((lead + text, role),))]
