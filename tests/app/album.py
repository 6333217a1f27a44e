"""Pictures of screens as text: what stands where, and in which colours, in a few kilobytes each.

A file of `pictures/` holds one screen in every size. Of each line there is the text, how it reads
without Unicode (`~`) where that differs, and which looks its letters have (`@ 3a12b`: three of look
a, twelve of b); `* 4` is four more lines that are the same. A look is what a letter looks like in
the dark theme and in the light one. So a difference is read in a diff like any other.

`MLTUI_PICTURES=all`, or `pods,gate`, writes them anew: look at what `git diff` says then.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from string import ascii_letters

from rich.segment import Segment
from textual.screen import ModalScreen

from .driver import Driver

FOLDER = Path(__file__).parent / "pictures"
WRITTEN = os.environ.get("MLTUI_PICTURES", "")
IS_WRITING = bool(WRITTEN)
PATIENCE_S = 40.0
HASTE_S = 2.0
"""Where one picture was wrong already, others are not waited for so long."""
STEADY_S = 0.5
"""While writing: what has not changed for so long is what the screen shows."""
DARK, LIGHT, PLAIN = "dark", "light", "plain"
_PORT = re.compile(r"(?<=\.1:)\d{5}(?!\d)")
_LOOKS = "== looks"

NOTHING = "nothing"
"""The look of what is left out of a picture."""

Size = tuple[int, int]
Cells = tuple[tuple[str, str], ...]
"""A line: stretches of text with how they look."""


def look_of(segment: Segment) -> str:
    """How it looks: `#e0def4 on #191724 bold`."""
    style = segment.style
    if style is None:
        return "default"
    words = [style.color.name if style.color else "default"]
    if style.bgcolor:
        words += ["on", style.bgcolor.name]
    named = ("bold", "dim", "italic", "underline", "reverse", "strike")
    return " ".join([*words, *(each for each in named if getattr(style, each))])


def taken(screen: Driver) -> list[Cells]:
    """What is on the screen now; of a dialog that alone, not what it stands over."""
    shown = screen.app.screen
    lines = [
        joined((_PORT.sub("#####", each.text), look_of(each)) for each in strip)
        for strip in shown._compositor.render_strips(shown.size)
    ]
    if not isinstance(shown, ModalScreen):
        return lines
    box = shown.query_one(".dialog").region
    return [
        cut(cells, box.x, box.right) if box.y <= y < box.bottom else cut(cells, 0, 0)
        for y, cells in enumerate(lines)
    ]


def cut(cells: Cells, start: int, end: int) -> Cells:
    """Nothing but what stands between two places, where it stands."""
    parts, at, width = [(" " * start, NOTHING)], 0, sum(len(text) for text, _ in cells)
    for text, look in cells:
        parts.append((text[max(start - at, 0) : max(end - at, 0)], look))
        at += len(text)
    return joined([*parts, (" " * (width - end), NOTHING)])


def joined(parts: Iterator[tuple[str, str]] | Sequence[tuple[str, str]]) -> Cells:
    """Stretches of one look as one."""
    return tuple(
        ("".join(text for text, _ in stretch), look)
        for look, stretch in groupby(filter(lambda part: part[0], parts), lambda part: part[1])
    )


def text_of(cells: Cells) -> str:
    """Without how it looks."""
    return "".join(text for text, _ in cells).rstrip()


class Album:
    """A screen's file: the screen in each size, dark and light as cells, plain as text."""

    def __init__(self, name: str) -> None:
        self.file = FOLDER / f"{name}.txt"
        self.dark: dict[Size, list[Cells]] = {}
        self.light: dict[Size, list[Cells]] = {}
        self.plain: dict[Size, list[str]] = {}
        if self.file.exists():
            self._read(self.file.read_text(encoding="utf-8"))

    @property
    def is_left(self) -> bool:
        """Others are written anew, this one is not."""
        return IS_WRITING and WRITTEN != "all" and self.file.stem not in WRITTEN.split(",")

    async def difference(self, screen: Driver, of: str, *, is_patient: bool = True) -> str:
        """Wait until the screen looks as it is kept; what is different when it never does.

        While writing, keep what the screen settles on.
        """
        size = screen.app.size.width, screen.app.size.height
        if IS_WRITING:
            found = await _steady(screen)
            if of == PLAIN:
                self.plain[size] = [text_of(cells) for cells in found]
            else:
                (self.dark if of == DARK else self.light)[size] = found
            return ""
        until = time.monotonic() + (PATIENCE_S if is_patient else HASTE_S)
        while True:
            found = taken(screen)
            texts = [text_of(cells) for cells in found]
            if of == PLAIN:
                is_same, wanted = texts == self.plain.get(size), self.plain.get(size, [])
            else:
                kept = (self.dark if of == DARK else self.light).get(size, [])
                is_same, wanted = found == kept, [text_of(cells) for cells in kept]
            if is_same:
                return ""
            if time.monotonic() > until:
                break
            await screen.settle()
        where = f"{self.file.stem} {size[0]}x{size[1]} {of}"
        if texts == wanted:
            return "\n".join([f"{where}, in its looks:", *_looks_apart(kept, found)])
        return "\n".join([f"{where}:", *_texts_apart(wanted, texts)])

    # --- the file -------------------------------------------------------------------------------

    def write(self) -> None:
        """Keep it."""
        codes: dict[tuple[str, str], str] = {}
        out: list[str] = []
        for size in sorted(self.dark):
            out.append(f"== {size[0]}x{size[1]}")
            plain = self.plain.get(size, [])
            groups = []
            for n, (dark, light) in enumerate(zip(self.dark[size], self.light[size], strict=True)):
                text, letters = text_of(dark), _lettered(dark, light, codes)
                other = plain[n] if n < len(plain) else text
                groups.append((f"  {text}".rstrip(), other, letters, text))
            for (first, other, letters, text), same in groupby(groups):
                out.append(first)
                if other != text:
                    out.append(f"~ {other}".rstrip())
                out.append(f"@ {letters}")
                if more := sum(1 for _ in same) - 1:
                    out.append(f"* {more}")
        out += [_LOOKS, *(f"{code} {dark} | {light}" for (dark, light), code in codes.items())]
        FOLDER.mkdir(exist_ok=True)
        self.file.write_text("\n".join(out) + "\n", encoding="utf-8")

    def _read(self, text: str) -> None:
        body, _, legend = text.partition(f"{_LOOKS}\n")
        looks = {}
        for line in legend.splitlines():
            code, _, both = line.partition(" ")
            dark, _, light = both.partition(" | ")
            looks[code] = dark, light
        size, shown, other = (0, 0), "", ""
        for line in body.splitlines():
            mark, rest = line[:2], line[2:]
            if mark == "==":
                width, _, height = rest.strip().partition("x")
                size = int(width), int(height)
                self.dark[size], self.light[size], self.plain[size] = [], [], []
            elif mark.rstrip() == "~":
                other = rest
            elif mark == "@ ":
                runs = [(int(count), code) for count, code in re.findall(r"(\d+)(\D+)", rest)]
                full, at = shown.ljust(sum(count for count, _ in runs)), 0
                parts = []
                for count, code in runs:
                    parts.append((full[at : at + count], code))
                    at += count
                for kept, n in ((self.dark, 0), (self.light, 1)):
                    kept[size].append(joined([(each, looks[code][n]) for each, code in parts]))
                self.plain[size].append(other)
            elif mark == "* ":
                for kept in (self.dark, self.light):
                    kept[size] += kept[size][-1:] * int(rest)
                self.plain[size] += self.plain[size][-1:] * int(rest)
            else:
                shown = other = rest


