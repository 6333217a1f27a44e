"""What the screens look like, at the smallest terminal and at a wide one, with the clock stopped.

Few on purpose: behaviour is asserted as text in the stories; these hold the layout and the colours.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from mltui.app.app import MltuiApp
from mltui.app.session import Session
from mltui.runs.project import Project

from .seed import NOON

SIZES = [(80, 24), (160, 50)]
MORE_SIZES = [(120, 40), (200, 60)]
MAIN = ("running", "failed", "build")
"""Screens that are looked at in every size."""
SCREENS = {
    "running": ("running", ()),
    "failed": ("failed", ()),
    "paused": ("paused", ("g",)),
    "runs": ("failed", ("R",)),
    "build": ("broken", ("b",)),
    "help": ("failed", ("question_mark",)),
    "fresh": ("fresh", ()),
    "wrong": ("wrong", ()),
}

Compare = Callable[..., bool]


def _sized(name: str, size: tuple[int, int]) -> object:
    return pytest.param(name, size, id=f"{name}-{size[0]}x{size[1]}")


@pytest.mark.parametrize(
    ("name", "size"),
    [
        *(_sized(name, size) for name in SCREENS for size in SIZES),
        *(_sized(name, size) for name in MAIN for size in MORE_SIZES),
    ],
)
def test_screen(
    name: str, size: tuple[int, int], snap_compare: Compare, request: pytest.FixtureRequest
) -> None:
    fixture, keys = SCREENS[name]
    _same(snap_compare, request.getfixturevalue(fixture), size, keys)


@pytest.mark.parametrize("theme", ["mltui-light", "high-contrast", "colour-blind-safe", "ansi"])
def test_theme(
    theme: str, failed: Project, snap_compare: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLTUI_THEME", theme)
    _same(snap_compare, failed, (80, 24))


ANYWHERE = {"runs": ("failed", ("R",)), "build": ("broken", ("b",)), "gate": ("paused", ("g",))}


@pytest.mark.parametrize("name", list(ANYWHERE))
@pytest.mark.parametrize("look", ["light", "ascii"])
def test_main_screens_in_light_and_without_unicode(
    look: str,
    name: str,
    snap_compare: Compare,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(*(("LC_ALL", "C") if look == "ascii" else ("MLTUI_THEME", "mltui-light")))
    fixture, keys = ANYWHERE[name]
    _same(snap_compare, request.getfixturevalue(fixture), (80, 24), keys)


def test_no_colour(failed: Project, snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    _same(snap_compare, failed, (80, 24))


def test_ascii(running: Project, snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    _same(snap_compare, running, (80, 24), ("g",))


@pytest.mark.parametrize("size", [(80, 24), (160, 50)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_triage(
    snap_compare: Compare,
    failed: Project,
    size: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    _same(snap_compare, failed, size, ("t",))


def _same(
    snap_compare: Compare, project: Project, size: tuple[int, int], keys: tuple[str, ...] = ()
) -> None:
    """Open the app, press the keys, compare; an app that never came up is no equal picture."""
    seen: list[bool] = []
    session = Session(project, now=lambda: NOON)
    session.open()

    async def run_before(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, MltuiApp)
        await _settle(app, pilot)
        if keys:
            await pilot.press(*keys)
            await _settle(app, pilot)
        seen.append(True)

    is_same = snap_compare(MltuiApp(session), terminal_size=size, run_before=run_before)
    session.close()
    assert seen, "the app did not come up"
    assert is_same


async def _settle(app: MltuiApp, pilot: Pilot[Any]) -> None:
    until = time.monotonic() + 20
    quiet = 0
    while quiet < 3:
        await pilot.pause()
        quiet = 0 if app.busy or _log_is_behind(app) else quiet + 1
        await asyncio.sleep(0.01)
        assert time.monotonic() < until


def _log_is_behind(app: MltuiApp) -> bool:
    detail = app.workbench.detail
    pane = detail.log_tab.log_pane
    return (
        detail.tab == "log"
        and pane.display
        and pane.index is not None
        and pane.status.line_count == 0
    )
