"""Whatever stands in the files that a person writes for the screen: read, or told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltui.app import config, theming
from mltui.app.config import SETTINGS

ROOT = Path(__file__).parents[2]
THEME = (ROOT / "themes" / "mltui-dark.yaml").read_text(encoding="utf-8").split("\n")
VALUES = (
    "", "x", "true", "1", "[]", "{}", "[a, b]", "{a: b}", "{a: {b: c}}", "2024-13-45", "!!int x",
    "!!bool x", "!!timestamp x", "!!binary x", "&a [*a]", "&a {a: *a}", "[" * 2000, "1e999", "~",
    "'\\0'", '"\\ud800"', "{? [a] : b}", "*a", "0o9", "0x", "1_0", "190:20:30", "!!python/object:x",
    "{places: kind/*, list: pods}", "{production: true, read_only: maybe}", "#6cb6ff", "'#12'",
    "rgb(999,1,1)", "hsl(1,200%,x%)", "ansi_blue", "auto 50%", "red 999%", "\x1b[2J", "9" * 5000,
)  # fmt: skip
KEYS = [*(each.name for each in SETTINGS), "themes", "", "x y", "? a", "- a", "<<", "&a b", "a: b"]
LINES = st.lists(
    st.tuples(
        st.sampled_from(["", "", "  ", "\t"]), st.sampled_from(KEYS), st.sampled_from(VALUES)
    ),
    max_size=6,
).map(lambda lines: "\n".join(f"{space}{key}: {value}" for space, key, value in lines))


@given(LINES | st.text(max_size=40))
def test_any_config_file(text: str) -> None:
    found = config.parse(text, Path("config.yaml"))
    for each in found.problems:
        assert each.message and 0 <= each.line <= text.count("\n") + 2
    for setting in SETTINGS:
        found.get(setting.name)
    config.sources(found, {}, None)


@given(st.data())
def test_any_theme_file(data: st.DataObject) -> None:
    lines = list(THEME)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        key, _, _ = lines[at].partition(":")
        lines[at] = data.draw(
            st.sampled_from([f"{key}: {value}" for value in VALUES]) | st.text(max_size=20)
        )
    try:
        theming.parse("\n".join(lines))
    except theming._Wrong as wrong:
        assert wrong.message and 1 <= wrong.line <= len("\n".join(lines).splitlines())


def test_a_value_that_is_no_date_is_told() -> None:
    (said,) = config.parse("theme: 2024-13-45\n", Path("config.yaml")).problems
    assert "month" in said.message


@pytest.mark.parametrize("text", ["theme: &a [*a]", "theme: {? [a] : b}", "keys: " + "[" * 2000])
def test_odd_yaml_is_told(text: str) -> None:
    assert config.parse(text, Path("config.yaml")).problems
