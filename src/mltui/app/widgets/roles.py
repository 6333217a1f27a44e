"""Role names: what a piece of text means, from which the theme makes a colour.

Cells and marks name a role (`state-failed`, `dim`); `Grid`, `LogPane` and panes turn it into a
style here, so no colour is written anywhere else. A theme overrides any role by a variable of
the same name (`state-failed: "#ff6b6b"`, `state-cached: dim`); without one, standard Textual
variables are used, so every theme works.
"""

from __future__ import annotations

from collections.abc import Mapping

from rich.style import Style
from textual.color import Color, ColorParseError
from textual.widget import Widget

ROLES: Mapping[str, str] = {
    "state-pending": "$text-muted",
    "state-ready": "$text-muted",
    "state-building": "$accent",
    "state-running": "$accent",
    "state-succeeded": "$text-muted",
    "state-cached": "$text-muted",
    "state-failed": "bold $error",
    "state-cancelled": "$text-muted",
    "state-skipped": "$text-muted",
    "state-paused": "$warning",
    "state-unknown": "$warning",
    "state-waiting": "$text-muted",
    "state-warning": "$warning",
    "state-dim": "$text-muted",
    "dim": "$text-muted",
    "accent": "$accent",
    "good": "$success",
    "strong": "bold",
    "header": "bold $text-muted",
    "section": "$text-muted",
    "stale": "$text-disabled",
    "mark": "bold $accent",
    "cursor": "bold on $foreground 14%",
    "cursor-blurred": "on $foreground 7%",
    "match": "on $warning 35%",
    "flash": "bold on $accent 25%",
    "match-current": "bold $background on $warning",
    "highlight-1": "bold on $success 35%",
    "highlight-2": "bold on $accent 35%",
    "highlight-3": "bold on $secondary 35%",
    "highlight-4": "bold on $error 35%",
    "source-1": "$accent",
    "source-2": "$secondary",
    "source-3": "$success",
    "source-4": "$primary",
    "source-5": "$text-muted",
    "source-6": "$warning",
    "selected": "$screen-selection-foreground on $screen-selection-background",
}
"""Each role and its default look, written as `parse_look` reads it."""

_TEXT_STYLES = frozenset(("bold", "dim", "italic", "underline", "reverse", "none"))
_NO_VARIABLES: Mapping[str, str] = {}
_BLACK = Color(0, 0, 0)


def parse_look(
    value: str, variables: Mapping[str, str] = _NO_VARIABLES, background: Color = _BLACK
) -> Style | None:
    """A look: `#ff6b6b`, `ansi_red`, `bold red`, `dim`, `on #333`, `bold on $warning 35%`.

    A `$name` is a theme's variable, a percentage how much of a colour covers the *background*.
    None if it is not a look.
    """
    found: dict[str, bool] = {}
    colours: dict[bool, Color] = {}
    behind = False
    previous = False
    for token in value.split():
        if token == "on":
            behind = True
        elif token in _TEXT_STYLES:
            found[token] = True
        elif token.endswith("%") and token[:-1].isdigit() and previous in colours:
            colours[previous] = colours[previous].with_alpha(int(token[:-1]) / 100)
        else:
            colour = _colour(token, variables, background)
            if colour is None:
                return None
            colours[behind] = colour
            previous, behind = behind, False
    found.pop("none", None)
    shown = {place: (background + colour).rich_color for place, colour in colours.items()}
    return Style(color=shown.get(False), bgcolor=shown.get(True), **found)  # type: ignore[arg-type]


def _colour(token: str, variables: Mapping[str, str], background: Color) -> Color | None:
    """A colour as Textual's CSS means it; `auto 60%` is whatever can be read on *background*."""
    text = variables.get(token[1:], "") if token.startswith("$") else token
    name, _, share = text.partition(" ")
    alpha = int(share[:-1]) / 100 if share.endswith("%") and share[:-1].isdigit() else 1.0
    if name == "auto":
        return background.get_contrast_text(alpha)
    try:
        colour = Color.parse(name)
    except ColorParseError:
        return None
    return colour.with_alpha(alpha) if share else colour


class RoleStyles:
    """The styles of one widget's roles, made when first asked for. `clear` when styles change."""

    def __init__(self, widget: Widget) -> None:
        self._widget = widget
        self._parts: dict[str, Style] = {}
        self._combined: dict[tuple[str, Style], Style] = {}

    def clear(self) -> None:
        """Forget all styles: the theme or the widget's CSS changed."""
        self._parts.clear()
        self._combined.clear()

    def part(self, role: str) -> Style:
        """Only what *role* itself says; a null style for an unknown role or none."""
        found = self._parts.get(role)
        if found is None:
            found = self._parts[role] = self._look(role)
        return found

    def on(self, base: Style, role: str) -> Style:
        """*base* with *role* on top."""
        if not role:
            return base
        key = (role, base)
        found = self._combined.get(key)
        if found is None:
            found = self._combined[key] = base + self.part(role)
        return found

    def _look(self, role: str) -> Style:
        default = ROLES.get(role)
        if default is None:
            return Style.null()
        app, widget = self._widget.app, self._widget
        variables = app.theme_variables
        below, own = widget.background_colors
        background = below + own
        override = variables.get(role)
        if override is not None:
            look = parse_look(override, variables, background)
            if look is not None:
                return look
        if app.current_theme.ansi and "$text-" in default:
            return Style(dim=True)  # sixteen colours have no grey between text and background
        return parse_look(default, variables, background) or Style.null()