def _lettered(dark: Cells, light: Cells, codes: dict[tuple[str, str], str]) -> str:
    """`3a12b`; a pair of looks gets its letters when it first comes."""
    texts = ["".join(text for text, _ in cells) for cells in (dark, light)]
    assert texts[0] == texts[1], f"a light theme reads otherwise: {texts}"
    looks = ([look for text, look in cells for _ in text] for cells in (dark, light))
    pairs = zip(*looks, strict=True)
    out = []
    for pair, same in groupby(pairs):
        number = len(codes)
        letters = ascii_letters[number % 52] * (1 + number // 52)
        out.append(f"{sum(1 for _ in same)}{codes.setdefault(pair, letters)}")
    return "".join(out)


def _texts_apart(wanted: Sequence[str], found: Sequence[str]) -> Iterator[str]:
    from difflib import unified_diff

    yield from unified_diff(wanted, found, "kept", "shown", n=0, lineterm="")


def _looks_apart(wanted: Sequence[Cells], found: Sequence[Cells]) -> Iterator[str]:
    for n, (old, new) in enumerate(zip(wanted, found, strict=True)):
        if old != new:
            yield f"line {n}: kept  {old}"
            yield f"line {n}: shown {new}"


async def _steady(screen: Driver) -> list[Cells]:
    found, since = taken(screen), time.monotonic()
    until = since + PATIENCE_S
    while time.monotonic() - since < STEADY_S:
        for _ in range(5):  # a busy machine may stand still by itself
            await screen.settle()
        now = taken(screen)
        if now != found:
            found, since = now, time.monotonic()
        assert time.monotonic() < until, f"it never stands still:\n{screen.text}"
    return found
