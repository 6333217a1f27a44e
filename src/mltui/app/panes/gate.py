"""The Gate pane."""

from __future__ import annotations

from typing import Any

from mltui.app.panes.textpane import Subject, TextPane
from mltui.app.present.gate import gate_lines
from mltui.app.present.line import Line
from mltui.app.present.moment import Moment
from mltui.pipeline.rows import StageRow
from mltui.runs.project import Project


class GatePane(TextPane):
    """The metric of each round against the target. All of it is in the rows already."""

    def _gather(self, project: Project, row: StageRow, prepared: Any) -> Any:
        """Nothing to read."""
        return True

    def _present(self, material: Any, subject: Subject, width: int, moment: Moment) -> list[Line]:
        """The rounds and their plot."""
        return gate_lines(subject.row, subject.view, subject.facts, width, moment)
