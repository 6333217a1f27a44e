"""Where actions happen: what one may ask of a screen, and of the person before it.

The app implements `Context` with panes and dialogs, a test with a few lines.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from mltui.actions.selection import Selection
from mltui.pipeline.rows import Instance, StageRow
from mltui.runs.rows import RunRequest

if TYPE_CHECKING:
    from mltui.live.daemon import Daemon
    from mltui.live.kube.cluster import Cluster
    from mltui.live.verbs import Ref

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Question:
    """A confirmation: a sentence naming the object, the place and the effect."""

    sentence: str
    yes: str
    """The verb on the button that acts."""
    no: str = "Leave it"
    detail: tuple[str, ...] = ()
    is_diff: bool = False
    """The detail is a difference: lines that go and lines that come."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided about a gate: `accept` a round, `again` for more rounds, `fail`."""

    choice: str
    round: int | None = None
    more: int = 0


class Context(Protocol):
    """Where an action happens. The app's is made of its session and its panes."""

    @property
    def selection(self) -> Selection:
        """What is selected now."""
        ...

    def notice(self, text: str, *, bad: bool = False) -> None:
        """Say something in the notice line."""
        ...

    def expect(self, instances: Iterable[Instance], text: str) -> None:
        """Mark stages with what was asked for (`retrying…`) until the journal confirms it."""
        ...

    def expect_run(self, text: str) -> None:
        """The same of the run as a whole."""
        ...

    def expect_served(self, name: str, text: str) -> None:
        """Mark a service or monitor with what was asked for, until the journal confirms it."""
        ...

    async def confirm(self, question: Question) -> bool:
        """Ask; the safe answer has the focus."""
        ...

    async def ask_run(self, request: RunRequest) -> RunRequest | None:
        """Show what would run, why and for how long; None when the person leaves it."""
        ...

    async def ask_decision(self, gate: StageRow) -> Decision | None:
        """Show the rounds of a gate and ask what to do; None when the person leaves it."""
        ...

    async def send(self, ask: Callable[[], T]) -> T | None:
        """Do something that may block, away from the screen; an error is shown, and None."""
        ...

    async def answered(self, request: int) -> bool:
        """Wait for the runner's answer to a request; a refusal is shown, and False."""
        ...

    def show_tab(self, name: str) -> None:
        """Show one of the selected stage's panes: log, gate, inputs, build, explain."""
        ...

    def previous_attempt(self) -> None:
        """Show the log of the attempt before the one on screen."""
        ...

    def show_runs(self) -> None:
        """Show the list of runs."""
        ...

    def show_triage(self) -> None:
        """Show what is wrong, and what fixes it."""
        ...

    def show_comparison(self, numbers: Sequence[int]) -> None:
        """Show these runs side by side."""
        ...

    def fix_finding(self, number: int) -> None:
        """Do a fix of the finding under the cursor, from 1, once the person has seen the change."""
        ...

    async def acknowledge(self, text: str) -> None:
        """Keep the finding under the cursor quiet, for a time or until it changes; `text` is the
        note, a time may be first. One that is quiet is told again."""
        ...

    def open_run(self, number: int) -> None:
        """Show this run; the newest one is followed by whatever run comes next."""
        ...

    def select_stage(self, name: str) -> bool:
        """Put the cursor on a stage; False when there is none of that name."""
        ...

    def enter(self) -> None:
        """Open what is under the cursor: give the keys to its pane, or unfold it."""
        ...

    def fold(self, unfold: bool) -> None:
        """Show or hide what is below the selected line."""
        ...

    def back(self) -> None:
        """One step back: out of a pane, a list, an old run; end a filter."""
        ...

    def begin_filter(self) -> None:
        """Type a filter for the list, or a search for the log."""
        ...

    def begin_command(self, text: str = "") -> None:
        """Type a command."""
        ...

    def show_problems(self) -> None:
        """What is wrong with the file."""
        ...

    def show_help(self) -> None:
        """The whole key map."""
        ...

    def set_theme(self, name: str) -> None:
        """Use another theme, now and from now on."""
        ...

    async def choose_theme(self) -> None:
        """Choose a theme, each shown while it is under the cursor."""
        ...

    async def edit(self, file: str, line: int) -> None:
        """Open the person's editor there; the screen comes back afterwards."""
        ...

    def show_list(self, kind: str) -> None:
        """Show one of `LISTS` in place of the pipeline."""
        ...

    def show_thing(self, view: str) -> None:
        """Show what is under the cursor of the list: its `log`, `describe` or `inspect` page."""
        ...

    async def arrange(self, what: str, argument: str) -> None:
        """Sort, group, copy, … the list that is shown: see `app.arranging`."""
        ...

    async def show_view(self, name: str) -> None:
        """Show a view that was kept; without a name one is chosen."""
        ...

    async def go_through_places(self, step: int) -> None:
        """To the place that was shown before (-1), or forward again (1)."""
        ...

    async def go_to_relative(self) -> None:
        """To what belongs to the selected thing; of several, the one chosen."""
        ...

    def widen(self, percent: int) -> None:
        """Give the list of stages more of the width, or less; it is remembered."""
        ...

    def zoom(self) -> None:
        """Give the stage's pane the whole width, or not."""
        ...

    def go_places(self, text: str, then: str = "") -> None:
        """Look at other namespaces or clusters of Kubernetes (`dev,prod`, `kind/dev`, `*`).

        `then`: the list to show there; without one, the list that is shown, or was before.
        """
        ...

    async def forward(self, ref: Ref, ports: str) -> None:
        """Lead a port of this machine to an object; an error is shown."""
        ...

    def end_forward(self, key: str) -> None:
        """Close a port that leads into a cluster."""
        ...

    def go_favourite(self, number: int) -> None:
        """Look at the place of this number; 0: all namespaces."""
        ...

    async def ask_text(self, sentence: str, text: str = "") -> str | None:
        """Ask for a line of text; None when the person leaves it."""
        ...

    async def choose(self, sentence: str, words: Sequence[str]) -> int | None:
        """Ask for one of these; its place among them, None when the person leaves it."""
        ...

    async def show_difference(self, question: Question, lines: Sequence[str]) -> bool:
        """Show what would change (a unified diff), and ask; the safe answer has the focus."""
        ...

    async def edit_text(self, name: str, text: str) -> str | None:
        """Give a text to the person's editor; None when it can't be opened or nothing changed."""
        ...

    async def on_cluster(self, context: str, ask: Callable[[Cluster], Awaitable[T]]) -> T | None:
        """Do something with a Kubernetes cluster; an error is shown, and None."""
        ...

    def refs(self) -> Sequence[Ref]:
        """What verbs on the list's marked or selected things act on."""
        ...

    def note_act(self, verb: str, what: str, where: str, said: str) -> None:
        """Write into the person's action journal what was done to something out there."""
        ...

    def mark(self, keys: Iterable[str], text: str, *, soon: bool = False) -> None:
        """Mark rows with what is being done (`stopping…`) until an event confirms it.

        Without text the mark goes: at once, or `soon`, when it was done and an event is on its way.
        """
        ...

    async def on_host(self, ask: Callable[[Daemon], Awaitable[T]]) -> T | None:
        """Do something with the list's Docker host; an error is shown, and None."""
        ...

    async def outside(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        say: Sequence[str] = (),
    ) -> int:
        """Give the terminal to a program; its exit code. The screen comes back afterwards.

        say: lines that it is to begin with. UsageError when it can't be started.
        """
        ...

    def leave(self) -> None:
        """Close the app. Runs go on."""
        ...
