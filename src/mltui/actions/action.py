"""What an action is: one record that keys, footer, help, the command line and the docs are made of.

Each verb is declared once, in a file of its own, and is usable without a screen: it acts through a
`Context`, which the app implements with panes and dialogs and a test with a few lines.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from mltui.actions.context import Context
from mltui.actions.selection import Selection

GROUPS = ("Run", "Stage", "Serve", "Look", "Docker", "Kubernetes", "Find", "mltui")
"""In this order in the help and in the docs."""

OF_PROJECTS = ("Run", "Stage", "Serve")
"""Groups of what can be done to a project only."""


class Known(Protocol):
    """What the completion of a command's argument may choose from."""

    @property
    def selection(self) -> Selection:
        """What is selected now: what can act on that is offered first."""
        ...

    @property
    def stage_names(self) -> Sequence[str]:
        """Stages of the run that is shown."""
        ...

    @property
    def run_numbers(self) -> Sequence[int]:
        """Runs, newest first."""
        ...

    @property
    def theme_names(self) -> Sequence[str]:
        """Themes that can be used."""
        ...

    @property
    def place_names(self) -> Sequence[str]:
        """Namespaces that are known, and places that were looked at."""
        ...

    @property
    def view_names(self) -> Sequence[str]:
        """Views that were kept, or that the config file has."""
        ...

    @property
    def object_names(self) -> Sequence[str]:
        """Things that are listed on the screen: typed without a command, one is gone to."""
        ...


def _always(selection: Selection) -> bool:
    return True


def _nothing(selection: Selection) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Action:
    """One verb. `run` gets the command's argument; from a key it is empty."""

    id: str
    title: str
    """On the footer and in the help: a verb, sentence case."""
    help: str
    """One sentence for `?` and the docs."""
    group: str
    run: Callable[[Context, str], Awaitable[None]]
    keys: tuple[str, ...] = ()
    """As Textual names them. Two actions may share a key if at most one applies at a time."""
    command: str = ""
    """Its name on the `:` line; empty: it has none."""
    argument: str = ""
    """What the command takes, in capitals: NAME."""
    places: tuple[str, ...] = ("pipeline",)
    """Which lists the key works in."""
    applies: Callable[[Selection], bool] = _always
    """Whether it makes sense here: on the footer, and first among actions that share a key."""
    why_not: Callable[[Selection], str | None] = _nothing
    """Why it can't act now, as a sentence; None: it can."""
    fix: Callable[[Selection], str | None] = _nothing
    """How the failure card offers it; None: it doesn't."""
    danger: bool = False
    """It ends or changes something, so it asks first."""
    types: bool = False
    """It opens the line to type on and waits for nothing: keys typed ahead belong there."""
    rank: int = 50
    """Place on the footer; the smallest first."""
    on_footer: bool = True
    when: Callable[[Selection], bool] = _always
    """Whether the footer offers it now, of those that it offers; its key works anyway."""
    complete: Callable[[Known], Sequence[str]] | None = field(default=None)
    """Possible arguments of the command."""

    def can(self, selection: Selection) -> bool:
        """Whether it applies here and nothing stands in the way."""
        return (
            (selection.has_project or self.group not in OF_PROJECTS)
            and selection.place in self.places
            and self.applies(selection)
            and self.why_not(selection) is None
        )
