from __future__ import annotations

import pytest
from rich.style import Style
from textual.app import App, ComposeResult
from textual.theme import Theme

from mltui.app.widgets.grid import Grid
from mltui.app.widgets.logpane import LogPane
from mltui.app.widgets.roles import ROLES, parse_look
from mltui.live.cells import Cell, Column
from mltui.text import MARKS


def test_every_mark_has_a_role() -> None:
    assert {mark.role for mark in MARKS.values()} <= ROLES.keys()


@pytest.mark.parametrize(
    ("look", "style"),
    [
        ("#ff6b6b", Style.parse("#ff6b6b")),
        ("ansi_red", Style.parse("color(1)")),
        ("bold #ff6b6b on #112233", Style.parse("bold #ff6b6b on #112233")),
        ("dim", Style.parse("dim")),
        ("none", Style()),
        ("auto 60%", Style.parse("#999999")),
        ("on #ffffff 50%", Style.parse("on #7f7f7f")),
        ("50%", None),
        ("nonsense", None),
    ],
)
def test_a_theme_says_how_a_role_looks(look: str, style: Style | None) -> None:
    assert parse_look(look) == style


class Tiny(App[None]):
    def compose(self) -> ComposeResult:
        yield Grid([Column("state", "STATE", lambda role: Cell(role, role), width=20)])
        yield LogPane()


async def test_a_theme_overrides_a_role_and_every_theme_has_all_of_them() -> None:
    app = Tiny()
    app.register_theme(
        Theme("ours", primary="#0000ff", variables={"state-failed": "bold #00ff00 on #000080"})
    )
    async with app.run_test(size=(40, 60)) as pilot:
        grid = app.query_one(Grid)
        grid.set_rows(list(ROLES), key=str)
        for theme in ("textual-light", "ansi-dark", "nord", "ours"):
            app.theme = theme
            await pilot.pause()
            lines = [grid.render_line(y).text for y in range(1, 20)]
            assert all(line.strip() for line in lines)
        line = grid.render_line(1 + list(ROLES).index("state-failed"))
        style = next(segment.style for segment in line if "state-failed" in segment.text)
        assert style is not None
        assert style.bold
        assert style.color is not None
        assert style.color.name == "#00ff00"


async def test_sixteen_colours_have_dim_text_and_the_terminals_background() -> None:
    app = Tiny()
    async with app.run_test(size=(40, 60)) as pilot:
        app.theme = "ansi-dark"
        grid = app.query_one(Grid)
        grid.set_rows(list(ROLES), key=str)
        await pilot.pause()
        line = grid.render_line(1 + list(ROLES).index("state-cached"))
        style = next(segment.style for segment in line if "state-cached" in segment.text)
        assert style is not None
        assert style.dim
        assert style.bgcolor is None or style.bgcolor.is_default
