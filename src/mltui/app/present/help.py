"""The help: every action with its keys, its command and its sentence, by group."""

from __future__ import annotations

from mltui.actions import registry
from mltui.actions.action import Action
from mltui.actions.keys import key_text
from mltui.app.present.line import EMPTY, Line, line, wrapped
from mltui.text.width import fit

MORE = (
    ("↑ ↓  j k", "Move the cursor, or scroll the pane that has the keys."),
    ("Tab  Shift-Tab", "The next or previous pane of the selected stage."),
    ("1 … 5", "A pane by its number; while a failure is shown, one of its numbered fixes."),
    ("Page keys", "A page up or down; Home and End go to the first and last line."),
    ("w n N e", "In the log: wrap lines, next match, previous match, next error."),
)
"""Keys that are not verbs of the registry."""

KEYS = 16
COMMAND = 16


def help_lines(width: int, needle: str = "") -> list[Line]:
    """The whole key map, or what matches a search."""
    wanted = needle.lower().strip()
    lines: list[Line] = []
    for group, actions in registry.grouped():
        found = [each for each in actions if not wanted or wanted in _words(each, group)]
        if not found:
            continue
        lines.append(line((group, "section")))
        for each in found:
            keys = "  ".join(key_text(key) for key in each.keys)
            command = f":{each.command} {each.argument}".rstrip() if each.command else ""
            lines += _entry(keys, command, f"{each.title}. {each.help}", width)
        lines.append(EMPTY)
    moving = [(k, t) for k, t in MORE if not wanted or wanted in f"{k} {t}".lower()]
    if moving:
        lines.append(line(("Moving", "section")))
        for keys, text in moving:
            lines += _entry(keys, "", text, width)
    if not lines:
        lines.append(line((f"nothing is called {needle!r}", "dim")))
    return lines


def _entry(keys: str, command: str, text: str, width: int) -> list[Line]:
    roomy = width >= 84
    indent = " " * (2 + KEYS + (COMMAND if roomy else 0))
    body = wrapped(text, width, "", indent)
    first = body[0].left[0][0][len(indent) :] if body else ""
    head = [(f"  {fit(keys, KEYS - 1)} ", "strong")]
    if roomy:
        head.append((f"{fit(command, COMMAND - 1)} ", "dim"))
    lines = [Line((*head, (first, "")))]
    lines += body[1:]
    if command and not roomy:
        lines.append(line((f"{indent}{command}", "dim")))
    return lines


def _words(action: Action, group: str) -> str:
    keys = " ".join(key_text(key) for key in action.keys)
    return f"{keys} {action.title} {action.help} :{action.command} {group}".lower()
