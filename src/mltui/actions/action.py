"""What an action is: one record that keys, footer, help, the command line and the docs are made of.

Each verb is declared once, in a file of its own, and is usable without a screen: it acts through a
`Context`, which the app implements with panes and dialogs and a test with a few lines.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from mltui.actions.listed import DOCKER as DOCKER
from mltui.actions.listed import KUBE as KUBE
from mltui.pipeline.rows import Instance, StageRow, State
from mltui.runs.project import Project
from mltui.runs.rows import RunRequest, RunRow

if TYPE_CHECKING:
    from mltui.live.daemon import Daemon
    from mltui.live.kube.cluster import Cluster
    from mltui.live.verbs import Ref
    from mltui.serving.rows import Deployment

T = TypeVar("T")

GROUPS = ("Run", "Stage", "Serve", "Look", "Docker", "Kubernetes", "Find", "mltui")
"""In this order in the help and in the docs."""

OF_PROJECTS = ("Run", "Stage", "Serve")
"""Groups of what can be done to a project only."""
LISTS = (*DOCKER, *KUBE, "builds")
"""Lists that stand in place of the pipeline, beside that of the runs."""
PAGE = "page"
"""A page or a log of one thing of such a list."""
MEASURED = "stats"
"""The page of curves, which only what is measured has."""
TRIAGE = "triage"
"""The list of what is wrong."""
EVERYWHERE = ("pipeline", "runs", TRIAGE, *LISTS, PAGE)


@dataclass(frozen=True, slots=True)
class Selection:
    """What an action would act on: the run that is shown and the stage under the cursor."""

    project: Project
    has_project: bool = True
    """There is an `mltui.yaml` here, or what runs left behind."""
    place: str = "pipeline"
    """What has the keys: `pipeline`, `runs`, `triage`, one of `LISTS`, or `page`."""
    run: RunRow | None = None
    state: State = State.PENDING
    """The run's state as far as it can be known."""
    row: StageRow | None = None
    name: str | None = None
    """What is under the cursor in words: a stage, a service, a monitor."""
    failed: tuple[StageRow, ...] = ()
    undecided: StageRow | None = None
    """The gate that waits for a person: the selected one, else any of the run."""
    newest: int | None = None
    """The project's newest run."""
    listed: RunRow | None = None
    """The run under the cursor in the list of runs."""
    marked_runs: tuple[int, ...] = ()
    """Runs that are marked there, oldest first."""
    spec_problems: int = 0
    has_runner: bool = False
    position: tuple[str, int] | None = None
    """Where the selected thing is written: file and line."""
    pending: bool = False
    """An act on the selected stage is asked for and not yet confirmed."""
    can_fold: bool = False
    """There are items or rounds below the selected line."""
    engine: str = ""
    """Of the list: `docker`, `kubernetes`, `journal`; empty for the pipeline."""
    verbs: tuple[str, ...] = ()
    """Verbs that apply to things of the list's kind."""
    has_logs: bool = False
    denied: Mapping[str, str] = field(default_factory=dict)
    """Verbs that one may not use on these things, with a sentence."""
    is_read_only: bool = False
    """A target of the project forbids to change anything there."""
    service: str = ""
    """The service under the cursor of the pipeline."""
    monitor: str = ""
    """The monitor there."""
    services: tuple[str, ...] = ()
    """All that the project declares."""
    deployments: tuple[Deployment, ...] = ()
    """The selected service's, one a target; empty: it was never deployed."""
    kind: str = ""
    """Which of `LISTS` is shown, or whose thing the page is about."""
    things: tuple[Any, ...] = ()
    """Its rows that are marked, else the one under the cursor."""
    is_empty: bool = False
    """Nothing is listed, though all was read."""
    host: str = ""
    """Where they are, in words: `docker@build-7`."""
    is_stale: bool = False
    """That host does not answer."""
    is_replay: bool = False
    """It is an incident of another time and place: nothing can be changed."""
    finding: str = ""
    """The finding under the cursor of triage, in words."""
    fixes: int = 0
    """So many fixes it has."""
    is_quiet: bool = False
    """It was acknowledged."""

    @property
    def is_old(self) -> bool:
        """The run that is shown is not the newest."""
        return self.run is not None and self.newest is not None and self.run.number < self.newest


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
