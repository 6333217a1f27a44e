"""Where things are: the attempt behind a row, its log and metrics, an output in the store.

Asked by panes and commands, which know rows and never build a path. A row taken from the cache has
no attempt of its own: its log is that of the attempt that made the result, as long as it is kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from mltui.errors import UsageError
from mltui.pipeline.rows import Artifact, Instance, StageRow, State, attempt_slug
from mltui.runs.project import Project

_SOURCE = re.compile(r"run (\d+) (.+)\.(\d+)")
_LABEL = re.compile(r"(?P<stage>[^~\[\]]+)(\[(?P<item>[^\]]+)\])?(~(?P<path>\d+(:\d+)*))?")


@dataclass(frozen=True, slots=True)
class AttemptPlace:
    """Where an attempt's files are. Any of them may be gone (`mltui gc`) or not there yet."""

    run: int
    instance: Instance
    attempt: int
    folder: Path
    work: Path
    """The working folder; it stays only after a failure."""
    is_own: bool = True
    """False: the attempt is of another run, or of another stage with the same key."""

    @property
    def log(self) -> Path:
        """What it wrote to standard output and error."""
        return self.folder / "log"

    @property
    def metrics(self) -> Path:
        """What it measured, as it wrote it."""
        return self.folder / "metrics"


@dataclass(frozen=True, slots=True)
class Output:
    """An output that is kept. One of the two is set; `items` of a `for_each` as a whole."""

    row: StageRow
    artifact: Artifact | None = None
    items: Mapping[str, Artifact] | None = None

    def path(self, project: Project) -> Path | None:
        """The file in the store, read-only; None for folders and items (`Store.materialise`)."""
        if self.artifact is None or self.artifact.is_folder:
            return None
        return project.store().path(self.artifact.digest)


def place_of_row(project: Project, row: StageRow) -> AttemptPlace | None:
    """The attempt whose files belong to a row; None while there is none."""
    if row.source and row.state in (State.CACHED, State.PAUSED):
        found = place_of_source(project, row.source)
        if found is not None:
            return found
    if row.attempt <= 0:
        return None
    return _place(project, row.run, row.instance, row.attempt)


def place_of_source(project: Project, source: str) -> AttemptPlace | None:
    """The attempt that "run 12 train~3.1" names; None when that is no such name."""
    match = _SOURCE.fullmatch(source)
    if match is None:
        return None
    return _place(project, int(match[1]), read_label(match[2]), int(match[3]), is_own=False)


def attempts_of(project: Project, run: int, instance: Instance) -> list[AttemptPlace]:
    """The attempts of an instance in a run whose folders are there, oldest first."""
    prefix = f"{instance.slug}."
    found = []
    folder = project.run_folder(run)
    if folder.is_dir():
        for entry in folder.iterdir():
            number = entry.name.removeprefix(prefix)
            if entry.name.startswith(prefix) and number.isdecimal():
                found.append(_place(project, run, instance, int(number)))
    return sorted(found, key=lambda place: place.attempt)


def read_label(text: str) -> Instance:
    """An instance from what people write: `train~2:3`, `translate[en-es]`. UsageError if none."""
    match = _LABEL.fullmatch(text)
    if match is None:
        raise UsageError(f"`{text}` names no stage: write e.g. `train`, `train~3`, `say[en]`")
    path = tuple(int(part) for part in match["path"].split(":")) if match["path"] else ()
    return Instance(match["stage"], path, match["item"])


def read_output(project: Project, run: int, name: str) -> Output:
    """An output by its name, `train.model` or `train~2.model`.

    Without rounds: of the accepted ones, else of the newest that has it. UsageError when there is
    none.
    """
    label, dot, output = name.rpartition(".")
    if not dot or not label:
        raise UsageError(f"`{name}`: write STAGE.OUTPUT, like `train.model`")
    wanted = read_label(label)
    with closing(project.journal()) as journal:
        _, rows = journal.stages(run)
    rows = [row for row in rows if row.stage == wanted.stage]
    if not rows:
        raise UsageError(f"run {run} has no stage `{wanted.stage}`")
    named = [
        row
        for row in rows
        if row.item == wanted.item and (not wanted.path or row.path == wanted.path)
    ]
    for row in sorted(named, key=lambda row: (row.accepted is not False, row.path), reverse=True):
        if output in row.outputs:
            return Output(row, artifact=row.outputs[output])
        items = {
            one.item: one.outputs[output]
            for one in rows
            if one.path == row.path and one.item is not None and output in one.outputs
        }
        if items and row.item is None and row.state.is_done:
            return Output(row, items=items)
    raise UsageError(f"{label} has no output `{output}` in run {run} (yet)")


def _place(
    project: Project, run: int, instance: Instance, attempt: int, *, is_own: bool = True
) -> AttemptPlace:
    slug = attempt_slug(instance, attempt)
    return AttemptPlace(
        run,
        instance,
        attempt,
        project.run_folder(run) / slug,
        project.work_folder(run) / slug,
        is_own,
    )
