"""A build with steps: how far it is, a line for each step, and why it failed, with its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mltui.app.present.line import EMPTY, Line, Part, line, wrapped
from mltui.app.present.moment import Moment
from mltui.logs.sanitize import safe
from mltui.text.format import format_bytes, format_clock, format_duration
from mltui.text.glyphs import glyph
from mltui.text.width import cell_width

if TYPE_CHECKING:
    from mltui.actions.buildtree import BuildStep, BuildTree, Fault, Waiting

LARGE_CONTEXT_BYTES = 50_000_000
"""A context of this size without a `.dockerignore` is pointed out."""
_SLOW_S = 1.0
"""The builder's own work is shown when it takes longer."""
_MARKS = {
    "pending": ("pending", "state-pending"),
    "running": ("running", "state-running"),
    "cached": ("cached", "state-cached"),
    "done": ("succeeded", "state-succeeded"),
    "failed": ("failed", "state-failed"),
}


@dataclass(frozen=True, slots=True)
class Steps:
    """What is known of a build with steps."""

    tree: BuildTree
    waiting: tuple[Waiting, ...] = ()
    last: Mapping[str, float] = field(default_factory=dict)
    """How long a step took when it last ran."""
    requirement: str = ""
    """The text of the requirements line that is at fault."""
    output: tuple[str, ...] = ()
    """The last lines that the build wrote."""


@dataclass(frozen=True, slots=True)
class _Row:
    number: int
    step: BuildStep | None
    text: str


def progress(found: Steps) -> list[Part]:
    """`step 6 of 9`, `context 4.1 MB`, `3 cached · 2 ran`: what stands beside the state."""
    tree = found.tree
    rows = _rows(found)
    parts: list[Part] = []
    current = tree.current
    at = next((row.number for row in rows if row.step is current), None) if current else None
    if at is not None:
        parts.append((f"step {at} of {len(rows)}", ""))
    elif rows:
        parts.append((f"{len(rows)} step{'s' * (len(rows) != 1)}", "dim"))
    cached = sum(row.step is not None and row.step.state.value == "cached" for row in rows)
    ran = sum(row.step is not None and row.step.state.value in ("done", "failed") for row in rows)
    if rows:
        parts.append((f"{cached} cached, {ran} ran", "dim"))
    if tree.context_bytes is not None:
        parts.append((f"context {format_bytes(tree.context_bytes)}", "dim"))
    if tree.size_bytes is not None:
        parts.append((f"image {format_bytes(tree.size_bytes)}", "dim"))
    return parts


def notes(tree: BuildTree, width: int) -> list[Line]:
    """What the person should know of the builder and the context."""
    large = (tree.context_bytes or 0) >= LARGE_CONTEXT_BYTES and tree.has_ignore is False
    found: list[Line] = []
    if large:
        size = format_bytes(tree.context_bytes)
        text = f"the context is {size}: a .dockerignore leaves out what the image does not need"
        found += wrapped(text, width - 1, "state-warning", "   ")
    if tree.note and not (large and ".dockerignore" in tree.note):
        found += wrapped(tree.note, width - 1, "dim", "   ")
    return found


def step_lines(found: Steps, width: int, moment: Moment) -> list[Line]:
    """A line for each instruction, and for the builder's own work where it takes time."""
    rows = _rows(found)
    digits = len(str(max((row.number for row in rows), default=1)))
    groups = {row.step.group for row in rows if row.step is not None and row.step.group}
    lines: list[Line] = []
    group = ""
    for row in rows:
        if row.step is None:
            shape = glyph("pending", unicode=moment.unicode)
            lines.append(line((f"   {shape} {row.number:>{digits}} {row.text}", "state-pending")))
            continue
        if len(groups) > 1 and row.step.group and row.step.group != group:
            group = row.step.group
            lines.append(line((f"   {plain_of(group)}", "section")))
        lines.append(_step(row.step, f"{row.number:>{digits}}", found.last, moment))
        if row.step.state.value == "running" and row.step.output:
            lines.append(line((f"     {' ' * digits} {plain_of(row.step.output)}", "dim")))
    for step in found.tree.steps:
        if not step.line and _is_telling(step, moment):
            lines.append(_step(step, " " * digits, found.last, moment))
    return lines


