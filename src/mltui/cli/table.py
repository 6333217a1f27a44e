"""Aligned columns: as wide as what is in them, numbers to the right, empty columns left out.

Every listing command calls this. Widths are terminal cells, never characters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mltui.text import cell_width, shorten_end

GAP = "  "


class Column:
    """One column: its heading and how its cells are placed."""

    def __init__(self, name: str, *, right: bool = False, keep: bool = False) -> None:
        self.name = name
        self.right = right
        """Numbers line up at their ends."""
        self.keep = keep
        """Shown even if nothing is in it."""


def layout(
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    *,
    width: int | None = None,
    paint: Callable[[int, str, str], str] | None = None,
) -> list[str]:
    """The heading and one line a row.

    width: cut the last columns so that a line fits. `paint(row, column name, text)` may add colour
    to a cell that is already placed; the heading is row -1.
    """
    shown = [
        index
        for index, column in enumerate(columns)
        if column.keep or any(row[index] for row in rows)
    ]
    table = [[columns[index].name for index in shown]]
    table += [[row[index] for index in shown] for row in rows]
    widths = [max(cell_width(line[place]) for line in table) for place in range(len(shown))]
    lines = []
    for number, line in enumerate(table):
        parts = []
        room = width
        for place, text in enumerate(line):
            column = columns[shown[place]]
            cells = widths[place]
            if room is not None:
                cells = min(cells, max(room, 0))
                room -= cells + len(GAP)
                text = shorten_end(text, cells)
            padding = " " * (cells - cell_width(text))
            painted = paint(number - 1, column.name, text) if paint is not None else text
            parts.append(padding + painted if column.right else painted + padding)
        lines.append(GAP.join(parts).rstrip())
    return lines
