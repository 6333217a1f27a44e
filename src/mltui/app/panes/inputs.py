"""The Inputs pane."""

from __future__ import annotations

from typing import Any

from mltui.app.panes.textpane import Subject, TextPane
from mltui.app.present.line import Line, line
from mltui.app.present.stages import Moment


class InputsPane(TextPane):
    """Placeholder."""

    def present(self, material: Any, subject: Subject, width: int, moment: Moment) -> list[Line]:
        """The lines."""
        return [line("")]
