"""The state before a build's failed step: where a person stands to see why it fails.

Neither builder keeps the container of a step that failed. What came before it is in the builder's
cache; so the Dockerfile is built again as far as the line before, which takes a moment, and is the
very state that the step began with. Called by `environments` and `shell`.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from mltui.engines.docker import dockerfile
from mltui.engines.docker.dockerfile import Dockerfile, Instruction, substitute
from mltui.errors import StartFailed

TAG = "before-failed-step"
"""Tag of such an image, one for an environment: it keeps the cached steps that it is made of."""


@dataclass(frozen=True, slots=True)
class Before:
    """The state before a step."""

    image: str
    instruction: Instruction
    place: str
    """`images/prep/Dockerfile:9`."""
    args: Mapping[str, str]
    """Build arguments that the step sees as variables."""
    is_same: bool
    """The environment's files are those of the build that failed."""


def cut(whole: Dockerfile, line: int, shown: str) -> tuple[Dockerfile, Instruction]:
    """The Dockerfile up to the instruction of a line, and that one.

    StartFailed when there is nothing before it.
    """
    failed = next((each for each in whole.instructions if each.line == line), None)
    if failed is None:
        raise StartFailed(
            f"{shown} has no instruction in line {line} any more: it was changed since"
        )
    if failed.keyword == "FROM" or failed.stage < 0:
        raise StartFailed(f"nothing comes before {shown}:{line}: {failed.keyword} {failed.text}")
    return dockerfile.parse("\n".join(whole.text.splitlines()[: line - 1]) + "\n"), failed


def arguments(before: Dockerfile, given: Mapping[str, str]) -> dict[str, str]:
    """Build arguments that are declared in the last stage, with their values."""
    top: dict[str, str] = {}
    last: dict[str, str] = {}
    for each in before.instructions:
        if each.keyword != "ARG" or each.stage not in (-1, len(before.stages) - 1):
            continue
        found = top if each.stage < 0 else last
        for word in each.words:
            name, is_set, default = word.partition("=")
            value = given.get(name)
            if value is None and is_set:
                value = substitute(default.strip("\"'"), {**top, **last})
            if value is None and each.stage >= 0:
                value = top.get(name)
            if value is not None:
                found[name] = value
    return last


def again(step: Instruction, shell: tuple[str, ...]) -> str | None:
    """The step as a line for a shell; None: it is no command, or not in one line."""
    if step.keyword != "RUN":
        return None
    text = step.text
    for name, value in step.flags.items():
        text = text.removeprefix(f"--{name}={value}" if value else f"--{name}").lstrip()
    if text.startswith("["):
        try:
            words = json.loads(text)
        except ValueError:
            words = None
        if isinstance(words, list) and all(isinstance(word, str) for word in words):
            return shlex.join(words)
    if "<<" in text:
        return None
    return shlex.join((*shell, text))


def notes(before: Before, has_again: bool) -> list[str]:
    """What the person should know of the place, a sentence each."""
    step = before.instruction
    said = [f"the state before {before.place}: {step.keyword} {step.text}"]
    said.append(
        "made again from the builder's cache: what the failed step itself left is not in it"
    )
    if not before.is_same:
        said.append("its files changed since that build: this is what they make now")
    if step.keyword in ("COPY", "ADD"):
        said.append(f"{step.keyword} takes from the build's context, which is not in here")
    if step.flags.get("mount"):
        said.append("what the step gets by --mount is not in here")
    if has_again:
        said.append("`again` does what the step does")
    return said
