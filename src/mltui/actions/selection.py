"""What is selected: the place that has the keys, and the thing under its cursor.

Made by the app for its screens; actions read it to know whether they apply.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mltui.actions.listed import DOCKER, KUBE
from mltui.pipeline.rows import StageRow, State
from mltui.runs.project import Project
from mltui.runs.rows import RunRow

if TYPE_CHECKING:
    from mltui.serving.rows import Deployment

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
