"""Text with colours of its own (previews of images, logs) as a line of the screen.

Everything but colours and weights was taken out by `logs.sanitize`.
"""

from __future__ import annotations

from mltui.app.present.line import OWN, Line, Part
from mltui.logs.sanitize import Colour, Sgr, clean


def sgr_line(text: str, indent: str, width: int) -> Line:
    """A line with the colours that its text asks for."""
    if "\x1b" not in text:
        return Line(((indent + text, "dim"),))
    parts: list[Part] = [(indent, "")]
    parts += [
        (span.text, _style(span.style)) for span in clean(text.encode("utf-8", "surrogatepass"))
    ]
    return Line(tuple(parts))


def _style(style: Sgr) -> str:
    words = [
        name for name in ("bold", "dim", "italic", "underline", "reverse") if getattr(style, name)
    ]
    if style.fg is not None:
        words.append(_colour(style.fg))
    if style.bg is not None:
        words.append(f"on {_colour(style.bg)}")
    return OWN + " ".join(words) if words else ""


def _colour(colour: Colour) -> str:
    if isinstance(colour, tuple):
        return "#{:02x}{:02x}{:02x}".format(*colour)
    return f"color({colour})"
