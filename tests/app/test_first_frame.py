"""What is painted first is the run, and what is not needed for that is imported afterwards."""

from __future__ import annotations

import json
import subprocess
import sys

from mltui.runs.project import Project

_SCRIPT = """
import asyncio, json, sys
from pathlib import Path
from mltui.app.app import MltuiApp
from mltui.app.session import Session
from mltui.runs.project import Project

class Watched(MltuiApp):
    modules = ()
    def _display(self, screen, renderable):
        strips = screen._compositor.render_strips(self.size)
        text = "".join(segment.text for strip in strips for segment in strip)
        if not Watched.modules and "vectorize" in text:
            Watched.modules = tuple(sys.modules)
        super()._display(screen, renderable)

async def look(session):
    async with Watched(session).run_test(size=(100, 30)) as pilot:
        await pilot.pause()

session = Session(Project(Path(sys.argv[1])))
session.open()
asyncio.run(look(session))
session.close()
print(json.dumps(Watched.modules))
"""


def test_stages_are_painted_before_logs_findings_and_rules_are_imported(failed: Project) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-c", _SCRIPT, str(failed.root)],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = json.loads(done.stdout)
    assert "mltui.app.panes.stages" in loaded
    later = (
        "mltui.app.logdesk",
        "mltui.app.panes.log",
        "mltui.app.widgets.logpane",
        "mltui.logs.",
        "mltui.pipeline.scheduler",
        "mltui.serving.",
        "mltui.spec.reader",
        "mltui.triage.",
        "PIL",
        "msgspec",
        "numpy",
        "plotext",
        "yaml",
    )
    assert [name for name in loaded if name.startswith(later)] == []
