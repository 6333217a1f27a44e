"""A build's steps as a screen may know them: read from the file beside its log, and followed.

Called by the app in threads, which imports no engine: the model is Docker's (its `steps` module)
and is imported when a build that has steps is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mltui.engines.docker.steps import BuildStep, BuildTree, Fault, Folding

    __all__ = ["BuildStep", "BuildTree", "Fault", "StepsFile", "Waiting", "durations", "waiting"]

FILE = "steps.jsonl"
_BUILDKIT = frozenset(("FROM", "RUN", "COPY", "ADD", "WORKDIR"))
"""Instructions of which BuildKit makes steps; the classic builder makes one of each."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An instruction of the Dockerfile whose step was not met yet."""

    line: int
    text: str


class StepsFile:
    """The steps of one build; each reading takes only what was added since the last."""

    def __init__(self, log: Path) -> None:
        self.file = log.parent / FILE
        self._at = 0
        self._rest = b""
        self._folding: Folding | None = None

    def read(self) -> BuildTree | None:
        """The build as it is now; None when it has no steps (a virtual environment)."""
        try:
            with self.file.open("rb") as file:
                file.seek(self._at)
                data = file.read()
        except OSError:
            return self._folding.tree if self._folding is not None else None
        if self._folding is None:
            from mltui.engines.docker.steps import Folding

            self._folding = Folding()
        self._at += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for each in lines:
            self._folding.feed(each)
        return self._folding.tree


def waiting(tree: BuildTree, root: Path, began: float) -> tuple[Waiting, ...]:
    """Instructions that come after those that were met.

    Empty when the Dockerfile is made by mltui, is gone, or was changed since the build began.
    """
    met = {step.line for step in tree.steps if step.line}
    shown = next((step.file for step in tree.steps if step.line), "")
    if not shown:
        return ()
    file = root / shown
    try:  # a bundle's steps are somebody else's
        is_ours = file.is_file() and file.resolve().is_relative_to(root.resolve())
        if not is_ours or file.stat().st_mtime > began:
            return ()
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ()
    from mltui.engines.docker.dockerfile import parse

    read = parse(text)
    started = {each.stage for each in read.instructions if each.line in met}
    last = len(read.stages) - 1
    return tuple(
        Waiting(each.line, f"{each.keyword} {each.text}")
        for each in read.instructions
        if each.line not in met
        and each.stage >= 0
        and (tree.builder != "buildx" or each.keyword in _BUILDKIT)
        and (each.stage in started or each.stage == last)
    )


def durations(trees: list[BuildTree]) -> Mapping[str, float]:
    """How long each step took when it last ran, by what it does; builds newest first."""
    found: dict[str, float] = {}
    for tree in trees:
        for step in tree.steps:
            took = step.duration_s
            if step.state.value == "done" and took is not None and step.name not in found:
                found[step.name] = took
    return found
