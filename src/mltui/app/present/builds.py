"""The list of builds: every build of this project's environments that the journal keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mltui.app.present.moment import when
from mltui.live.cells import NOTHING, Cell, Column, plain
from mltui.live.kind import Kind
from mltui.pipeline.rows import State
from mltui.runs.rows import BuildRow
from mltui.text.format import format_bytes, format_clock, format_duration
from mltui.text.glyphs import mark, unicode_ok


@dataclass(frozen=True, slots=True)
class BuildShown:
    """A build, with what its steps say of it. None: its builder does not tell."""

    build: BuildRow
    cached_share: float | None = None
    size_bytes: int | None = None

    @property
    def state(self) -> str:
        """As the journal has it."""
        return self.build.state.value

    @property
    def created_at(self) -> float:
        """When it began."""
        return self.build.started_at


def builds_kind(now: Callable[[], float]) -> Kind[BuildShown]:
    """The list of builds as a kind, like those of a Docker host."""
    unicode = unicode_ok()

    def state(row: BuildShown) -> Cell:
        shape = mark("succeeded" if row.build.state.is_done else row.state)
        word = "built" if row.build.state.is_done else row.state
        return Cell(f"{shape.text(unicode=unicode)[0]} {word}", shape.role)

    def took(row: BuildShown) -> Cell:
        build = row.build
        if build.ended_at is None:
            busy = build.state is State.BUILDING
            return Cell(format_clock(now() - build.started_at) if busy else "", "state-running")
        return Cell(format_duration(build.ended_at - build.started_at))

    def share(row: BuildShown) -> Cell:
        if row.cached_share is None:
            return Cell(NOTHING, "dim")
        return Cell(f"{row.cached_share:.0%}", "dim")

    return Kind(
        name="builds",
        title="build",
        engine="journal",
        columns=(
            Column("id", "BUILD", lambda r: r.build.id, min=10, flex=1, max=30, priority=200),
            Column("state", "STATE", state, width=11, priority=190),
            Column("time", "TIME", took, width=7, align="right", priority=180,
                   sort=lambda r: (r.build.ended_at or now()) - r.build.started_at),
            Column("cached", "CACHED", share, width=6, align="right", priority=150,
                   sort=lambda r: r.cached_share, help="steps that came from the cache"),
            Column("size", "SIZE", lambda r: Cell(
                   NOTHING if r.size_bytes is None else format_bytes(r.size_bytes)), width=8,
                   align="right", priority=140, sort=lambda r: r.size_bytes),
            Column("when", "BEGUN", lambda r: Cell(when(r.build.started_at, now()), "dim"),
                   width=12, priority=160, sort=lambda r: r.build.started_at),
            Column("run", "RUN", lambda r: Cell(str(r.build.run or ""), "dim"), width=5,
                   align="right", priority=120, sort=lambda r: r.build.run),
            Column("engine", "ENGINE", lambda r: Cell(r.build.engine, "dim"), width=8,
                   priority=90),
            Column("reason", "WHY", lambda r: Cell(plain(r.build.reason), "dim"), min=12, flex=4,
                   priority=100, shorten="end"),
        ),
        key=lambda row: row.build.id,
        label=lambda row: row.build.id,
        sort=("when", True),
        empty="nothing was built yet: environments are made when a stage first needs them",
    )  # fmt: skip
