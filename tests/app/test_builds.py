"""The build of an environment: its steps as they happen, and the line it failed at."""

from __future__ import annotations

from pathlib import Path

from mltui.engines.docker.dockerfile import parse
from mltui.engines.docker.steps import StepState
from mltui.runs.project import Project

from . import builds
from .driver import Driver
from .seed import NOON


async def test_a_build_that_failed_says_the_line_of_its_dockerfile(broken: Project) -> None:
    async with Driver.open(broken, size=(140, 44), now=NOON) as screen:
        assert screen.selected == "prep"
        assert "images/prep/Dockerfile:9" in screen.card
        assert "RUN pip install -r requirements.txt" in screen.card
        assert "No matching distribution found for numpy==1.99" in screen.card
        assert "edit images/prep/requirements.txt:2" in screen.card
        assert screen.app.workbench.selection.position == ("images/prep/requirements.txt", 2)
        await screen.sees("Collecting pillow")
        await screen.press("b")
        pane = screen.pane
        assert "✗ failed" in pane and "step 6 of 8" in pane and "context 4.1 MB" in pane
        assert "4 cached, 2 ran" in pane
        assert "≡ 3 RUN apt-get update" in pane and "(31s last time)" in pane
        assert "✗ 6 RUN pip install" in pane and "58s" in pane
        assert "○ 7 COPY prep.py ." in pane
        assert "images/prep/Dockerfile:9" in pane and "> " in pane
        assert "images/prep/requirements.txt:2   numpy==1.99" in pane
        assert "Could not find a version" in pane and "# failed" not in pane


async def test_the_steps_of_a_build_are_shown_while_they_happen(tmp_path: Path) -> None:
    seed = builds.translator(tmp_path / "translator")
    seed.run(builds.is_building, began=NOON - 20, stop_at=NOON)
    async with Driver.open(seed.project, size=(140, 44), now=NOON) as screen:
        await screen.press("b")
        assert "● 6 RUN pip install" in screen.pane and "step 6 of 8" in screen.pane
        assert "about 44s" in screen.pane and "Collecting pillow==11.0.0" in screen.pane
        made = builds.Making.__new__(builds.Making)
        made.folder = seed.project.folder / "builds" / "prep-2"
        made.dockerfile, made.clock = parse(builds.DOCKERFILE), NOON
        made.step(6, StepState.DONE, 3.0)
        made.step(7, StepState.RUNNING)
        await screen.sees("● 7 COPY prep.py .")
        assert "✓ 6 RUN pip install" in screen.pane and "step 7 of 8" in screen.pane
