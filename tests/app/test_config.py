"""The person's config file: where values come from is shown, faults are told, the rest counts."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mltui.actions import registry
from mltui.app import config, theming
from mltui.runs.project import Project

from .driver import Driver

FILE = """\
theme: mltui-light
colour: red
ascii: sometimes
keys:
  look.runs: Z
  stage.retry: l
  look.lox: x
lists:
  runs: {sort: [age, true]}
views:
  broken: {list: builds, filter: failed}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """The person's config folder, with a file."""
    found = tmp_path / "config" / "mltui"
    found.mkdir(parents=True)
    (found / "config.yaml").write_text(FILE)
    yield found
    registry.rebind({})


def run(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mltui", *argv], text=True, capture_output=True, timeout=120
    )


def test_where_each_value_comes_from_is_said_and_what_is_wrong(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLTUI_NOTIFY", "true")
    done = run("config")
    assert done.returncode == 2
    lines = {line.split()[0]: line.split() for line in done.stdout.splitlines()[1:]}
    assert lines["theme"][1:] == ["mltui-light", "config.yaml:1"]
    assert lines["notify"][1:] == ["true", "MLTUI_NOTIFY"]
    assert lines["ascii"][1:] == ["false", "default"]
    assert "config.yaml:2: there is no setting `colour`" in done.stderr
    assert "config.yaml:3: `ascii` is true or false" in done.stderr
    assert "stage.retry: l is Log's (look.log) in pipeline already" in done.stderr
    assert "look.lox: did you mean look.log?" in done.stderr
    assert json.loads(run("config", "-o", "json").stdout)["problems"]


def test_the_schema_describes_every_setting() -> None:
    schema = config.json_schema()
    assert set(schema["properties"]) == {each.name for each in config.SETTINGS}
    assert all(each.help.endswith(".") for each in config.SETTINGS)


@pytest.mark.parametrize("text", ["", "theme: [", "- a", "theme: 3\n", "\x00", "keys: {a: 1}"])
def test_no_text_stops_it(text: str, tmp_path: Path) -> None:
    found = config.parse(text, tmp_path / "config.yaml")
    assert found.get("theme") == "mltui-dark"
    assert bool(found.problems) == bool(text)


async def test_the_app_takes_keys_theme_and_views_and_says_what_is_wrong(
    folder: Path, broken: Project
) -> None:
    async with Driver.open(broken, size=(120, 30)) as screen:
        assert screen.app.theme == "mltui-light"
        assert "colour" in screen.notice and "mltui config" in screen.notice
        await screen.press("R")
        assert "▸ runs" not in screen.line("header")
        await screen.press("Z")
        assert "▸ runs" in screen.line("header")
        await screen.press("escape")
        await screen.command("view broken")
        await screen.until(lambda: "▸ builds" in screen.line("header"), "the view")
        assert screen.app.workbench.needle == "failed"


async def test_themes_are_shown_while_chosen_and_read_again_when_saved(
    folder: Path, failed: Project
) -> None:
    (folder / "config.yaml").unlink()
    (folder / "themes").mkdir()
    mine, wrong = folder / "themes" / "aaa.yaml", folder / "themes" / "bad.yaml"
    mine.write_text("name: aaa\nprimary: '#112233'\n")
    wrong.write_text("name: bad\nprimary: notacolour\n")
    async with Driver.open(failed, size=(100, 30)) as screen:
        await screen.command("theme")
        await screen.sees("Which theme?")
        before = screen.app.theme
        await screen.press("up", "up", "up", "up", "up", "up")
        assert screen.app.theme == "aaa"
        await screen.press("escape")
        assert screen.app.theme == before
        assert "bad.yaml" in screen.notice
        await screen.command("theme aaa")
        mine.write_text("name: aaa\nprimary: '#445566'\n")
        await screen.until(lambda: screen.app.theme_variables["primary"] == "#445566", "as saved")
    assert theming.load_one("aaa") is not None
