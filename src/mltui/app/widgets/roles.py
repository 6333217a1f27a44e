"""Role names: what a piece of text means, from which the theme makes a colour.

Cells and marks name a role (`state-failed`, `dim`); `Grid`, `LogPane` and panes turn it into a
style here, so no colour is written anywhere else. A theme overrides any role by a variable of
the same name (`state-failed: "#ff6b6b"`, `state-cached: dim`); without one, standard Textual
variables are used, so every theme works.
"""

from __future__ import annotations

from collections.abc import Mapping

from rich.color import Color as RichColor
from rich.style import Style
from textual.color import Color, ColorParseError
from textual.widget import Widget

ROLES: Mapping[str, str] = {
    "state-pending": "color: $text-muted;",
    "state-ready": "color: $text-muted;",
    "state-building": "color: $accent;",
    "state-running": "color: $accent;",
    "state-succeeded": "color: $text-muted;",
    "state-cached": "color: $text-muted;",
    "state-failed": "color: $error; text-style: bold;",
    "state-cancelled": "color: $text-muted;",
    "state-skipped": "color: $text-muted;",
    "state-paused": "color: $warning;",
    "state-unknown": "color: $warning;",
    "state-waiting": "color: $text-muted;",
    "state-warning": "color: $warning;",
    "state-dim": "color: $text-muted;",
    "dim": "color: $text-muted;",
    "accent": "color: $accent;",
    "good": "color: $success;",
    "strong": "text-style: bold;",
    "header": "color: $text-muted; text-style: bold;",
    "section": "color: $text-muted;",
    "stale": "color: $text-disabled;",
    "mark": "color: $accent; text-style: bold;",
    "cursor": "background: $foreground 14%; text-style: bold;",
    "cursor-blurred": "background: $foreground 7%;",
    "match": "background: $warning 35%;",
    "match-current": "color: $background; background: $warning; text-style: bold;",
    "selected": "color: $screen-selection-foreground; background: $screen-selection-background;",
}
"""Each role and its default look, as declarations of Textual CSS."""

ROLE_CLASSES: frozenset[str] = frozenset(f"role--{role}" for role in ROLES)
"""For COMPONENT_CLASSES of a widget that draws roles."""

_TEXT_STYLES = frozenset(("bold", "dim", "italic", "underline", "reverse", "none"))


def role_css(widget: str) -> str:
    """The default rules of all roles for the widget type named *widget*; goes in DEFAULT_CSS."""
    rules = (f"{widget} > .role--{role} {{ {look} }}" for role, look in ROLES.items())
    return "\n" + "\n".join(rules) + "\n"


def parse_look(value: str) -> Style | None:
    """A theme's override: `#ff6b6b`, `ansi_red`, `bold red`, `dim`, `on #333`; None if not one."""
    found: dict[str, bool] = {}
    colours: dict[bool, RichColor] = {}
    behind = False
    for token in value.split():
        if token == "on":
            behind = True
        elif token in _TEXT_STYLES:
            found[token] = True
        else:
            try:
                colour = Color.parse(token)
            except ColorParseError:
                return None
            colours[behind] = colour.rich_color
            behind = False
    found.pop("none", None)
    return Style(color=colours.get(False), bgcolor=colours.get(True), **found)  # type: ignore[arg-type]


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
        if role not in ROLES:
            return Style.null()
        override = self._widget.app.theme_variables.get(role)
        if override is not None and (look := parse_look(override)) is not None:
            return look
        if self._widget.app.current_theme.ansi and "$text-" in ROLES[role]:
            return Style(dim=True)  # sixteen colours have no grey between text and background
        name = f"role--{role}"
        styles = self._widget.get_component_styles(name)
        whole = self._widget.get_component_rich_style(name)
        return Style(
            color=whole.color if styles.has_rule("color") else None,
            bgcolor=whole.bgcolor if styles.has_rule("background") else None,
        ) + (styles.text_style if styles.has_rule("text_style") else Style.null())
