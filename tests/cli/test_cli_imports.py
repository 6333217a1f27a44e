"""What the quick commands import, and that the listing says what the journal says."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from mltui.cli import listing
from mltui.runs import journal, rows
from mltui.runs.journal import FOLDER, Journal
from mltui.runs.project import SPEC_FILE


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
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
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
        [sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split("\n"))
