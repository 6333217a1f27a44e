"""The Explain pane."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from mltui.app.panes.textpane import Subject, TextPane
from mltui.app.present.explain import explain_lines
from mltui.app.present.line import Line, wrapped
from mltui.app.present.moment import Moment
from mltui.errors import MltuiError
from mltui.pipeline.rows import StageRow
from mltui.runs.project import Project


class ExplainPane(TextPane):
    """Why the selected stage ran or was cached."""

    def _stamp(self, subject: Subject) -> Hashable:
        """The key says it all; a retry may mark it stale."""
        return (super()._stamp(subject), subject.row.key, subject.row.stale)

    def _gather(self, project: Project, row: StageRow, prepared: Any) -> Any:
        """The explanation, or why there is none."""
        from mltui.runs.explain import explain

        try:
            return explain(project, row.run, row.instance)
        except MltuiError as error:
            return str(error)

    def _present(self, material: Any, subject: Subject, width: int, moment: Moment) -> list[Line]:
        """The explanation."""
        if isinstance(material, str):
            return wrapped(material, width - 1, "state-warning", " ")
        return explain_lines(material, subject.row, width)
