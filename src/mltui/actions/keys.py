"""How keys are written for people: `ctrl+k` is `^k`, `question_mark` is `?`."""

from __future__ import annotations

_NAMES = {
    "question_mark": "?",
    "slash": "/",
    "colon": ":",
    "greater_than_sign": ">",
    "less_than_sign": "<",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "plus": "+",
    "minus": "-",
    "asterisk": "*",
    "space": "Space",
    "enter": "Enter",
    "escape": "Esc",
    "tab": "Tab",
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
}


def key_text(key: str) -> str:
    """A key as it stands on the footer, in the help and in the docs."""
    if key.startswith("ctrl+"):
        return f"^{key.removeprefix('ctrl+')}"
    if key.startswith("shift+"):
        return f"Shift-{key_text(key.removeprefix('shift+'))}"
    return _NAMES.get(key, key)
