"""The Build pane: the environment a stage runs in, how it was made, and what is in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mltui.app.present.buildnews import News, layer_lines, news_lines, suspect_lines
from mltui.app.present.buildtree import (
    Steps,
    fault_lines,
    fit_parts,
    notes,
    plain_of,
    progress,
    step_lines,
)
from mltui.app.present.line import EMPTY, Line, Part, line, wrapped
from mltui.app.present.moment import Moment, when
from mltui.pipeline.rows import State
from mltui.runs.containers import Container
from mltui.runs.rows import BuildRow
from mltui.text.format import format_bytes, format_clock, format_duration
from mltui.text.glyphs import mark
from mltui.text.width import fit

PACKAGES = 400


@dataclass(frozen=True, slots=True)
class Environed:
    """What is known of an environment."""

    name: str | None
    """None: the stage has no environment."""
    declared: tuple[tuple[str, str], ...] = ()
    build: BuildRow | None = None
    log: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    reason: str = ""
    steps: Steps | None = None
    """What was done step by step, where the builder says so."""
    news: News | None = None
    """What is different from the last good build before it."""
    before_s: float | None = None
    """How long that one took."""
    container: Container | None = None
    """What the stage runs in, or ran in."""
    is_used: bool = False
    """The stage has begun in it, so it is there, whoever built it."""


def build_lines(found: Environed, width: int, moment: Moment, height: int = 40) -> list[Line]:
    """The pane; in `height` lines what failed is in sight."""
    if found.name is None:
        return [
            line((" No environment", "strong")),
            line((" It runs with the programs on your PATH; they are not part of its key", "dim")),
        ]
    if found.steps is not None and found.build is not None:
        return _with_steps(found, found.build, found.steps, width, height, moment)
    lines = [line((f" {found.name}", "strong"))]
    lines += [line((f"   {fit(name, 13)}", "dim"), value) for name, value in found.declared]
    if found.reason:
        lines += wrapped(found.reason, width - 1, "state-warning", "   ")
    lines += _contained(found.container, width)
    build = found.build
    if build is None:
        lines.append(EMPTY)
        if not found.packages and not found.is_used:
            why = "Not built yet: it is made when a stage first needs it"
            return [*lines, *wrapped(why, width - 1, "dim", " ")]
        why = "Taken as it was: another project or checkout had built the same"
        return [*lines, *wrapped(why, width - 1, "dim", " "), *_packages(found, width)]
    lines += [EMPTY, line((" ", ""), *_state(build, moment))]
    if build.reason:
        lines += wrapped(build.reason, width - 1, "state-failed", "   ")
    if build.state in (State.FAILED, State.RUNNING, State.BUILDING) or not found.packages:
        lines += _tail(found.log)
    return [*lines, *_packages(found, width)]


def _packages(found: Environed, width: int) -> list[Line]:
    """What is installed; remarks of the list (its interpreter) are not packages."""
    names = [text for text in found.packages if not text.startswith("#")]
    if not found.packages:
        return []
    count = "1 package" if len(names) == 1 else f"{len(names)} packages"
    lines = [EMPTY, line((f" {count}", "section"))]
    lines += [
        line((f"   {text.lstrip('# ')}", "dim")) for text in found.packages if text.startswith("#")
    ]
    return lines + (_columns(names[:PACKAGES], width) if names else [])


def _state(build: BuildRow, moment: Moment) -> list[Part]:
    """`✓ built in 41s, today 14:02  docker`."""
    shape = mark("succeeded" if build.state.is_done else build.state.value)
    word = "built" if build.state.is_done else build.state.value
    urgent = "" if build.state.is_done else shape.role
    parts: list[Part] = [
        (f"{shape.text(unicode=moment.unicode)[0]} ", shape.role),
        (word, urgent),
    ]
    if build.ended_at is not None:
        parts.append((f" in {format_duration(build.ended_at - build.started_at)}", ""))
        parts.append((f", {when(build.ended_at, moment.now)}", "dim"))
    else:
        parts.append((f" {format_clock(moment.now - build.started_at)}", "state-running"))
    parts.append((f"  {build.engine}", "dim"))
    return parts


def _contained(found: Container | None, width: int, *, with_image: bool = True) -> list[Line]:
    """`container 82259029f430   started in 0.4s   image 341 MB`."""
    if found is None:
        return []
    parts: list[Part] = []
    if found.start_s is not None:
        parts.append((f"started in {format_duration(found.start_s)}", ""))
    if found.image_bytes is not None and with_image:
        parts.append((f"image {format_bytes(found.image_bytes)}", ""))
    return fit_parts([(f"   container {found.id[:12]}", "dim")], parts, width)


def _with_steps(
    found: Environed, build: BuildRow, steps: Steps, width: int, height: int, moment: Moment
) -> list[Line]:
    """A build that says its steps; what failed comes first where there is no room for all."""
    tree = steps.tree
    head: list[Part] = [(f" {found.name}", "strong"), ("   ", ""), *_state(build, moment)]
    lines = fit_parts(head, progress(steps), width)
    lines += notes(tree, width)
    lines += _contained(found.container, width, with_image=tree.size_bytes is None)
    done = step_lines(steps, width, moment)
    if build.state is State.FAILED:
        lines += suspect_lines(found.news, width)
        room = max(height - len(lines) - len(done) - 1, 0)
        why = fault_lines(steps, width, room)
        if tree.fault is None and build.reason:
            why = [*wrapped(build.reason, width - 1, "state-failed", "   "), *why]
        fits = len(lines) + len(done) + len(why) <= height
        return [*lines, *done, *why] if fits else [*lines, *why, EMPTY, *done]
    if build.reason:
        lines += wrapped(build.reason, width - 1, "state-warning", "   ")
    lines += done
    lines += _news(found, build, width)
    if build.state.is_done:
        lines += layer_lines(tree, width, unicode=moment.unicode)
    if build.state.is_done and found.packages:
        lines += [EMPTY, line((" Made of", "section"))]
        lines += [line((f"   {plain_of(text)}", "dim")) for text in found.packages[:PACKAGES]]
    return lines


def _news(found: Environed, build: BuildRow, width: int) -> list[Line]:
    took = None
    if found.before_s is not None and build.ended_at is not None:
        took = (found.before_s, build.ended_at - build.started_at)
    return news_lines(found.news, took, width)


def _tail(log: Sequence[str]) -> list[Line]:
    if not log:
        return []
    return [EMPTY, line((" Last lines of its log", "section")), *(line(f"   {t}") for t in log)]


def _columns(texts: Sequence[str], width: int) -> list[Line]:
    """Names side by side, down the columns, as `ls` does."""
    size = min(max(map(len, texts)) + 2, width - 4)
    across = max((width - 3) // size, 1)
    down = -(-len(texts) // across)
    return [
        line("   " + "".join(fit(text, size) for text in texts[row::down]).rstrip())
        for row in range(down)
    ]
