"""The curves of metrics of several runs: of a loop, those of its accepted round.

Called by the screen that shows runs side by side. What a stage measured is read from its metrics
file, which stays with its run for as long as the run does; what came from the cache has its curve
with the run that measured it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass

from mltui.pipeline.metrics import read_metrics
from mltui.pipeline.rows import StageRow, attempt_label
from mltui.runs.attempts import place_of
from mltui.runs.project import Project
from mltui.runs.readings import Readings

MAX_BYTES = 4 << 20
"""Of a metrics file that is longer the end is read."""
MOST = 12
_AXES = ("step", "epoch")
_SOURCE = re.compile(r"run (\d+) (.+)")
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Curves:
    """One metric: its points (x, y) by run. Only runs that have a curve of it are in it."""

    name: str
    by_run: Mapping[int, Points]


def read_curves(project: Project, numbers: Sequence[int]) -> list[Curves]:
    """The curves that these runs have, those that several have first. Blocks for the files."""
    found: dict[str, dict[int, Points]] = {}
    with closing(project.journal()) as journal:
        for number in numbers:
            for row in journal.stages(number)[1]:
                if row.accepted is not False and row.item is None and row.metrics:
                    for name, points in _of(project, *_made_by(journal, number, row)).items():
                        found.setdefault(f"{row.stage}.{name}", {})[number] = points
    order = sorted(found, key=lambda name: -len(found[name]))
    return [Curves(name, found[name]) for name in order[:MOST]]


def _made_by(journal: Readings, number: int, row: StageRow) -> tuple[int, StageRow]:
    """The run and the row of the attempt that measured it, which may be an earlier one's."""
    found = _SOURCE.fullmatch(row.source or "")
    if found is not None:
        for each in journal.stages(int(found[1]))[1]:
            if attempt_label(each.instance, each.attempt) == found[2]:
                return int(found[1]), each
    return number, row


def _of(project: Project, number: int, row: StageRow) -> dict[str, Points]:
    """The curves in the metrics file of a stage's attempt."""
    file = place_of(project, number, row.instance, row.attempt).metrics
    data = b""
    with suppress(OSError), file.open("rb") as opened:
        size = opened.seek(0, 2)
        opened.seek(max(size - MAX_BYTES, 0))
        data = opened.read(MAX_BYTES)
        if size > MAX_BYTES:
            data = data.partition(b"\n")[2]
    curves = read_metrics(data).curves
    return {
        name: points
        for name, points in curves.items()
        if len(points) > 1 and name.rpartition(".")[2] not in _AXES
    }
