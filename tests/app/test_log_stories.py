"""What a person does in the log of a stage, and in several as one."""

from __future__ import annotations

import asyncio
import shlex
import sys
from pathlib import Path

from textual.events import Key

from mltui.app.logcommand import command_of
from mltui.runs.project import Project

from .driver import Driver
from .seed import NOON


async def test_the_key_of_the_log_gives_it_the_keys_and_esc_gives_them_back(
    failed: Project,
) -> None:
    async with Driver.open(failed, now=NOON) as screen:
        selected = screen.selected
        await screen.press("g", "l", "slash")
        await screen.type("epoch")
        await screen.press("enter", "n")
        await screen.sees("/epoch")
        assert screen.selected == selected
        await screen.press("l", "down", "escape", "escape")
        assert "/epoch" not in screen.text
        await screen.press("up")
        assert screen.selected != selected


async def test_a_log_that_is_given_the_whole_width_is_given_the_height_too(
    failed: Project,
) -> None:
    """Of the failure its name and its cause stay; with the list beside it all of it is back."""
    async with Driver.open(failed, now=NOON, size=(80, 24)) as screen:
        before = screen.card
        assert "retry" in before
        await screen.press("l", "z")
        assert "killed at its limit" in screen.card and "retry" not in screen.card
        assert len(screen.card.splitlines()) < len(before.splitlines())
        await screen.press("escape")
        assert screen.card == before


async def test_the_log_is_searched_when_it_has_the_keys(failed: Project) -> None:
    async with Driver.open(failed, now=NOON) as screen:
        await screen.press("enter", "slash")
        await screen.type("epoch")
        await screen.press("enter")
        await screen.sees("/epoch")
        assert screen.stage("acquire")


async def test_keys_typed_after_a_line_is_entered_are_for_what_comes_then(failed: Project) -> None:
    async with Driver.open(failed, now=NOON) as screen:
        await screen.press("enter")
        for key in ("slash", *"epoch", "enter", "n"):
            screen.app.simulate_key(key)
        await screen.sees("/epoch 2/3")
        await screen.press("escape")
        for key in ("slash", *"loss", "escape", "e"):
            screen.app.simulate_key(key)
        await screen.sees("errors")
        named = {" ": "space", ".": "full_stop"}
        for key in ("slash", "x", "escape", "slash", *"7  loss 0.1", "enter"):
            event = Key(named[key], key) if key in named else Key(key, None)
            screen.app.post_message(event)
        await screen.sees("/7  loss 0.1 ")


async def test_a_search_goes_along_with_the_letters_and_is_left_as_it_was(failed: Project) -> None:
    async with Driver.open(failed, now=NOON) as screen:
        await screen.press("enter", "slash")
        await screen.type("epoch")
        await screen.sees("/epoch")
        await screen.press("escape")
        assert "/epoch" not in screen.text
        await screen.press("slash")
        await screen.type("(")
        await screen.press("enter")
        assert "is not a regular expression" in screen.notice


async def test_a_log_is_filtered_and_saved_as_it_was_written(
    failed: Project, tmp_path: Path
) -> None:
    async with Driver.open(failed, size=(160, 40), now=NOON) as screen:
        await screen.press("enter", "f")
        await screen.type("epoch")
        await screen.press("enter", "f")
        await screen.type("!epoch 2")
        await screen.press("enter")
        await screen.sees("epoch !epoch 2 2")
        await screen.press("ctrl+s")
        await screen.press("ctrl+u")
        await screen.type(str(tmp_path / "x.log"))
        await screen.press("enter")
        await screen.until(lambda: "saved" in screen.notice, "that it is saved")
        assert (tmp_path / "x.log").read_bytes() == b"epoch 1  loss 0.412\nepoch 7  loss 0.121\n"
        await screen.press("ctrl+s")
        await screen.press("ctrl+u")
        await screen.type(str(tmp_path / "x.log"))
        await screen.press("enter")
        await screen.sees("is there already")
        await screen.press("escape")
        await screen.sees("epoch 2  loss")
        await screen.press("escape")
        await screen.sees("building kernel matrix")


