"""Runs side by side on the screen."""

from __future__ import annotations

from pathlib import Path

from mltui.runs.project import Project

from .driver import Driver
from .seed import NOON, Seed
from .worlds import digits, world


def three(folder: Path) -> Project:
    seed = Seed.project_of(folder / "digits", digits())
    seed.run(world((0.8, 0.9, 0.95, 0.99)), began=NOON - 9_000)
    seed.run(world(), began=NOON - 4_000)
    seed.run(world((0.7, 0.7, 0.7, 0.985)), began=NOON - 300)
    return seed.project


async def test_two_marked_runs_are_shown_side_by_side(tmp_path: Path) -> None:
    async with Driver.open(three(tmp_path), size=(80, 24), now=NOON) as screen:
        await screen.press("R")
        await screen.sees("3 runs")
        assert "Compare" in screen.line("footer")
        await screen.press("space", "down", "space", "c")
        await screen.sees("run 3")
        await screen.sees("evaluate.accuracy")
        assert "run 1" in screen.text
        assert "run 2 " not in screen.text.replace("run 2 ✓", "")
        await screen.press("escape")
        await screen.press("down", "space")  # three are marked by now


async def test_without_marks_a_run_is_compared_with_the_one_before(tmp_path: Path) -> None:
    async with Driver.open(three(tmp_path), now=NOON) as screen:
        await screen.command("diff 1 2")
        await screen.sees("0.99 best")
        await screen.press("a")
        await screen.sees("missing_rate")
        await screen.press("escape")
        await screen.command("diff 1 x")
        assert "write numbers of runs" in screen.notice


async def test_curves_of_runs_over_one_another(tmp_path: Path) -> None:
    async with Driver.open(three(tmp_path), size=(80, 24), now=NOON) as screen:
        await screen.command("diff 1 3")
        await screen.sees("u curves")
        await screen.press("u")
        await screen.sees("train.loss   a run 1   b run 3")
        plot = "\n".join(line for line in screen.lines if "│" in line)
        assert any(0x2800 < ord(letter) < 0x2900 for letter in plot)
        assert "b" in plot.replace("run", "")
        await screen.press("u")
        await screen.sees("evaluate.accuracy")


async def test_columns_of_the_list_of_runs_are_chosen_and_remembered(tmp_path: Path) -> None:
    project = three(tmp_path)
    async with Driver.open(project, size=(80, 24), now=NOON) as screen:
        await screen.press("R")
        await screen.command("columns run state accuracy missing_rate gamma")
        await screen.sees("accuracy")
        heads = next(line for line in screen.lines if "accuracy" in line and "run" in line)
        assert heads.replace("↓", "").split() == [
            "run",
            "state",
            "accuracy",
            "missing_rate",
            "gamma",
        ]
        await screen.command("sort accuracy")
        numbers = [line.split()[0] for line in screen.lines if "succeeded" in line]
        assert numbers[-1] == "1", "the best one last"
        await screen.command("columns nothing")
        assert "runs have no column 'nothing'" in screen.notice
    async with Driver.open(project, size=(80, 24), now=NOON) as screen:
        await screen.press("R")
        await screen.sees("missing_rate")
        await screen.press("V")
        await screen.sees("metric evaluate.accuracy")
        await screen.press("escape")
