"""Printing: set a document in a real font, in lines of words, large and without flaws.

Long words at the end of a line are hyphenated, as in any print shop.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

FONTS = Path("/usr/share/fonts/truetype/dejavu")
EM = 48
"""Pixels of an em on the printing plate; a scanner sees far fewer."""

MEASURE = 18
"""The width of the text, in ems."""

LEADING = 1.45
MARGIN = 1.5
PAPER, INK = 250, 25
VOWELS = set("aeiouáéíóúàèìòùâêîôûãõäëïöü")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of document: its typeface and how large it is printed."""

    face: str
    em: float


KINDS = {
    "letter": Kind("DejaVuSerif.ttf", 1.0),
    "menu": Kind("DejaVuSans.ttf", 1.25),
    "sign": Kind("DejaVuSans-Bold.ttf", 1.5),
}


def split_word(word: str) -> list[int]:
    """Where a word may be broken: before a single consonant between two vowels."""
    letters = word.lower()
    return [
        place
        for place in range(2, len(word) - 2)
        if letters[place - 1] in VOWELS
        and letters[place].isalpha()
        and letters[place] not in VOWELS
        and letters[place + 1] in VOWELS
    ]


def break_line(words: list[str], font: ImageFont.FreeTypeFont, width: float) -> tuple[str, str]:
    """As much of the words as fits on a line, and the rest of its last word, if it was broken."""
    line = ""
    while words:
        longer = f"{line} {words[0]}".strip()
        if font.getlength(longer) > width:
            break
        line = longer
        words.pop(0)
    if not words:
        return line, ""
    for place in reversed(split_word(words[0])):
        longer = f"{line} {words[0][:place]}-".strip()
        if font.getlength(longer) <= width:
            return longer, words.pop(0)[place:]
    return (line, "") if line else (words.pop(0), "")


def set_lines(text: str, font: ImageFont.FreeTypeFont) -> list[str]:
    """The lines of a document as they are printed; an empty one ends a paragraph."""
    lines = []
    for paragraph in text.strip().split("\n\n"):
        words = paragraph.split()
        while words:
            line, rest = break_line(words, font, MEASURE * EM)
            lines.append(line)
            if rest:
                words.insert(0, rest)
        lines.append("")
    return lines[:-1]


def print_document(text: str, kind: Kind) -> tuple[Image.Image, list[str]]:
    """The plate of a document, EM pixels an em, and its lines."""
    font = ImageFont.truetype(str(FONTS / kind.face), EM, layout_engine=ImageFont.Layout.BASIC)
    lines = set_lines(text, font)
    tops, top = [], MARGIN * EM
    for line in lines:
        tops.append(top)
        top += LEADING * EM * (1 if line else 0.5)
    size = (round((MEASURE + 2 * MARGIN) * EM), round(top + MARGIN * EM))
    plate = Image.new("L", size, PAPER)
    draw = ImageDraw.Draw(plate)
    for line, at in zip(lines, tops, strict=True):
        draw.text((MARGIN * EM, at), line, font=font, fill=INK)
    return plate, [line for line in lines if line]
