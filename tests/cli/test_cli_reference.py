"""The reference says what the commands say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mltui.cli.listing import KINDS, SERVING
from mltui.cli.reference import commands_markdown
from mltui.cli.referencing import PAGES
from mltui.runs import codec

FOLDER = Path(__file__).parents[2] / "docs" / "reference"


def test_commands_are_as_generated() -> None:
    assert (FOLDER / "commands.md").read_text() == commands_markdown(), (
        "run: python -m mltui.cli.reference > docs/reference/commands.md"
    )


@pytest.mark.parametrize("name", list(PAGES))
def test_generated_pages_are_as_generated(name: str) -> None:
    assert (FOLDER / name).read_text() == PAGES[name](), "run: make reference"


def test_every_event_and_kind_is_described() -> None:
    text = (FOLDER / "json.md").read_text()
    assert set(re.findall(r"^\| `([a-z]+\.[a-z]+)` \|", text, re.M)) == set(codec.events())
    assert all(f"## `mltui ls {kind}`" in text for kind in (*KINDS, *SERVING))
