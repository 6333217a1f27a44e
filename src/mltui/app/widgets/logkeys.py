"""The keys of a log pane: one record each, from which bindings, footer and help are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.binding import Binding
from textual.message import Message
from textual.widget import Widget

if TYPE_CHECKING:
    from typing import TypeGuard

    from mltui.app.widgets.logpane import LogPane


@dataclass(frozen=True, slots=True)
class LogKey:
    """A key (or several with commas), what it does in the pane, and how it is told."""

    keys: str
    action: str
    title: str
    help: str
    name: str
    rank: int = 0
    """Place on the footer; 0: not there."""


KEYS = (
    LogKey(
        "n",
        "do('next_match', 1)",
        "Next",
        "The next line that matches; N: the one before.",
        "next",
        1,
    ),
    LogKey("N", "do('next_match', -1)", "Previous", "", "previous"),
    LogKey(
        "e",
        "do('next_error', 1)",
        "Next error",
        "The next line that says error; E: the one before.",
        "next_error",
        2,
    ),
    LogKey("E", "do('next_error', -1)", "Previous error", "", "previous_error"),
    LogKey(
        "f",
        "ask('filter')",
        "Filter",
        "Show only lines with this: `loss`, `!heartbeat`, `level>=warning`, `epoch>7`;"
        " each adds to those before, Esc ends the last, nothing ends them all.",
        "filter",
        3,
    ),
    LogKey(
        "plus",
        "do('context', 1)",
        "Context",
        "More of the lines around each that passes the filters; -: fewer.",
        "more_context",
    ),
    LogKey("minus", "do('context', -1)", "Less context", "", "less_context"),
    LogKey(
        "asterisk",
        "ask('highlight')",
        "Highlight",
        "Have words or a pattern stand out wherever they are, each in a colour of its own;"
        " nothing ends them all.",
        "highlight",
    ),
    LogKey("F", "do('clear_filters')", "All lines", "End all filters.", "clear_filters"),
    LogKey(
        "w", "do('wrap')", "Wrap", "Wrap long lines, or move over them with ← and →.", "wrap", 4
    ),
    LogKey(
        "c",
        "ask('copy')",
        "Copy",
        "Copy what is selected, else the line that stands out, else the page.",
        "copy",
        5,
    ),
    LogKey(
        "v", "do('select')", "Select", "Select lines: ↑ ↓ extend, c copies, Esc ends.", "select", 9
    ),
    LogKey(
        "ctrl+s",
        "ask('save')",
        "Save",
        "Save what is shown to a file, as it was written; S: the whole log.",
        "save",
        6,
    ),
    LogKey("S", "ask('save all')", "Save all", "", "save_all"),
    LogKey(
        "m", "do('fold')", "Fold", "Fold traces and repeated lines, or show them all.", "fold", 8
    ),
    LogKey(
        "enter",
        "do('unfold')",
        "Unfold",
        "Unfold what is below the first folded line, or fold it.",
        "unfold",
    ),
    LogKey(
        "t",
        "do('times')",
        "Times",
        "Times as written, as a clock, since the first line, since the line above.",
        "times",
        7,
    ),
    LogKey(
        "T",
        "ask('time')",
        "To time",
        "Go to a time, a line or a share: `14:02`, `10m` ago, a date, `line 1200`, `50%`.",
        "to_time",
    ),
    LogKey(
        "h",
        "do('histogram')",
        "Histogram",
        "Lines and errors over time, above the log; [ and ] move by its bars.",
        "histogram",
        11,
    ),
    LogKey("left_square_bracket", "do('bar', -1)", "Earlier bar", "", "bar_back"),
    LogKey("right_square_bracket", "do('bar', 1)", "Later bar", "", "bar_on"),
    LogKey(
        "J",
        "do('fields')",
        "Fields",
        "Show JSON and logfmt lines as fields, or as written.",
        "fields",
        10,
    ),
    LogKey(
        "C",
        "ask('columns')",
        "Columns",
        "Choose which fields are shown, in this order: `level loss msg`.",
        "columns",
    ),
    LogKey(
        "o", "ask('pager')", "Pager", "Open what is shown in $PAGER; O: in $EDITOR.", "pager", 12
    ),
    LogKey("O", "ask('editor')", "Editor", "", "editor"),
    LogKey(
        "L",
        "ask('link')",
        "Command",
        "Copy the `mltui logs` command that shows the same.",
        "link",
        13,
    ),
    LogKey(
        "a",
        "ask('all')",
        "All stages",
        "The logs of all stages of the run as one, by time; again: of the selected stage.",
        "all",
        11,
    ),
    LogKey(
        "H",
        "ask('sources')",
        "Sources",
        "Of several logs: hide one, or show it again.",
        "sources",
        14,
    ),
    LogKey("z", "ask('zoom')", "Whole width", "Give the log the whole width, or not.", "zoom", 10),
    LogKey("up,k", "do('scroll', -1)", "Up", "", "up"),
    LogKey("down,j", "do('scroll', 1)", "Down", "", "down"),
    LogKey("pageup,ctrl+b", "do('page', -1)", "Page up", "", "page_up"),
    LogKey("pagedown,ctrl+f,space", "do('page', 1)", "Page down", "", "page_down"),
    LogKey("ctrl+u", "do('half', -1)", "Half a page up", "", "half_up"),
    LogKey("ctrl+d", "do('half', 1)", "Half a page down", "", "half_down"),
    LogKey(
        "home,g",
        "do('first')",
        "First",
        "The log's first line; G: its end, and follow it.",
        "first",
    ),
    LogKey("end,G", "do('follow')", "Follow", "", "follow"),
    LogKey("left", "do('sideways', -1)", "Left", "", "left"),
    LogKey("right", "do('sideways', 1)", "Right", "", "right"),
)


BINDINGS = tuple(
    Binding(each.keys, each.action, each.title, show=bool(each.rank), id=f"log.{each.name}")
    for each in sorted(KEYS, key=lambda each: each.rank or 99)
)
"""As Textual takes them; those of the footer are shown, in its order."""


class LogKeyed(Widget):
    """A widget that has these keys. The log pane alone is one; it is imported when it is shown."""


def is_log(widget: Widget | None) -> TypeGuard[LogPane]:
    """Whether the log's keys apply."""
    return isinstance(widget, LogKeyed)


PROMPTS = {
    "search": "/",
    "filter": "filter ",
    "save": "save shown lines to ",
    "save all": "save the whole log to ",
    "time": "go to ",
    "highlight": "highlight ",
    "columns": "columns ",
}
"""What stands before the text that is asked for."""


class LogWanted(Message):
    """A pane wants what only the screen can do: a prompt, or `copy`, `link`, `pager`, `editor`."""

    def __init__(self, pane: LogPane, what: str) -> None:
        super().__init__()
        self.pane = pane
        self.what = what


class LogSaid(Message):
    """Words of a pane for the notice line."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words
