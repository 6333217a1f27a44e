"""The light twins say exactly what `mltui.text` says, and the listing what the journal says."""

from __future__ import annotations

import math
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltui import text
from mltui.cli import light, listing
from mltui.runs import journal, rows
from mltui.runs.journal import FOLDER, Journal
from mltui.runs.project import SPEC_FILE

NUMBERS = st.none() | st.floats() | st.integers(-(10**9), 10**9).map(float)


def test_marks() -> None:
    for state, (glyph, plain) in light.MARKS.items():
        assert text.glyph(state) == glyph
        assert text.glyph(state, unicode=False) == plain
    assert set(text.MARKS) - set(light.MARKS) == {"waiting"}


@given(NUMBERS)
def test_numbers(value: float | None) -> None:
    assert light.format_number(value) == text.format_number(value)
    assert light.format_duration(value) == text.format_duration(value)
    assert light.format_age(value) == text.format_age(value)


@given(st.text(), st.integers(0, 20))
def test_widths(words: str, width: int) -> None:
    assert light.cell_width(words) == text.cell_width(words)
    assert light.shorten(words, width) == text.shorten_end(words, width)


@pytest.mark.parametrize(
    "env",
    [
        {"LANG": "C"},
        {"LANG": "de_DE.ISO-8859-1"},
        {"LANG": "en_US.utf8"},
        {"LC_ALL": "C.UTF-8"},
        {"LC_CTYPE": "C.UTF-8", "LANG": "C"},
        {"TERM": "dumb"},
        {"MLTUI_ASCII": "1"},
        {"MLTUI_ASCII": "0", "LANG": "C.UTF-8"},
    ],
)
def test_letters(env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LANG")
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert light.unicode_ok() == text.unicode_ok()


def test_constants() -> None:
    assert listing.VERSION == journal.VERSION
    assert listing.FOLDER == journal.FOLDER
    assert listing.SPEC_FILE == SPEC_FILE


def test_listing_is_what_the_journal_says(seeded: Path, queued: int) -> None:
    with closing(Journal.open(seeded / FOLDER)) as theirs, listing.Listing(str(seeded)) as ours:
        names = set(rows.RunRow.__slots__)
        for mine, other in zip(ours.runs(), theirs.runs(), strict=True):
            shared = {name: getattr(other, name) for name in mine if name in names}
            if other.number == queued:
                shared["reason"] = "no runner is there to start it: `mltui resume`"
            assert mine == shared
        for run in theirs.runs():
            _, decoded = theirs.stages(run.number)
            found = ours.stages(run.number)
            assert [listing.label(row) for row in found] == [r.instance.label for r in decoded]
            for row, stage in zip(found, decoded, strict=True):
                shown = listing.stage_object(row, 0.0)
                assert shown["round"] == stage.round
                for name in ("state", "attempt", "metrics", "reason", "gate", "accepted", "phase"):
                    assert shown[name] == getattr(stage, name)


HEAVY = (
    "yaml",
    "asyncio",
    "textual",
    "rich",
    "subprocess",
    "inspect",
    "dataclasses",
    "typing",
    "pathlib",
    "shutil",
    "mltui.spec",
    "mltui.pipeline",
    "mltui.runs",
    "mltui.text",
    "mltui.errors",
)


@pytest.mark.parametrize("words", [["ls", "runs"], ["ls", "stages"], ["ls", "runs", "-o", "json"]])
def test_ls_imports_nothing_heavy(words: list[str], seeded: Path) -> None:
    modules = imported(words, seeded)
    assert "mltui.cli.listing" in modules
    assert sorted(modules & set(HEAVY)) == []


def test_version_imports_nothing(seeded: Path) -> None:
    assert not {"argparse", "mltui.cli", "json"} & imported(["--version"], seeded)


@pytest.mark.parametrize("words", [["--help"], ["help"]])
def test_help_imports_no_command(words: list[str], seeded: Path) -> None:
    assert not {"textual", "sqlite3", "yaml", "asyncio"} & imported(words, seeded)


def test_no_command_needs_the_screen() -> None:
    code = (
        "import sys\nfrom mltui.cli.main import COMMANDS, parser_of\n"
        "for name in COMMANDS: parser_of(name)[0].format_help()\n"
        "print(*{'textual', 'rich', 'mltui.app'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


def imported(words: list[str], cwd: Path) -> set[str]:
    """What a fresh interpreter has imported after this command."""
    code = (
        f"import sys; sys.argv = ['mltui', *{words!r}]\n"
        "from mltui.__main__ import main\n"
        "code = main()\n"
        "sys.stderr.write('\\n'.join(sys.modules))\n"
        "sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split("\n"))


def test_no_number_is_lost() -> None:
    assert light.format_number(math.inf) == "∞"
