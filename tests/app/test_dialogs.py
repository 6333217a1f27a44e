"""Every dialog in any terminal: its answers are on the screen, nothing is cut, the rest scrolls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.screen import ModalScreen

from mltui.actions.context import Question
from mltui.app.dialogs.asking import DifferenceDialog, PickDialog
from mltui.app.dialogs.asking import TextDialog as AskDialog
from mltui.app.dialogs.columns import ColumnsDialog
from mltui.app.dialogs.confirm import ConfirmDialog
from mltui.app.dialogs.run import RunDialog
from mltui.app.dialogs.sheet import Sheet
from mltui.app.dialogs.text import TextDialog
from mltui.app.present.line import wrapped
from mltui.live.cells import Column
from mltui.runs.project import Project

from .driver import Driver

LONG = " ".join(f"word{n}" for n in range(30)) + " END-OF-IT"
DETAIL = tuple(f"+ line {n} {'x' * 90} END-{n}" for n in range(40))
QUESTION = Question(f"Do it? {LONG}", "Do it now", "Leave all")
COLUMNS = [
    Column[Any](f"key{n}", f"TITLE{n}", str, help=f"{LONG[:90]} HELP-{n}" if n % 3 else "")
    for n in range(12)
]

DIALOGS: dict[str, tuple[Callable[[], ModalScreen[Any]], tuple[str, ...], str]] = {
    "confirm": (
        lambda: ConfirmDialog(Question(QUESTION.sentence, "Do it now", "Leave all", DETAIL)),
        ("Do it now", "Leave all"),
        "END-39",
    ),
    "difference": (
        lambda: DifferenceDialog(QUESTION, DETAIL), ("Do it now", "Leave all"), "END-39"
    ),
    "run": (
        lambda: RunDialog("Run it?", lambda width: (wrapped(LONG * 9, width), True)),
        ("Start the run", "Leave it"),
        "END-OF-IT",
    ),
    "pick": (lambda: PickDialog("Which?", [f"number {n}." for n in range(40)]), (), "number 39."),
    "ask": (lambda: AskDialog(LONG, "what was"), ("what was",), "END-OF-IT"),
    "text": (lambda: TextDialog("a pod", "\n".join(DETAIL)), ("Esc closes",), "END-39"),
    "columns": (lambda: ColumnsDialog(COLUMNS, ()), ("Columns:",), "HELP-11"),
}  # fmt: skip


LISTS = {"pick": "Which?", "columns": "TITLE0"}
"""Those in which a line is chosen, and what stands at their beginning."""


@pytest.mark.parametrize("name", DIALOGS)
async def test_a_dialog_fits_whatever_the_terminals_size_becomes(name: str, fresh: Project) -> None:
    make, always, last = DIALOGS[name]
    async with Driver.open(fresh, size=(80, 24)) as screen:
        screen.app.push_screen(make())
        await screen.until(lambda: isinstance(screen.app.screen, ModalScreen), "the dialog")
        for size in ((80, 24), (60, 14), (160, 50), (80, 24)):
            await screen.resize(*size)
            await screen.until(lambda: is_laid_out(screen), f"its size in {size}")
            box = screen.app.screen.query_one(".dialog").region
            assert box.bottom <= size[1] and box.right <= size[0], screen.text
            for text in always:
                assert text in screen.text, f"{text} at {size}:\n{screen.text}"
            inside = [line[box.x : box.right] for line in screen.lines[box.y : box.bottom]]
            assert "…" not in "".join(inside)
            for _ in range(60):
                if last in screen.text:
                    break
                await screen.press("end" if name in LISTS else "pagedown")
            assert last in screen.text, f"{last} at {size}:\n{screen.text}"
            if name in LISTS:
                await screen.press("home")
                assert LISTS[name] in screen.text
        assert isinstance(screen.app.screen, ModalScreen), "none of these keys is an answer"


def is_laid_out(screen: Driver) -> bool:
    """Every sheet is as wide and as high as it was told to be."""
    sheets = screen.app.screen.query(Sheet)
    return all(
        each.styles.height is not None and each.size.height == each.styles.height.value
        for each in sheets
    )