async def test_the_command_of_a_log_prints_what_the_screen_shows(failed: Project) -> None:
    """Objects as fields, filters with the lines around, times; of an earlier attempt, too."""
    folder = failed.run_folder(2)
    log = next(each for each in folder.rglob("log") if b"epoch 7" in each.read_bytes())
    kind = '{"ts": "2026-11-25T14:00:0%dZ", "level": "info", "msg": "step %d", "loss": 0.%d}'
    log.write_text("".join(f"{kind % (n, n, n)}\n" for n in range(1, 8)) + "plain words\n")

    async def printed(screen: Driver) -> list[str]:
        words = shlex.split(command_of(screen.app.workbench.detail.log_tab.log_pane))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", *[word for word in words if word != "-f"],
            cwd=failed.root, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, _ = await process.communicate()
        assert process.returncode == 0, words
        return [line.rstrip() for line in out.decode().splitlines()]

    def shown(screen: Driver) -> list[str]:
        text = screen.app.workbench.detail.log_tab.log_pane.visible_text()
        return [line.rstrip() for line in text.splitlines()]

    async with Driver.open(failed, size=(160, 40), now=NOON) as screen:
        await screen.press("l", "m")  # a command folds nothing
        await screen.sees("step 7")
        assert len(shown(screen)) == 8
        assert await printed(screen) == shown(screen)
        await screen.press("f")
        await screen.type("step [36]")
        await screen.press("enter", "plus", "t")
        await screen.until(lambda: len(shown(screen)) == 6, "lines around")
        assert await printed(screen) == shown(screen)
        await screen.press("escape", "minus", "C")
        await screen.press("ctrl+u")
        await screen.type("level loss msg")
        await screen.press("enter")
        await screen.until(lambda: "step 7" in screen.text and "ts=" not in screen.text, "columns")
        assert await printed(screen) == shown(screen)
        before = command_of(screen.app.workbench.detail.log_tab.log_pane)
        await screen.press("escape", "p")
        await screen.until(
            lambda: command_of(screen.app.workbench.detail.log_tab.log_pane) != before, "another"
        )
        assert await printed(screen) == shown(screen)


async def test_a_filter_goes_along_with_the_letters_and_is_left_as_it_was(failed: Project) -> None:
    async with Driver.open(failed, size=(160, 40), now=NOON) as screen:
        await screen.press("enter", "f")
        await screen.type("epoch 7")
        await screen.sees("epoch 7 1")
        assert "epoch 2  loss" not in screen.text
        await screen.press("escape")
        await screen.sees("epoch 2  loss")
        await screen.sees("building kernel matrix")
        await screen.press("f")
        await screen.type("epoch")
        await screen.press("enter", "f", "up")
        await screen.until(lambda: "filter epoch" in screen.text, "what was typed before")
        await screen.press("escape", "plus")
        assert "1 line around" in screen.notice
        await screen.sees("±1")
        await screen.press("T")
        await screen.type("line 1")
        await screen.press("enter", "T")
        await screen.type("line 99999")
        await screen.press("enter")
        assert "lines so far" in screen.notice
        await screen.press("asterisk")
        await screen.type("loss")
        await screen.press("enter", "escape", "escape")
        await screen.sees("building kernel matrix")


async def test_fields_are_chosen_by_names_that_are_offered(failed: Project) -> None:
    """Of a log of objects, which shows them as fields by itself."""
    log = next(failed.run_folder(2).glob("train~2*/log"))
    log.write_text(
        "".join(f'{{"level": "info", "msg": "step {n}", "loss": {n / 8}}}\n' for n in range(9))
    )
    async with Driver.open(failed, size=(160, 40), now=NOON) as screen:
        await screen.press("enter")
        await screen.sees("INFO   step 8  loss=1.0")
        await screen.press("C")
        await screen.type("lo")
        await screen.press("tab")
        await screen.type(" m")
        await screen.press("tab", "enter")
        await screen.sees("1.0  step 8")
        await screen.sees("loss  msg")
        await screen.press("f")
        await screen.sees("level>=warning")
        await screen.type("loss>0.9")
        await screen.press("enter")
        await screen.until(lambda: "step 7" not in screen.text, "the filter by a field")


async def test_the_logs_of_all_stages_as_one(failed: Project) -> None:
    async with Driver.open(failed, size=(160, 40), now=NOON) as screen:
        await screen.press("enter", "a")
        await screen.sees("acquire~1  read 1797 images")
        await screen.sees("train~2    epoch 7  loss 0.121")
        await screen.press("a")
        await screen.sees("│ epoch 7  loss 0.121")
        assert "read 1797 images" not in screen.text


async def test_an_earlier_attempt_can_be_read(failed: Project) -> None:
    async with Driver.open(failed, now=NOON) as screen:
        await screen.press("p")
        assert "train~2.2" in screen.text
        target = screen.app.workbench.detail.log_tab.log_pane.target
        assert shlex.split(target)[0] == "train~2.2"
        await screen.press("p", "p")
        assert "train~2.2" not in screen.text


async def test_the_logs_of_a_stages_items_are_one(fan_out: Project) -> None:
    """Each line says whose it is; one of them can be hidden."""
    async with Driver.open(fan_out, size=(120, 40), now=NOON) as screen:
        await screen.press("up", "up")
        assert screen.selected == "translate"
        for each in ("translated 120 sentences", "Error: no such mode: en-de", "translating"):
            await screen.sees(each)
        line = next(line for line in screen.lines if "no such mode" in line)
        assert "en-de " in line.partition("Error")[0]
