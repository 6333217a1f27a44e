"""Themes: one small file each, ours in `themes/`, a person's own in their config folder.

Read by the app before its first paint, so only the YAML that a theme needs is understood (flat
`key: value` lines and one indented block) and no YAML library is imported. A file that is wrong is
listed with its line and left out; the others load.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from textual.color import Color, ColorParseError
from textual.theme import Theme

from mltui.app.widgets.roles import ROLES, parse_look
from mltui.errors import Problem

DEFAULT = "mltui-dark"
PLAIN = "ansi"
"""Used where colour is not wanted: it brings no background of its own."""

_COLOURS = (
    "primary",
    "secondary",
    "accent",
    "warning",
    "error",
    "success",
    "foreground",
    "background",
    "surface",
    "panel",
)
_FLAGS = ("dark", "ansi")
_OWN = {"rule": "#808080"}
"""Variables of ours that every theme needs, with what they are where a theme says nothing."""
_ANSI = {"ansi-background": "ansi_black", "ansi-foreground": "ansi_white"}
"""Textual's own styles refer to these where a theme is of the terminal's sixteen colours."""


class _Wrong(Exception):
    def __init__(self, line: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.line, self.message, self.hint = line, message, hint


def folders(environ: Mapping[str, str] = os.environ) -> list[Path]:
    """Where themes are: ours first, then the person's, which may replace ours by name."""
    here = Path(__file__).resolve()
    installed, checkout = here.parents[1] / "themes", here.parents[3] / "themes"
    ours = installed if installed.is_dir() else checkout
    return [ours, config_folder(environ) / "themes"]


def config_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The person's own settings."""
    base = environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(base).expanduser() / "mltui"


def load(places: Iterable[Path] | None = None) -> tuple[dict[str, Theme], list[Problem]]:
    """Every theme by its name, and what is wrong with the files that could not be used."""
    themes: dict[str, Theme] = {}
    problems: list[Problem] = []
    for folder in folders() if places is None else places:
        for file in sorted(folder.glob("*.yaml")):
            try:
                theme = parse(file.read_text(encoding="utf-8"))
            except _Wrong as wrong:
                problems.append(Problem(str(file), wrong.line, 1, wrong.message, wrong.hint))
            except (OSError, UnicodeDecodeError) as error:
                problems.append(Problem(str(file), 0, 0, f"it can't be read: {error}"))
            else:
                themes[theme.name] = theme
    return themes, problems


def load_one(name: str) -> Theme | None:
    """One theme by its file's name, for the first paint; None if it is missing or wrong."""
    for folder in reversed(folders()):
        file = folder / f"{name}.yaml"
        try:
            theme = parse(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, _Wrong):
            continue
        if theme.name == name:
            return theme
    return None


def parse(text: str) -> Theme:
    """A theme from its text. Raises an error with the line that is wrong."""
    top, variables = _pairs(text)
    for key, (line, _) in top.items():
        if key not in ("name", *_COLOURS, *_FLAGS):
            raise _Wrong(line, f"a theme has no `{key}`", f"it may have {', '.join(_COLOURS)}")
    for needed in ("name", "primary"):
        if needed not in top:
            raise _Wrong(1, f"a theme needs `{needed}`")
    colours: dict[str, str] = {}
    for key in _COLOURS:
        if key in top:
            line, value = top[key]
            colours[key] = _colour(line, key, value)
    flags: dict[str, bool] = {}
    for key in _FLAGS:
        if key in top:
            line, value = top[key]
            if value not in ("true", "false"):
                raise _Wrong(line, f"`{key}` is true or false, not `{value}`")
            flags[key] = value == "true"
    looks: dict[str, str] = {**_OWN, **(_ANSI if flags.get("ansi") else {})}
    for key, (line, value) in variables.items():
        if key in ROLES and parse_look(value) is None:
            raise _Wrong(line, f"`{key}: {value}` is no look", "like `#ff6b6b bold` or `dim`")
        if key in _OWN:
            value = _colour(line, key, value)
        looks[key] = value
    return Theme(
        name=top["name"][1],
        primary=colours.pop("primary"),
        secondary=colours.pop("secondary", None),
        accent=colours.pop("accent", None),
        warning=colours.pop("warning", None),
        error=colours.pop("error", None),
        success=colours.pop("success", None),
        foreground=colours.pop("foreground", None),
        background=colours.pop("background", None),
        surface=colours.pop("surface", None),
        panel=colours.pop("panel", None),
        dark=flags.get("dark", True),
        ansi=flags.get("ansi", False),
        variables=looks,
    )


def defaults() -> dict[str, str]:
    """Variables that our styles use and a theme of Textual's does not know."""
    return dict(_OWN)


_Pairs = dict[str, tuple[int, str]]


def _pairs(text: str) -> tuple[_Pairs, _Pairs]:
    top: _Pairs = {}
    variables: _Pairs = {}
    inside = False
    for number, raw in enumerate(text.splitlines(), 1):
        stripped = raw.strip()
        if not stripped or stripped.startswith("#"):
            continue
        key, colon, rest = stripped.partition(":")
        if not colon:
            raise _Wrong(number, f"`{stripped}` is not `key: value`")
        indented = raw[0] in " \t"
        if indented and not inside:
            raise _Wrong(number, "only `variables:` has lines below it")
        if not indented and key == "variables" and not rest.strip():
            inside = True
            continue
        target = variables if indented else top
        inside = inside and indented
        if key in target:
            raise _Wrong(number, f"`{key}` is there twice")
        target[key.strip()] = (number, _value(number, rest.strip()))
    return top, variables


def _value(number: int, text: str) -> str:
    if text[:1] in ('"', "'"):
        end = text.find(text[0], 1)
        after = text[end + 1 :].strip()
        if end < 0 or (after and not after.startswith("#")):
            raise _Wrong(number, f"{text} has no closing quote")
        return text[1:end]
    value = text.partition(" #")[0].strip()
    if not value or value.startswith("#"):
        raise _Wrong(number, "there is no value", 'a colour with # needs quotes: "#6cb6ff"')
    return value


def _colour(line: int, key: str, value: str) -> str:
    try:
        Color.parse(value)
    except ColorParseError:
        raise _Wrong(line, f"`{key}: {value}` is no colour", "write #6cb6ff or ansi_blue") from None
    return value
