"""What is wrong, on screen: found, previewed, fixed, followed to where it came from, remembered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from textual.events import Key

from mltui.cli.main import main
from mltui.errors import UsageError
from mltui.pipeline.model import Instance
from mltui.runs import client
from mltui.runs.project import Project

from .driver import Driver
from .seed import NOON, Seed
from .worlds import digits, world


@pytest.fixture(autouse=True)
def no_docker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What other tests do to a Docker host is not of these projects."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")


async def test_triage_says_what_is_wrong_and_sets_the_limit_in_place(
    failed: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, tuple[Instance, ...]]] = []

    def retry(project: Project, run: int, instances: tuple[Instance, ...]) -> int:
        asked.append((run, instances))
        raise UsageError("no runner in this test")

    monkeypatch.setattr(client, "retry", retry)
    before = failed.file.read_text()
    failed.file.write_text(before.replace("memory: 512Mi}", "memory: 512Mi}  # small data"))
    async with Driver.open(failed, size=(80, 24), now=NOON) as screen:
        assert screen.line("header").endswith("▲1 ")
        await screen.press("t")
        assert "1 thing wrong" in screen.lines[0]
        assert "train~2 of run 2 runs out of memory" in screen.lines[1]
        assert "needs more memory than its limit of 512 MiB" in screen.text
        assert "mltui.yaml:32  resources: {cpu: 1, memory: 512Mi}" in screen.text
        await screen.press("f")
        assert "-    resources: {cpu: 1, memory: 512Mi}  # small data" in screen.text
        assert "+    resources: {cpu: 1, memory: 768Mi}  # small data" in screen.text
        await screen.press("enter")  # the safe answer has the focus
        assert not asked and "768Mi" not in failed.file.read_text()
        await screen.press("1", "y")
        text = failed.file.read_text()
        assert text == before.replace("memory: 512Mi}", "memory: 768Mi}  # small data")
        assert [(run, each.label) for run, (each,) in asked] == [(2, "train~2")]
        assert screen.selected == "train~2" and "ACQUIRE" not in screen.lines[1]


async def test_a_fix_whose_value_has_changed_since_is_refused(failed: Project) -> None:
    async with Driver.open(failed, size=(100, 30), now=NOON) as screen:
        await screen.press("t", "1")
        text = failed.file.read_text().replace("memory: 512Mi", "memory: 2Gi")
        failed.file.write_text(text)
        await screen.press("y")
        assert "is 2Gi now, not 512Mi: nothing was changed" in screen.notice
        assert failed.file.read_text() == text


async def test_evidence_opens_where_it_came_from(failed: Project) -> None:
    async with Driver.open(failed, size=(100, 30), now=NOON) as screen:
        await screen.press("t", "enter", "end", "enter")
        assert screen.selected == "train~2"
        assert "MemoryError: cannot allocate kernel matrix" in screen.text
        await screen.press("t", "escape")
        assert "TRAINING" in screen.text


async def test_what_went_away_is_kept_with_how_it_ended(failed: Project) -> None:
    async with Driver.open(failed, size=(100, 30), now=NOON) as screen:
        await screen.press("t")
        assert "WENT AWAY" not in screen.text
    Seed(failed, now=NOON).run(world(), began=NOON - 60)
    async with Driver.open(failed, size=(100, 30), now=NOON + 600) as screen:
        await screen.press("t")
        await screen.until(lambda: "nothing is wrong" in screen.lines[0], "it has looked")
        assert "WENT AWAY" in screen.text
        await screen.press("down")
        assert "run 3 took the place of run 2" in screen.text


async def test_a_key_typed_before_the_question_was_seen_answers_nothing(failed: Project) -> None:
    before = failed.file.read_text()
    async with Driver.open(failed, size=(100, 30), now=NOON) as screen:
        early = Key("y", "y")
        await screen.press("t", "1")
        assert "memory: 768Mi" in screen.text
        screen.app.screen.post_message(early)
        await screen.settle()
        assert "memory: 768Mi" in screen.text and failed.file.read_text() == before
        await screen.press("y")
        assert "memory: 768Mi" in failed.file.read_text()


async def test_without_a_project_its_file_is_not_missed(tmp_path: Path) -> None:
    async with Driver.open(Project(tmp_path), size=(100, 30), now=NOON) as screen:
        await screen.press("t")
        await screen.until(lambda: "LOOKED AT" in screen.text or "thing" in screen.lines[0])
        assert "mltui.yaml" not in screen.text


async def test_with_nothing_wrong_nothing_is_offered(project: Project) -> None:
    async with Driver.open(project, size=(100, 30), now=NOON) as screen:
        await screen.press("t")
        await screen.until(lambda: "nothing is wrong" in screen.lines[0], "it has looked")
        assert "Fix" not in screen.lines[-1]
        assert "LOOKED AT" in screen.text and "digits: mltui.yaml, run" in screen.text
        await screen.press("f")
        assert "there is nothing to fix" in screen.notice


@pytest.fixture
def project(tmp_path: Path) -> Project:
    seed = Seed.project_of(tmp_path / "digits", digits())
    seed.run(world(), began=NOON - 600)
    return seed.project


async def test_what_is_acknowledged_is_folded_away_until_it_changes(
    failed: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    async with Driver.open(failed, size=(100, 30), now=NOON) as screen:
        assert screen.line("header").endswith("▲1 ")
        await screen.press("t", "a")
        await screen.type(", see the ticket")
        await screen.press("enter")
        await screen.until(lambda: "nothing is wrong" in screen.lines[0], "it has looked")
        assert "ACKNOWLEDGED" in screen.text
        await screen.press("down")
        assert "until it changes" in screen.text and "seen, see the ticket" in screen.text
        acts = [json.loads(line) for line in acts_of(screen).read_text().splitlines()]
        assert [(each["verb"], each["said"]) for each in acts] == [
            ("acknowledge", "seen, see the ticket")
        ]
        assert acts[0]["by"] and acts[0]["object"] == "train~2 of run 2 runs out of memory"
        await screen.press("escape")
        assert "▲" not in screen.line("header")
    capsys.readouterr()
    assert main(["-C", str(failed.root), "triage", "--docker", "no", "-o", "json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["acknowledged"]["note"] == "seen, see the ticket"
    text = failed.file.read_text()
    failed.file.write_text(text.replace("memory: 512Mi", "memory: 640Mi"))
    async with Driver.open(failed, size=(100, 30), now=NOON) as screen:
        assert screen.line("header").endswith("▲1 ")


async def test_a_snooze_ends_by_itself(failed: Project) -> None:
    async with Driver.open(failed, size=(100, 30), now=NOON) as screen:
        await screen.press("t")
        await screen.command("ack 2h deploying")
        assert "acknowledged until" in screen.notice and "ACKNOWLEDGED" in screen.text
    async with Driver.open(failed, size=(100, 30), now=NOON + 7000) as screen:
        assert "▲" not in screen.line("header")
    async with Driver.open(failed, size=(100, 30), now=NOON + 7300) as screen:
        assert screen.line("header").endswith("▲1 ")
        await screen.press("t")
        assert "ACKNOWLEDGED" not in screen.text


def acts_of(screen: Driver) -> Path:
    return screen.app.settings.folder / "actions.jsonl"
