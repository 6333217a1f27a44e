"""Theme files: the small part of YAML they need, and errors that name their line."""

from __future__ import annotations

from pathlib import Path

import pytest

from mltui.app import notify, theming
from mltui.app.settings import Settings
from mltui.pipeline.model import State
from mltui.runs.rows import RunRow


def test_ours_are_all_right() -> None:
    themes, problems = theming.load()
    assert not problems
    assert {"mltui-dark", "mltui-light", "high-contrast", "colour-blind-safe", "ansi"} <= set(
        themes
    )
    assert themes["ansi"].ansi and not themes["mltui-light"].dark


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("name: a\n", 1, "needs `primary`"),
        ("name: a\nprimary: nocolour\n", 2, "is no colour"),
        ("name: a\nprimary: #123456\n", 2, "there is no value"),
        ('name: a\nprimary: "#123456"\nsize: 3\n', 3, "no `size`"),
        ('name: a\nprimary: "#123456"\nvariables:\n  dim: loud\n', 4, "is no look"),
        ('name: a\nprimary: "#123456"\ndark: maybe\n', 3, "true or false"),
        ("name: a\nwhat\n", 2, "is not `key: value`"),
        ("name: a\n  primary: red\n", 2, "has lines below it"),
    ],
)
def test_a_wrong_file_is_listed_and_the_others_load(
    tmp_path: Path, text: str, line: int, words: str
) -> None:
    (tmp_path / "bad.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "good.yaml").write_text('name: good\nprimary: "#123456"\n', encoding="utf-8")
    themes, problems = theming.load([tmp_path])
    assert list(themes) == ["good"]
    assert [problem.line for problem in problems] == [line]
    assert words in problems[0].message


def test_settings_survive_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file", encoding="utf-8")
    settings = Settings({"XDG_STATE_HOME": str(tmp_path / "state")})
    settings.keep_theme("ansi")
    settings.remember("runs")
    assert settings.theme() is None and settings.history() == []


def run(state: State, reason: str = "") -> RunRow:
    return RunRow(14, state, "local", 0.0, reason=reason)


def test_a_notice_is_safe_for_the_terminal() -> None:
    text = notify.sentence("digits", run(State.FAILED, "bad\x1b]52;c;x\x07 name"))
    assert text.startswith("digits: run 14 failed (bad")
    assert text.isprintable()
    assert notify.sentence("digits", run(State.PAUSED)) == "digits: run 14 waits for a decision"
    assert notify.sequence(text) == f"\x07\x1b]9;{text}\x07"


async def test_a_command_of_the_persons_is_run(tmp_path: Path) -> None:
    out = tmp_path / "out"
    environ = {
        "PATH": "/usr/bin:/bin",
        "MLTUI_NOTIFY": f"sh -c 'echo $MLTUI_RUN $MLTUI_STATE $MLTUI_REASON > {out}'",
    }
    assert await notify.command(run(State.FAILED, "train"), environ) is None
    assert out.read_text() == "14 failed train\n"
    wrong = await notify.command(run(State.FAILED), {"MLTUI_NOTIFY": "/no/such/program"})
    assert wrong is not None and "/no/such/program" in wrong
    assert await notify.command(run(State.FAILED), {}) is None
