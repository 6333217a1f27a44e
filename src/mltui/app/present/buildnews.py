"""What changed since the last good build, and how large each layer is: parts of the Build page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mltui.app.present.buildtree import plain_of
from mltui.app.present.line import EMPTY, Line, line, wrapped
from mltui.text.format import format_bytes, format_duration
from mltui.text.width import shorten_end

if TYPE_CHECKING:
    from mltui.actions.buildtree import BuildStep, BuildTree

_BAR = 12
_CHANGES = 12


@dataclass(frozen=True, slots=True)
class News:
    """A build beside the last good one before it."""

    before: str
    """That one's id."""
    changes: tuple[str, ...] = ()


def news_of(
    before: BuildTree | None,
    after: BuildTree | None,
    packages: Sequence[tuple[str, str | None, str | None]] = (),
) -> tuple[str, ...]:
    """What differs, a phrase each: instructions, what they copy, what was installed, sizes.

    packages: (name, from, to) of what is installed.
    """
    found: list[str] = []
    if before is not None and after is not None:
        found += _instructions(before, after)
    found += [f"{name} {old or 'none'} → {new or 'none'}" for name, old, new in packages]
    if before is not None and after is not None:
        for what, old_size, new_size in (
            ("context", before.context_bytes, after.context_bytes),
            ("image", before.size_bytes, after.size_bytes),
        ):
            if old_size and new_size and abs(new_size - old_size) * 100 >= old_size:
                found.append(f"{what} {format_bytes(old_size)} → {format_bytes(new_size)}")
    return tuple(found)


def _instructions(before: BuildTree, after: BuildTree) -> list[str]:
    """Instructions that came and went; else the first that ran although it reads the same."""
    old, new = _placed(before), _placed(after)
    gone = [step.name for step in old if step.name not in {each.name for each in new}]
    came = [step for step in new if step.name not in {each.name for each in old}]
    if after.image == "":  # it broke off: what comes later is not gone
        gone = gone[: len(came)]
    found = [f"+ {step.name}" for step in came] + [f"− {name}" for name in gone]
    first = next((step for step in new if step.state.value in ("done", "failed", "running")), None)
    if found or first is None or first.name[:5].upper() == "FROM ":
        return found
    if first.name[:5].upper().startswith(("COPY ", "ADD ")):
        return [f"the files of `{first.name}` changed"]
    return [f"`{first.name}` ran again: its base or its arguments changed, or the cache was gone"]


def _placed(tree: BuildTree) -> list[BuildStep]:
    return sorted((step for step in tree.steps if step.line), key=lambda step: step.line)


def news_lines(news: News | None, took: tuple[float, float] | None, width: int) -> list[Line]:
    """The section. `took`: seconds of the one before and of this one."""
    if news is None:
        return []
    changes = list(news.changes) or ["nothing in its instructions"]
    if took is not None:
        changes.append(f"time {format_duration(took[0])} → {format_duration(took[1])}")
    lines = [EMPTY, line((f" Since {plain_of(news.before)}, the last good build", "section"))]
    lines += [
        line(f"   {shorten_end(plain_of(text), max(width - 4, 10))}") for text in changes[:_CHANGES]
    ]
    if len(changes) > _CHANGES:
        lines.append(line((f"   and {len(changes) - _CHANGES} more", "dim")))
    return lines


def suspect_lines(news: News | None, width: int) -> list[Line]:
    """In a line or two, what a failure may come from: what changed since it last went well."""
    if news is None or not news.changes:
        return []
    shown = ", ".join(map(plain_of, news.changes[:3]))
    text = f"since {plain_of(news.before)} went well: {shown}"
    return wrapped(text, width - 1, "state-warning", "   ")[:3]


def layer_lines(tree: BuildTree, width: int, *, unicode: bool) -> list[Line]:
    """The image's layers with their sizes, from its base up."""
    if not tree.layers:
        return []
    largest = max(layer.size_bytes for layer in tree.layers) or 1
    total = sum(layer.size_bytes for layer in tree.layers)
    title = f" {len(tree.layers)} layer{'s' * (len(tree.layers) != 1)}, {format_bytes(total)}"
    lines = [EMPTY, line((title, "section"))]
    block = "█" if unicode else "#"
    for layer in tree.layers:
        bar = block * max(round(_BAR * layer.size_bytes / largest), 1)
        head = f"   {format_bytes(layer.size_bytes):>8} "
        said = shorten_end(plain_of(layer.created_by), max(width - 26, 10))
        lines.append(line(head, (f"{bar:<{_BAR}}", "accent"), (f"  {said}", "dim")))
    return lines
