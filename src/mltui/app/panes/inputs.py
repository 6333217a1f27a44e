"""The Inputs pane: inputs, params and outputs of the selected stage, with previews."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mltui.app.panes.textpane import Subject, TextPane
from mltui.app.present.inputs import Put, Traffic, inputs_lines
from mltui.app.present.line import Line, line
from mltui.app.present.moment import Moment
from mltui.errors import MltuiError
from mltui.pipeline.rows import Artifact, StageRow
from mltui.runs.project import Project

if TYPE_CHECKING:
    from mltui.spec.model import Input, ParamValue

PREVIEW_LINES = 16


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the thread is to look at: names, where they come from, and the artifacts."""

    inputs: tuple[tuple[str, str, Artifact | None, str | None], ...]
    outputs: tuple[tuple[str, str, Artifact | None], ...]
    params: dict[str, ParamValue]


class InputsPane(TextPane):
    """Inputs and outputs."""

    def _stamp(self, subject: Subject) -> Hashable:
        """It changes when outputs appear, or when the file is known."""
        return (super()._stamp(subject), subject.facts.spec is not None)

    def _prepare(self, subject: Subject) -> Any:
        """Names and artifacts, from the file and the rows."""
        spec, row = subject.facts.spec, subject.row
        stage = spec.stages.get(row.stage) if spec is not None else None
        if stage is None:
            return None
        inputs = []
        for name, source in stage.inputs.items():
            artifact = _artifact(subject, source)
            inputs.append((name, _origin(source), artifact, source.path))
        outputs = [(name, put.path, row.outputs.get(name)) for name, put in stage.outputs.items()]
        plan = subject.facts.plan
        params: dict[str, ParamValue] = {}
        if plan is not None and row.stage in plan.index and _fits(plan.loops_of[row.stage], row):
            params = plan.named_params_at(row.stage, row.path)
        return _Wanted(tuple(inputs), tuple(outputs), params)

    def _gather(self, project: Project, row: StageRow, prepared: Any) -> Any:
        """Look inside what is there."""
        if prepared is None:
            return Traffic()
        wanted: _Wanted = prepared
        inputs = []
        for name, origin, artifact, path in wanted.inputs:
            size, digest = None, ""
            if artifact is not None:
                size, digest = artifact.size_bytes, artifact.digest
            elif path is not None:
                try:
                    size = (project.root / path).stat().st_size
                except OSError:
                    origin += " (missing)"
            inputs.append(Put(name, origin, size, digest))
        outputs = tuple(_look(project, *each) for each in wanted.outputs)
        return Traffic(tuple(inputs), outputs, wanted.params)

    def _present(self, material: Any, subject: Subject, width: int, moment: Moment) -> list[Line]:
        """The lists."""
        if subject.facts.spec is None:
            return [line((" reading mltui.yaml…", "dim"))]
        return inputs_lines(material, subject.row, width)


def _fits(loops: Any, row: StageRow) -> bool:
    """The rounds of the row are those of the plan; an edited file may have other loops."""
    return len(loops) == len(row.path)


def _origin(source: Input) -> str:
    if source.path is not None:
        return source.path
    return f"{source.stage}.{source.output}" if source.stage else f"{source.service}.records"


def _artifact(subject: Subject, source: Input) -> Artifact | None:
    """What an input was: the producer's output in the same round, else the accepted one."""
    if source.stage is None or source.output is None:
        return None
    row = subject.row
    rounds = subject.view.rounds(source.stage)
    chosen: StageRow | None = None
    for each in rounds:
        if each.path == row.path[: len(each.path)] or each.accepted:
            chosen = each
            if each.path and each.path == row.path[: len(each.path)]:
                break
    if chosen is None and rounds:
        chosen = rounds[-1]
    if chosen is None:
        return None
    for item in subject.view.items(chosen):
        if item.item == row.item:
            chosen = item
    return chosen.outputs.get(source.output)


def _look(project: Project, name: str, path: str, artifact: Artifact | None) -> Put:
    if artifact is None:
        return Put(name, path)
    from mltui.runs.preview import preview, preview_entries

    store = project.store()
    try:
        if artifact.is_folder:
            entries = [(each.path, each.size_bytes) for each in store.manifest(artifact.digest)]
            found = preview_entries(entries, PREVIEW_LINES)
        else:
            found = preview(store.path(artifact.digest), path, max_lines=PREVIEW_LINES)
    except (MltuiError, OSError) as error:
        return Put(name, path, artifact.size_bytes, artifact.digest, f"can't be shown: {error}")
    return Put(name, path, artifact.size_bytes, artifact.digest, found.summary, found.lines)
