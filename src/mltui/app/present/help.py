"""The help: every action with its keys, its command and its sentence, by group."""

from __future__ import annotations

from collections.abc import Sequence

from mltui.actions import registry
from mltui.actions.action import Action
from mltui.actions.keys import key_text
from mltui.app.present.line import EMPTY, Line, Part, line, wrapped
from mltui.app.widgets.logkeys import KEYS as KEYS_OF_LOG
from mltui.text.width import fit

MORE = (
    ("↑ ↓  j k", "Move the cursor, or scroll the pane that has the keys."),
    ("Tab  Shift-Tab", "The next or previous pane of the selected stage."),
    ("1 … 5", "A pane by its number; while a failure is shown, one of its numbered fixes."),
    ("Page keys", "A page up or down; Home and End go to the first and last line."),
)
"""Keys that are not verbs of the registry."""

KEYS = 18
TITLE = 18


def help_lines(
    width: int, needle: str = "", here: Sequence[Action] = (), *, of_log: bool = False
) -> list[Line]:
    """The whole key map, or what matches a search; what applies `here` comes first.

    of_log: a log has the keys, so those come first.
    """
    wanted = needle.lower().strip()
    log = _log_lines(wanted, width)
    lines: list[Line] = [*log, EMPTY] if of_log and log else []
    for group, actions in [("Here", here), *registry.grouped()]:
        found = [
            each
            for each in actions
            if (actions is here or each not in here)
            and (not wanted or wanted in _words(each, group))
        ]
        if not found:
            continue
        lines.append(line((group, "section")))
        for each in found:
            keys = "  ".join(key_text(key) for key in each.keys)
            command = f":{each.command} {each.argument}".rstrip() if each.command else ""
            lines += _entry(keys, each.title, command, each.help, width)
        lines.append(EMPTY)
    moving = [(k, t) for k, t in MORE if not wanted or wanted in f"{k} {t}".lower()]
    if moving:
        lines.append(line(("Moving", "section")))
        for keys, text in moving:
            lines += _entry(keys, "", "", text, width)
    if log and not of_log:
        lines += [EMPTY, *log]
    if not lines:
        lines.append(line((f"nothing is called {needle!r}", "dim")))
    return lines


def _log_lines(wanted: str, width: int) -> list[Line]:
    """The keys of a log pane."""
    found = [
        each
        for each in KEYS_OF_LOG
        if each.help and (not wanted or wanted in f"{each.title} {each.help} log".lower())
    ]
    lines = [line(("Log", "section"))] if found else []
    for each in found:
        keys = "  ".join(key_text(key) for key in each.keys.split(",") if len(key) < 9)
        lines += _entry(keys, each.title, "", each.help, width)
    return lines


def _entry(keys: str, title: str, command: str, text: str, width: int) -> list[Line]:
    """One action: its keys and title, its command at the right, its sentence below or beside."""
    head: list[Part] = [(f"  {fit(keys, KEYS - 2)}", "strong")]
    right = ((f"{command} ", "accent"),) if command else ()
    if width >= 100:
        indent = " " * (KEYS + TITLE)
        body = wrapped(text, width - 22, "dim", indent)
        head.append((fit(title, TITLE), ""))
        first = body[0].left[0][0][len(indent) :] if body else ""
        return [Line((*head, (first, "dim")), right), *body[1:]]
    head.append((title, ""))
    if not title:
        return [Line((*head, (text, "dim")))]
    return [Line(tuple(head), right), *wrapped(text, width - 1, "dim", " " * KEYS)]


def _words(action: Action, group: str) -> str:
    keys = " ".join(key_text(key) for key in action.keys)
    return f"{keys} {action.title} {action.help} :{action.command} {group}".lower()
