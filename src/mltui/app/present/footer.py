"""The footer: the keys that apply to what is selected, in order of use; or a notice."""

from __future__ import annotations

from collections.abc import Sequence

from mltui.actions.action import Action
from mltui.actions.keys import key_text
from mltui.app.present.line import Line, Part
from mltui.text.width import cell_width

ALWAYS = ("find.filter", "find.command", "mltui.help")
"""Kept at the right edge, whatever has to go."""


def footer(actions: Sequence[Action], width: int) -> tuple[Line, list[tuple[int, int, str]]]:
    """The line, and where each action is on it (from, to, id) for the mouse."""
    kept = [each for each in actions if each.id in ALWAYS]
    others = [each for each in actions if each.id not in ALWAYS]
    right = [_entry(each) for each in kept]
    right_width = sum(_width(entry) + 2 for entry in right)
    parts: list[Part] = []
    places: list[tuple[int, int, str]] = []
    x = 1
    parts.append((" ", ""))
    for each in others:
        entry = _entry(each)
        size = _width(entry)
        if x + size + 1 > width - right_width:
            continue
        places.append((x, x + size, each.id))
        parts += [*entry, ("  ", "")]
        x += size + 2
    start = width - right_width
    end_parts: list[Part] = []
    for each, entry in zip(kept, right, strict=True):
        places.append((start + 1, start + 1 + _width(entry), each.id))
        end_parts += [(" ", ""), *entry, (" ", "")]
        start += _width(entry) + 2
    return Line(tuple(parts), tuple(end_parts)), places


def _entry(action: Action) -> tuple[Part, Part]:
    return (key_text(action.keys[0]), "strong"), (f" {action.title}", "dim")


def _width(entry: tuple[Part, Part]) -> int:
    return sum(cell_width(text) for text, _ in entry)
