"""Terminals without Unicode, without colour, with sixteen colours: states are told all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from mltui.app.app import MltuiApp
from mltui.runs.project import Project
from mltui.text.glyphs import MARKS

from .driver import Driver
from .seed import NOON

BUILDS = ("colon", "b", "u", "i", "l", "d", "s", "enter")
SCREENS = {
    "failed": (("i",), ("x",), ("R",), ("R", "c"), ("question_mark",), ("t",), ("n",), ("colon",)),
    "running": (("g",), ("l", "enter"), ("ctrl+k",)),
    "fan_out": (("right",),),
    "paused": (("g",), ("d",)),
    "broken": (("b",), BUILDS, (*BUILDS, "enter"), (*BUILDS, "o"), (*BUILDS, "V")),
    "fresh": ((), ("C",), ("C", "V"), ("K",)),
}


THEIRS = str.maketrans("", "", "×")
"""What programs wrote is not ours to change."""


@pytest.mark.slow  # it looks at every screen there is
@pytest.mark.parametrize("world", list(SCREENS))
async def test_no_screen_shows_more_than_ascii_where_the_locale_is_c(
    world: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    project: Project = request.getfixturevalue(world)
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{project.root}/none.sock")
    monkeypatch.setenv("KUBECONFIG", f"{project.root}/none")
    async with Driver.open(project, size=(120, 40), now=NOON) as screen:
        for keys in SCREENS[world]:
            await screen.press(*keys)
            shown = screen.text.translate(THEIRS)
            assert shown.isascii(), (keys, [x for x in shown.splitlines() if not x.isascii()])
            await screen.press(*["escape"] * len(keys))


def test_the_design_language_lists_every_state() -> None:
    text = (Path(__file__).parents[2] / "docs" / "design-language.md").read_text()
    table = [line for line in text.splitlines() if line.startswith("| ")]
    for each in MARKS.values():
        plain = each.ascii.replace("|", "\\|")
        here = [row for row in table if each.state in row.split("|")[1].replace(",", " ").split()]
        assert any(f"`{each.glyph}` | `{plain}`" in row for row in here), each.state


def colours(app: MltuiApp) -> set[str]:
    """Colours on screen, of letters and behind them."""
    screen = app.screen
    found: set[str] = set()
    for strip in screen._compositor.render_strips(screen.size):
        for segment in strip:
            for colour in (segment.style.color, segment.style.bgcolor) if segment.style else ():
                if colour is not None and not colour.is_default:
                    found.add(colour.name)
    return found


@pytest.mark.parametrize("keys", [(), ("R",), ("l",)])
async def test_no_colour_means_none(
    keys: tuple[str, ...], failed: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{failed.root}/none.sock")
    async with Driver.open(failed, size=(100, 30), now=NOON) as screen:
        await screen.press(*keys)
        filtered = screen.app.get_line_filters()
        assert filtered, "nothing takes colours away"
        assert "failed" in screen.text


async def test_the_theme_of_sixteen_colours_names_only_those(
    failed: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLTUI_THEME", "ansi")
    async with Driver.open(failed, size=(100, 30), now=NOON) as screen:
        for keys in ((), ("R",), ("escape", "question_mark")):
            await screen.press(*keys)
            found = colours(screen.app)
            assert not [name for name in found if name.startswith("#")], found
