"""Pages say what is so: examples are right, links lead somewhere, commands and keys exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mltui import spec
from mltui.actions import registry
from mltui.app import config
from mltui.cli.main import COMMANDS
from mltui.errors import SpecError

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
NAMES = [str(page.relative_to(DOCS)) for page in PAGES if "_build" not in page.parts]


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name: str) -> None:
    page = DOCS / name
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("name", NAMES)
def test_commands_that_are_named_exist(name: str) -> None:
    text = (DOCS / name).read_text()
    fenced = "\n".join(re.findall(r"(?ms)^```(?:sh)?\n(.*?)^```", text))
    inline = re.findall(r"`mltui ([a-z]+)\b", text)
    for command in (*inline, *re.findall(r"(?m)^mltui ([a-z]+)\b", fenced)):
        assert command in COMMANDS or command == "help", command
    typed = {each.command for each in registry.ACTIONS}
    for word in re.findall(r"`:([a-z][a-z-]+)", text):
        found = word in typed or word in ("web", "jobs", "dp", "pod", "xray", "pulse")
        assert found or name == "keystrokes.md", word


def blocks() -> list[tuple[str, str]]:
    return [
        (name, block)
        for name in NAMES
        for block in re.findall(r"(?ms)^ *```yaml\n(.*?)^ *```", (DOCS / name).read_text())
    ]


BASE = """\
mltui: 1
name: page
environments:
  train: {requirements: env/train.txt, image: debian}
stages:
  acquire: {phase: data, environment: train, run: "true", outputs: {a: a}}
  train: {phase: training, environment: train, run: "true", inputs: {a: acquire.a}}
services:
  classifier: {environment: train, run: serve, port: 8080}
"""


@pytest.mark.parametrize(("name", "block"), blocks())
def test_examples_are_right(name: str, block: str, tmp_path: Path) -> None:
    if name == "reference/config.md":
        assert not config.parse(block, tmp_path / "config.yaml").problems
        return
    indent = len(block) - len(block.lstrip())
    text = "\n".join(line[indent:] for line in block.splitlines())
    text = text if text.startswith("mltui: 1") else f"{BASE}{text}"
    try:
        spec.load(text, name)
    except SpecError as error:
        pytest.fail(f"{text}\n{error}")
