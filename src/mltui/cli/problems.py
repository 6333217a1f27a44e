"""Faults of a project file as a person reads them: the place, the line, a caret, what to write.

`mltui validate` and every error message about `mltui.yaml` call this.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mltui.cli.output import paint
from mltui.errors import Problem
from mltui.text import cell_width


def render(
    problems: Sequence[Problem], text: str | None, *, colour: bool, snippets: bool = True
) -> list[str]:
    """Lines that say each problem. `text` is the file's, None to read it from its name."""
    lines: list[str] = []
    for problem in problems:
        place = problem.file
        if problem.line:
            place += f":{problem.line}:{problem.column}"
        lines.append(f"{paint(place, 'bold') if colour else place}: {problem.message}")
        if snippets and problem.line:
            lines += _snippet(problem, text, colour)
        if problem.hint:
            lines.append(f"    {problem.hint}")
    return lines


def _snippet(problem: Problem, text: str | None, colour: bool) -> list[str]:
    source = _line(problem, text)
    if source is None or not source.strip():
        return []
    shown = source.replace("\t", " ").rstrip()
    shown = "".join(char if char.isprintable() else "·" for char in shown)
    before = cell_width(shown[: problem.column - 1])
    start = max(0, before - 60) if len(shown) > 100 else 0
    shown, before = shown[start : start + 100], before - start
    caret = " " * before + "^"
    return [f"    {shown}", f"    {paint(caret, 'bad') if colour else caret}"]


def _line(problem: Problem, text: str | None) -> str | None:
    if text is None:
        try:
            text = _find(problem.file).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
    lines = text.split("\n")
    return lines[problem.line - 1] if problem.line <= len(lines) else None


def _find(name: str) -> Path:
    """The file, also when the name is relative to a project that we are inside of."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / name).is_file():
            return folder / name
    return here / name
