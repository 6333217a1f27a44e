"""The pure core stays pure, and the screens know no engine: held by what Python really imports."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

OUTSIDE = {"sqlite3", "subprocess", "socket", "asyncio", "textual", "docker", "kubernetes"}


def modules_after(statement: str) -> set[str]:
    """Top-level names and `mltui.…` modules in a fresh interpreter after `statement`."""
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True
    )
    names = json.loads(done.stdout)
    return {name for name in names if name.startswith("mltui")} | {n.split(".")[0] for n in names}


@pytest.mark.parametrize(
    "module",
    [
        "mltui.spec",
        "mltui.spec.reader",
        "mltui.pipeline.scheduler",
        "mltui.pipeline.plan",
        "mltui.triage.diagnosis",
    ],
)
def test_the_rules_import_nothing_that_reaches_outside(module: str) -> None:
    assert not modules_after(f"import {module}") & OUTSIDE


def test_the_app_imports_no_engine_and_no_client() -> None:
    loaded = modules_after("import mltui.app.main, mltui.app.app")
    assert "textual" in loaded
    assert not {name for name in loaded if name.startswith("mltui.engines")}
    assert not loaded & {"docker", "kubernetes", "requests"}


def test_the_footer_needs_neither_engines_nor_rules() -> None:
    """It is made before the first frame: what acts is imported when it does."""
    loaded = modules_after(
        "from pathlib import Path\n"
        "from mltui.actions import registry\n"
        "from mltui.actions.action import Selection\n"
        "from mltui.pipeline.rows import StageRow, State\n"
        "from mltui.runs.project import Project\n"
        "for state in State:\n"
        "    row = StageRow(1, 'a', None, (), 1, state, 'data')\n"
        "    shown = Selection(Project(Path('/nowhere')), row=row, name='a', failed=(row,))\n"
        "    registry.on_footer(shown), registry.fixes(shown)\n"
    )
    assert not {name for name in loaded if name.startswith("mltui.engines")}
    assert not loaded & {"mltui.pipeline.scheduler", "mltui.spec.reader", "yaml", "msgspec"}
