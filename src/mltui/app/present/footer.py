"""The footer: the keys that apply to what is selected, in order of use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mltui.actions.action import Action
from mltui.actions.keys import key_text
from mltui.app.present.line import Line, Part
from mltui.text.width import cell_width

ALWAYS = frozenset({"find.filter", "find.command", "mltui.help"})
"""Kept at the right edge, whatever has to go."""


@dataclass(frozen=True, slots=True)
class Offered:
    """A key on the footer. `id` is an action's, or a binding's of the pane that has the keys."""

    key: str
    title: str
    id: str

    @classmethod
    def of(cls, action: Action) -> Offered:
        """An action by its first key."""
        return cls(action.keys[0], action.title, action.id)


def footer(offered: Sequence[Offered], width: int) -> tuple[Line, list[tuple[int, int, str]]]:
    """The line, and where each key is on it (from, to, id) for the mouse."""
    kept = [each for each in offered if each.id in ALWAYS]
    others = [each for each in offered if each.id not in ALWAYS]
    right_width = sum(_width(each) + 2 for each in kept)
    parts: list[Part] = [(" ", "")]
    places: list[tuple[int, int, str]] = []
    x = 1
    for each in others:
        size = _width(each)
        if x + size + 1 > width - right_width:
            continue
        places.append((x, x + size, each.id))
        parts += [*_entry(each), ("  ", "")]
        x += size + 2
    start = width - right_width
    end_parts: list[Part] = []
    for each in kept:
        places.append((start + 1, start + 1 + _width(each), each.id))
        end_parts += [(" ", ""), *_entry(each), (" ", "")]
        start += _width(each) + 2
    return Line(tuple(parts), tuple(end_parts)), places


def _entry(each: Offered) -> tuple[Part, Part]:
    return (key_text(each.key), "strong"), (f" {each.title}", "dim")


def _width(each: Offered) -> int:
    return sum(cell_width(text) for text, _ in _entry(each))
