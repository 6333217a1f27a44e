"""A readable page about one thing: sections of lines, made by `describe` of a kind.

The screen paints it, `mltui get` prints it; both from the same plain data. Values are other
people's text and are made safe here, once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mltui.live.cells import plain


@dataclass(frozen=True, slots=True)
class Line:
    """A value with what it is called; a line without a label stands alone."""

    label: str
    text: str
    role: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Lines that belong together."""

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """Everything there is to read about one thing."""

    title: str
    sections: tuple[Section, ...]

    @property
    def text(self) -> str:
        """As plain text, labels aligned within a section."""
        out = [self.title]
        for section in self.sections:
            out += ["", section.title]
            width = max((len(line.label) for line in section.lines), default=0)
            gap = "  " if width else ""
            out += [f"  {line.label:<{width}}{gap}{line.text}".rstrip() for line in section.lines]
        return "\n".join(out) + "\n"


def line(label: str, value: object, role: str = "") -> Line:
    """A line of a value that may come from anywhere."""
    return Line(plain(label), plain(str(value)), role)


def section(title: str, lines: Iterable[Line | None]) -> Section | None:
    """A section of the lines that are there; None without any."""
    found = tuple(each for each in lines if each is not None and (each.text or each.label))
    return Section(title, found) if found else None


def page(title: str, sections: Iterable[Section | None]) -> Page:
    """A page of the sections that are there."""
    return Page(plain(title), tuple(each for each in sections if each is not None))


def given(label: str, value: object, role: str = "") -> Line | None:
    """A line, unless its value is empty or unknown."""
    return None if value in (None, "", 0, (), [], {}) else line(label, value, role)