def fault_lines(found: Steps, width: int, room: int) -> list[Line]:
    """Why it failed: the line of the Dockerfile among its neighbours, the reason, last output."""
    fault = found.tree.fault
    lines: list[Line] = []
    if fault is not None:
        lines += _place(fault)
        lines += wrapped(plain_of(fault.message), width - 1, "state-failed", "   ")
        if fault.requirement_file:
            at = f"   {fault.requirement_file}:{fault.requirement_line}"
            lines.append(line((at, "accent"), f"   {plain_of(found.requirement)}"))
    message = fault.message if fault is not None else ""
    tail = [text for text in found.output if text.strip() and text.strip() != message]
    keep = min(max(room - len(lines) - 2, 3), 12)
    if tail:
        lines += [EMPTY, line((" Last output", "section"))]
        lines += [line((f"   {text}", "dim")) for text in tail[-keep:]]
    return lines


def place_of(fault: Fault | None) -> tuple[str, int] | None:
    """Where to edit: the requirement that can't be had, else the line of the Dockerfile."""
    if fault is None:
        return None
    if fault.requirement_file:
        return fault.requirement_file, max(fault.requirement_line, 1)
    return (fault.file, fault.line) if fault.file and fault.line else None


def plain_of(text: str) -> str:
    """Other people's text on one line, safe for the terminal."""
    return safe(text.replace("\t", "  "))


def _rows(found: Steps) -> list[_Row]:
    """The Dockerfile's instructions in its order, numbered."""
    placed = sorted((step for step in found.tree.steps if step.line), key=lambda step: step.line)
    merged: list[tuple[int, BuildStep | None, str]] = [
        (step.line, step, plain_of(step.name)) for step in placed
    ]
    if found.tree.image == "":
        merged += [(each.line, None, plain_of(each.text)) for each in found.waiting]
    merged.sort(key=lambda each: each[0])
    return [_Row(number, step, text) for number, (_, step, text) in enumerate(merged, 1)]


def _is_telling(step: BuildStep, moment: Moment) -> bool:
    if step.state.value in ("failed", "running"):
        return True
    return (step.duration_s or 0.0) >= _SLOW_S and not step.name.startswith("LABEL mltui.")


def _step(step: BuildStep, number: str, last: Mapping[str, float], moment: Moment) -> Line:
    state = step.state.value
    name, role = _MARKS.get(state, ("unknown", "state-unknown"))
    quiet = "dim" if state in ("cached", "pending") or not step.line else ""
    parts: list[Part] = [
        (f"   {glyph(name, unicode=moment.unicode)} ", role),
        (f"{number} ", "dim"),
        (plain_of(step.name), "state-failed" if state == "failed" else quiet),
    ]
    right: list[Part] = []
    if state == "cached":
        took = last.get(step.name)
        if took is not None and took >= _SLOW_S:
            right.append((f"({format_duration(took)} last time) ", "dim"))
    elif state == "running" and step.started_at is not None:
        about = last.get(step.name)
        if about is not None and about >= _SLOW_S:
            right.append((f"about {format_duration(about)} ", "dim"))
        right.append((f"{format_clock(moment.now - step.started_at)} ", "state-running"))
    elif step.duration_s is not None:
        role = "state-failed" if state == "failed" else "dim"
        right.append((f"{format_duration(step.duration_s)} ", role))
    return Line(tuple(parts), tuple(right))


def _place(fault: Fault) -> list[Line]:
    if not fault.line:
        return []
    lines = [line((f"   {fault.file}:{fault.line}", "accent"))]
    for text in fault.excerpt:
        number, bar, rest = plain_of(text).partition("|")
        is_meant = rest.startswith(" >>>")
        body = rest[4:] if is_meant else rest.removeprefix("    ")
        pointer = ">" if is_meant else " "
        lines.append(
            line((f"   {pointer}{number}{bar}", "dim"), (body, "strong" if is_meant else "dim"))
        )
    return lines


def fit_parts(first: Sequence[Part], rest: Sequence[Part], width: int) -> list[Line]:
    """Words beside each other, on as many lines as they need."""
    lines: list[Line] = []
    parts = list(first)
    used = sum(cell_width(text) for text, _ in parts)
    for text, role in rest:
        size = cell_width(text) + 3
        if parts and used + size > width:
            lines.append(Line(tuple(parts)))
            parts, used = [], 0
        parts += [("   ", ""), (text, role)]
        used += size
    lines.append(Line(tuple(parts)))
    return lines
