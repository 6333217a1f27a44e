"""A list of one kind of thing: its columns for the grid, its header, the line about the row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mltui.app.present.line import EMPTY, Line, Part, line
from mltui.live.cells import Cell, Column, plain
from mltui.live.kind import Kind
from mltui.live.page import Page
from mltui.text.format import format_age
from mltui.text.glyphs import glyph
from mltui.text.width import cell_width, shorten_middle

_PLACE_WIDTH = 22
FRESH_S = 5.0
"""Data heard of so shortly ago is as good as live."""


def columns(
    kind: Kind[Any], pending: Mapping[str, str], is_stale: Callable[[Any], bool], *, unicode: bool
) -> tuple[Column[Any], ...]:
    """The kind's columns; what is being done to a row stands in its state, stale rows are dim."""
    keys = [column.key for column in kind.columns]
    told_in = "state" if "state" in keys else keys[min(1, len(keys) - 1)]

    def cells(of: Callable[[Any], Any], tells: bool) -> Callable[[Any], Cell]:
        def cell(row: Any) -> Cell:
            if tells and (doing := pending.get(kind.key(row))):
                return Cell(f"{glyph('waiting', unicode=unicode)} {doing}", "accent")
            found = of(row)
            return Cell(found.text, "stale" if is_stale(row) else found.role)

        return cell

    return tuple(
        shown_column(column, cells(column.cell_of, column.key == told_in), unicode=unicode)
        for column in kind.columns
    )


def shown_column(
    column: Column[Any], cell: Callable[[Any], Cell | str], *, unicode: bool
) -> Column[Any]:
    """A kind's column as a screen places it, with what it says in a cell."""
    title = column.title if unicode or column.title.isascii() else "R"
    return replace(column, title=title, cell=cell, sort=column.sort_value)


def header(
    project: str,
    what: str,
    shown: int,
    total: int,
    host: str,
    heard_s: float | None,
    trouble: str,
    *,
    band: str = "",
    unicode: bool,
) -> Line:
    """`digits > containers  3 of 30        docker  live`; a lost host says since when.

    `band` stands out: `PROD`.
    """
    arrow = "▸" if unicode else ">"
    parts: list[Part] = [(f" {project}", "strong"), (f" {arrow} {what}", "")]
    if total:
        count = f"{shown} of {total}" if shown != total else f"{total}"
        parts.append((f"  {count}", "dim"))
    if band:
        parts += [("  ", ""), (f" {band} ", "match-current")]
    if trouble:
        right = ((f"{glyph('warning', unicode=unicode)} {trouble} ", "state-warning"),)
        return Line(tuple(parts), right)
    if heard_s is None:
        return Line(tuple(parts), ((f"{host}  reading… ", "dim"),))
    age = "live" if heard_s < FRESH_S else format_age(heard_s)
    return Line(tuple(parts), ((f"{host}  {age} ", "dim"),))


def with_places(made: Line, places: Sequence[tuple[str, str, bool]], width: int) -> Line:
    """A header with places by their numbers, those that there is room for.

    Each: number, name, whether it is looked at.
    """
    room = width - sum(cell_width(text) for text, _ in (*made.left, *made.right)) - 4
    parts: list[Part] = []
    for number, name, is_here in places:
        text = f"{number} {shorten_middle(plain(name), _PLACE_WIDTH)}"
        room -= cell_width(text) + 2
        if room < 0:
            break
        parts += [("  ", ""), (text, "strong" if is_here else "dim")]
    # Two of them say that the numbers are keys; one alone would only repeat the place.
    return replace(made, left=(*made.left, ("  ", ""), *parts)) if len(parts) > 2 else made


def about(kind: Kind[Any], row: Any | None) -> Line:
    """What the columns have no room for: the whole name, what it belongs to, its image, its id."""
    if row is None:
        return EMPTY
    title = getattr(row, "title", kind.title)
    parts: list[Part] = [(f" {title} ", "dim"), (plain(kind.label(row)), "")]
    place = getattr(row, "place", None)
    if place is not None and place.text:
        parts.append((f"  {plain(place.text)}", "accent"))
    if image := getattr(row, "image", ""):
        parts.append((f"  {plain(image)}", "dim"))
    if error := getattr(row, "error", ""):
        parts.append((f"  {plain(error)}", "state-warning"))
    if node := getattr(row, "node", ""):
        return Line(tuple(parts), ((f"{plain(node)} ", "dim"),))
    key = (getattr(row, "uid", "") or kind.key(row)).removeprefix("sha256:")
    right = ((f"{key[:12]} ", "dim"),) if key != kind.label(row) else ()
    return Line(tuple(parts), right)


def page_lines(page: Page, width: int) -> list[Line]:
    """A readable page: sections of labels and values, values that are too long go on below."""
    lines = [line((f" {page.title}", "strong"))]
    for section in page.sections:
        lines += [EMPTY, line((f" {section.title}", "section"))]
        room = max(width // 3, 12)
        labels = min(max((cell_width(each.label) for each in section.lines), default=0), room)
        for each in section.lines:
            label = f"   {each.label}{' ' * max(labels - cell_width(each.label), 0)}  "
            start = cell_width(label)
            pieces = _pieces(each.text, max(width - start - 1, 16))
            lines.append(line((label, "dim"), (pieces[0], each.role)))
            lines += [line(" " * (labels + 5), (piece, each.role)) for piece in pieces[1:]]
    return lines


def _pieces(text: str, room: int) -> list[str]:
    """Text in pieces of at most so many characters; cut at spaces where there are some."""
    pieces = []
    while len(text) > room:
        cut = text.rfind(" ", room // 2, room)
        cut = room if cut < 0 else cut
        pieces.append(text[:cut])
        text = text[cut:].lstrip()
    return [*pieces, text] if text or not pieces else pieces


def text_lines(text: str) -> list[Line]:
    """YAML with its names apart from its values."""
    lines = []
    for each in text.splitlines():
        name, colon, value = each.partition(":")
        if colon and (not value or value.startswith(" ")) and '"' not in name:
            lines.append(line((f" {plain(name)}:", "dim"), plain(value)))
        else:
            lines.append(line(f" {plain(each)}"))
    return lines


def json_lines(text: str) -> list[Line]:
    """JSON with its names apart from its values."""
    lines = []
    for each in text.splitlines():
        name, colon, value = each.partition('": ')
        if colon:
            lines.append(line((f" {name}{colon.rstrip()} ", "dim"), value))
        else:
            lines.append(line(f" {each}"))
    return lines
