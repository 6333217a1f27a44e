"""What a person does and sees, on journals that the rules themselves made."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from mltui.actions import registry
from mltui.app.change import Change
from mltui.app.lineview import LineView
from mltui.app.session import Session
from mltui.runs.project import Project

from .conftest import Held
from .driver import Driver
from .seed import NOON, Behaviour, Seed
from .worlds import digits, world


async def test_a_failed_stage_shows_its_exception_without_a_key(failed: Project) -> None:
    async with Driver.open(failed, size=(80, 24), now=NOON) as screen:
        assert screen.selected == "train~2"
        assert "train~2.3" in screen.card
        assert "killed at its limit" in screen.card
        assert "MemoryError: cannot allocate kernel" in screen.card
        assert "mltui.yaml:32" in screen.card
        assert "1 set memory: 768Mi in mltui.yaml:32 and retry" in " ".join(screen.card.split())
        await screen.sees("building kernel matrix")


async def test_the_cursor_starts_on_what_runs(running: Project) -> None:
    async with Driver.open(running, now=NOON) as screen:
        assert screen.selected == "train~3"
        assert "● running 2:13" in screen.line("header")
        assert "0.848 → 0.943 → ▍" in screen.line("story")
        assert "round 3 of 4" in screen.line("story")
        assert "left" in screen.line("story")


async def test_the_failed_item_of_a_fan_out_is_found(fan_out: Project) -> None:
    async with Driver.open(fan_out, now=NOON) as screen:
        assert screen.selected == "translate[en-de]"
        assert "9/12" in screen.stage("translate")
        assert "Error: no such mode: en-de" in screen.card
        assert "9 more" in screen.text
        await screen.press("up", "up", "left")
        assert "9 more" not in screen.text
        await screen.press("right")
        assert "en-sv" in screen.text


async def test_panes_of_a_stage(running: Project) -> None:
    async with Driver.open(running, now=NOON) as screen:
        await screen.press("g")
        assert "needs accuracy ≥ 0.98" in screen.pane
        assert "0.132 away" in screen.pane
        await screen.press("i")
        assert "vectorize.features" in screen.pane
        assert "gamma  0.001" in screen.pane
        await screen.press("b")
        assert "No environment" in screen.pane
        await screen.press("x")
        assert "never ran with these inputs" in screen.pane
        await screen.press("1")
        await screen.sees("loading features")
        await screen.press("tab")
        assert "needs accuracy" in screen.pane


async def test_an_output_can_be_looked_into(failed: Project) -> None:
    async with Driver.open(failed, now=NOON, run=1) as screen:
        await screen.command("stage evaluate")
        await screen.press("i")
        assert "report.json" in screen.pane
        assert '"accuracy": 0.987' in screen.pane


async def test_an_old_run_is_opened_and_left(failed: Project) -> None:
    async with Driver.open(failed, now=NOON) as screen:
        await screen.press("R")
        assert "2 runs" in screen.line("header")
        assert "✗ failed" in screen.text and "✓ succeeded" in screen.text
        await screen.press("down", "enter")
        assert "run 1" in screen.line("header")
        assert "newest is 2" in screen.line("header")
        assert "0.987" in screen.stage("evaluate")
        await screen.press("escape")
        assert "newest is 2" not in screen.line("header")
        assert "run 2" in screen.line("header")


async def test_a_filter_keeps_what_matches(failed: Project) -> None:
    async with Driver.open(failed, now=NOON) as screen:
        await screen.press("slash")
        await screen.type("eval")
        assert [line for line in screen.stages if "evaluate" in line]
        assert not screen.stage("train")
        await screen.press("enter")
        assert not screen.stage("train")
        await screen.press("escape")
        assert screen.stage("train")


async def test_a_filter_asks_for_states_and_says_when_nothing_fits(failed: Project) -> None:
    async with Driver.open(failed, now=NOON) as screen:
        await screen.press("slash")
        await screen.type("status:failed")
        assert screen.stage("train") and not screen.stage("acquire")
        await screen.press("enter", "escape", "slash")
        await screen.type("nobody")
        assert "no stage fits nobody: Esc shows all" in " ".join(screen.stages)
        await screen.press("enter")
        assert "Enter Open" not in screen.line("footer") and not screen.card
        await screen.press("escape", "R", "slash")
        await screen.type("state:failed time>1h")
        assert "no run fits" in screen.text
        await screen.press("escape")
        assert "no run fits" not in screen.text


async def test_why_a_key_did_nothing_is_gone_with_the_next(failed: Project) -> None:
    async with Driver.open(failed, now=NOON) as screen:
        await screen.press("M")
        await screen.press("y")
        assert "works on" in screen.notice
        await screen.press("R")
        assert not screen.notice


async def test_a_key_that_cannot_act_says_why(failed: Project) -> None:
    async with Driver.open(failed, now=NOON) as screen:
        await screen.press("d")
        assert "no gate of run 2 waits for a decision" in screen.notice
        await screen.press("ctrl+k")
        assert "run 2 has ended" in screen.notice
        await screen.press("u")
        assert "nothing to resume" in screen.notice
        await screen.command("stage classifier")
        assert "there is no stage 'classifier'" in screen.notice
        await screen.press("end")
        assert screen.selected == "drift"
        await screen.command("retry")
        assert "drift is not part of a run" in screen.notice


async def test_a_wrong_command_names_the_nearest(failed: Project) -> None:
    async with Driver.open(failed, now=NOON) as screen:
        await screen.command("rnus")
        assert "did you mean :runs?" in screen.notice
        await screen.command("stage evaluat")
        assert "did you mean evaluate?" in screen.notice
        await screen.press("colon", "up")
        assert "stage evaluat" in screen.text


async def test_a_command_is_completed(failed: Project) -> None:
    async with Driver.open(failed, now=NOON) as screen:
        await screen.press("colon")
        await screen.type("sta")
        await screen.press("tab")
        await screen.type(" ev")
        await screen.press("tab", "enter")
        assert screen.selected == "evaluate~2"


async def test_a_paused_gate_offers_its_rounds(paused: Project) -> None:
    async with Driver.open(paused, now=NOON) as screen:
        assert screen.selected == "evaluate~4"
        assert screen.line("footer").strip().startswith("d Decide")
        await screen.press("d")
        assert "The gate of evaluate in run 1 was not passed" in screen.text
        assert "Accept round 3" in screen.text and "the best" in screen.text
        assert "1 more round" in screen.text and "would be the same" in screen.text
        await screen.press("escape")
        assert "Accept round 3" not in screen.text


async def test_a_run_is_started_only_after_it_is_said_what_runs(fresh: Project) -> None:
    async with Driver.open(fresh, now=NOON) as screen:
        assert "no runs yet" in screen.line("header")
        assert "writes" in screen.pane and "raw.npz" in screen.pane
        await screen.press("r")
        assert "Start a run of digits?" in screen.text
        assert "no earlier result" in screen.text
        await screen.press("escape")
        assert not fresh.folder.exists()


async def test_a_wrong_file_is_listed_and_read_again(wrong: Project) -> None:
    async with Driver.open(wrong, now=NOON) as screen:
        assert "mltui.yaml has 2 problems" in screen.text
        assert "mltui.yaml:7:5" in screen.text
        assert "phaze: data" in screen.text
        assert "did you mean `phase`?" in screen.text
        await screen.press("n")
        assert "mltui.yaml has 2 problems: mend it first" in screen.notice
        wrong.file.write_text(digits(), encoding="utf-8")
        await screen.sees("has not run yet")


async def test_old_runs_stay_when_the_file_goes_wrong(failed: Project) -> None:
    async with Driver.open(failed, now=NOON) as screen:
        failed.file.write_text("mltui: 1\nname: digits\nstages: {}\nstagez: 1\n", encoding="utf-8")
        await screen.until(lambda: "mltui.yaml:" in screen.notice, "that it is read")
        assert "train~2" in screen.selected
        await screen.press("P")
        assert "Earlier runs can still be looked at" in screen.text
        await screen.press("escape")
        assert "killed at its limit" in screen.card


async def test_a_run_without_its_runner_says_so(tmp_path: Path) -> None:
    seed = Seed.project_of(tmp_path / "digits", digits())
    changes = {"train": Behaviour(hangs=True)}
    seed.run(world(changes=changes), began=NOON - 60, stop_at=NOON)
    async with Driver.open(seed.project, now=NOON) as screen:
        assert "? unknown" in screen.line("header")
        assert "its runner is gone" in screen.line("header")
        assert screen.line("footer").strip().startswith("u Resume")


async def test_help_has_every_key_and_searches(failed: Project) -> None:
    async with Driver.open(failed, now=NOON, size=(120, 40)) as screen:
        await screen.press("question_mark")
        shown = "\n".join(line.text for line in screen.app.screen.query_one(LineView).lines)
        for action in registry.ACTIONS:
            if action.command:
                assert f":{action.command}" in shown, action.id
        await screen.type("decide")
        assert "Retry all failed" not in screen.text
        await screen.press("escape")
        assert "killed at its limit" in screen.card


async def test_help_begins_with_what_can_be_done_here(failed: Project) -> None:
    async with Driver.open(failed, now=NOON, size=(80, 24)) as screen:
        await screen.press("question_mark")
        first = screen.text.partition("Here")[2]
        assert 0 < first.find("Retry ") < first.find("Explain")
        await screen.press("escape", "R", "question_mark")
        first = screen.text.partition("Here")[2]
        assert "Compare" in first and "Explain" not in first
        await screen.press("escape", "escape", "l", "question_mark")
        assert "Next error" in screen.text, "the log has the keys: its own come first"


async def test_a_theme_is_used_and_kept(failed: Project) -> None:
    async with Driver.open(failed, now=NOON) as screen:
        await screen.command("theme mltui-light")
        assert screen.app.theme == "mltui-light"
        await screen.command("theme mltui-lihgt")
        assert "did you mean mltui-light?" in screen.notice
    async with Driver.open(failed, now=NOON) as screen:
        assert screen.app.theme == "mltui-light"


async def test_the_list_of_stages_keeps_the_width_that_one_gave_it(failed: Project) -> None:
    async with Driver.open(failed, now=NOON) as screen:
        before = screen.app.workbench.left.size.width
        await screen.press("greater_than_sign", "greater_than_sign")
        wider = screen.app.workbench.left.size.width
        assert wider > before
        await screen.press("less_than_sign")
        assert before < screen.app.workbench.left.size.width < wider
        kept = screen.app.workbench.left.size.width
    async with Driver.open(failed, now=NOON) as screen:
        assert screen.app.workbench.left.size.width == kept


async def test_what_stands_behind_a_dialog_takes_the_new_size_too(failed: Project) -> None:
    async with Driver.open(failed, now=NOON, size=(80, 24)) as screen:
        narrow = screen.stages
        await screen.press("n")
        await screen.resize(200, 60)
        await screen.until(lambda: screen.stages != narrow, "its columns")
        behind = screen.stages
        await screen.press("escape")
        assert screen.stages == behind


async def test_without_a_project_nothing_of_projects_is_offered(tmp_path: Path) -> None:
    async with Driver.open(Project(tmp_path), now=NOON) as screen:
        assert "there is no mltui.yaml here" in " ".join(screen.text.split())
        assert "Run" not in screen.line("footer") and "Edit" not in screen.line("footer")
        await screen.press("n")
        assert screen.notice == "Run: there is no mltui.yaml here, `mltui init` writes one"
        await screen.press("t")
        assert "mltui.yaml can't be used" not in screen.text


async def test_the_mouse_does_what_one_would_try(failed: Project) -> None:
    async with Driver.open(failed, now=NOON) as screen:

        async def click(text: str) -> None:
            y, line = next((y, line) for y, line in enumerate(screen.lines) if text in line)
            await screen.pilot.click(offset=(line.index(text) + 1, y))
            await screen.settle()

        await click("acquire")
        assert screen.selected == "acquire~2"
        await click("Gate")
        assert "missing_rate" in screen.pane
        await click("x Explain")
        assert screen.app.workbench.detail.tab == "explain"
        await click("n Run")
        await click("Leave it")
        assert len(screen.app.screen_stack) == 1
        await click("▲1")
        assert "Triage" in screen.line("header")
        await screen.press("escape")
        await screen.command("theme")
        await click("mltui-light")
        assert screen.app.theme == "mltui-light"


async def test_looking_changes_nothing(failed: Project) -> None:
    def state() -> dict[str, bytes]:
        files = [f for f in failed.folder.rglob("*") if f.is_file() and "-shm" not in f.name]
        return {str(f): f.read_bytes() for f in files if f.stat().st_size}

    before = state()
    async with Driver.open(failed, now=NOON) as screen:
        await screen.press("g", "x", "i", "b", "R", "enter", "down", "up")
    assert state() == before


async def test_it_follows_what_is_written_elsewhere(running: Project) -> None:
    async with Driver.open(running, now=NOON) as screen:
        assert "run 2" in screen.line("header")
        log = running.run_folder(2) / "train~3.1" / "log"
        with log.open("a") as file:
            file.write("epoch 9  loss 0.0777\n")
        await screen.sees("epoch 9  loss 0.0777")
        seed = Seed(running)
        seed.run(world(), began=NOON)
        await screen.sees("run 3")
        assert "✓ succeeded" in screen.line("header")


async def test_a_run_that_was_over_before_it_was_seen_at_work_is_told(failed: Project) -> None:
    async with Driver.open(failed, now=NOON) as screen:
        Seed(failed).run(world(), began=NOON)
        await screen.until(lambda: "run 3 succeeded" in screen.notice, "its end")


async def test_a_filter_is_seen_while_it_holds(failed: Project) -> None:
    async with Driver.open(failed, now=NOON) as screen:
        await screen.press("slash")
        await screen.type("train")
        await screen.press("enter")
        assert "/train" in screen.line("rule")
        await screen.press("R", "slash")
        await screen.type("succeeded")
        await screen.press("enter")
        assert "2m42s" in screen.text and "✗ failed" not in screen.text
        await screen.press("escape")
        assert "✗ failed" in screen.text


async def test_a_removed_journal_leaves_the_plan(failed: Project) -> None:
    async with Driver.open(failed, now=NOON) as screen:
        shutil.rmtree(failed.folder)
        await screen.until(lambda: "no runs yet" in screen.line("header"), "the plan is shown")
        assert "pending" in screen.stage("train")


async def test_changes_while_the_app_closes_are_left_alone(failed: Project) -> None:
    async def change(session: Session) -> None:
        while screen.app.is_running or screen.app.screen_stack:
            session.on_change(Change(run=True))
            await asyncio.sleep(0)
        session.on_change(Change(run=True))

    async with Driver.open(failed, now=NOON) as screen:
        changes = asyncio.create_task(change(screen.app.session))
    await changes


@pytest.mark.parametrize("hangs", [False, True])
async def test_an_engine_that_does_not_answer_is_told_in_full(tmp_path: Path, hangs: bool) -> None:
    why = (
        "Docker at unix:///run/user/1000/docker.sock can't be reached: it is not running (there "
        "is no such socket)"
    )
    seed = Seed.project_of(tmp_path / "digits", digits())
    changes = {"train": Behaviour(silence=why, hangs=hangs)}
    seed.run(world(changes=changes), began=NOON - 60, stop_at=NOON)
    async with Driver.open(seed.project, now=NOON) as screen:
        assert screen.selected == "train~1"
        assert " ".join(why.split()) in " ".join(screen.card.split())
        assert ("unknown" if hangs else "waits") in screen.stage("train")


async def test_the_stages_stay_on_the_screen_while_a_run_waits_for_its_turn(
    fresh: Project, held: Held
) -> None:
    fresh.prepare()
    held(fresh)
    async with Driver.open(fresh) as screen:
        declared = screen.stages
        await screen.press("n")
        await screen.sees("Start the run")
        await screen.press("enter")
        await screen.until(lambda: "run 1" in screen.line("header"), "the run")
        assert screen.stages == declared and screen.selected == "acquire"
        assert "run waits" not in screen.line("header"), "there is none behind it"
