"""The columns of the list of runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from mltui.app.present.moment import when
from mltui.app.runview import accepted_metrics
from mltui.live.cells import Cell, Column
from mltui.pipeline.rows import State
from mltui.runs.rows import RunRow
from mltui.text.format import format_clock, format_duration, format_number
from mltui.text.glyphs import mark, unicode_ok
from mltui.text.width import cell_width

METRIC, PARAM = "metric:", "param:"
"""Before the name, in the keys of columns of one value."""


def columns(now: Callable[[], float]) -> tuple[Column[RunRow], ...]:
    """Number, state, times, who, commit, metrics and params; the last are dropped first."""
    unicode = unicode_ok()

    def state(run: RunRow) -> Cell:
        shape = mark(run.state.value)
        return Cell(shape.text(unicode=unicode), shape.role)

    def started(run: RunRow) -> Cell:
        at = run.started_at if run.started_at is not None else run.created_at
        return Cell(when(at, now()), "dim")

    def duration(run: RunRow) -> Cell:
        if run.started_at is None:
            return Cell("", "dim")
        if run.ended_at is None:
            running = run.state is State.RUNNING
            took = run.took_s(now()) or 0.0
            return Cell(format_clock(took) if running else "", "state-running")
        return Cell(format_duration(run.took_s()))

    return (
        Column(
            "number",
            "run",
            lambda run: str(run.number),
            width=5,
            align="right",
            priority=200,
            sort=lambda run: run.number,
        ),
        Column("state", "state", state, width=11, priority=190, sort=lambda run: run.state.value),
        Column(
            "started", "started", started, width=12, priority=120, sort=lambda run: run.created_at
        ),
        Column("time", "time", duration, width=7, align="right", priority=150),
        Column("commit", "commit", commit, width=14, priority=110),
        Column("metrics", "metrics", metrics, min=14, flex=3, max=44, priority=140, shorten="end"),
        Column("params", "params", params, min=12, flex=2, priority=90, shorten="end"),
        Column(
            "trigger", "started by", trigger, min=10, flex=1, max=30, priority=70, shorten="end"
        ),
        Column(
            "pinned",
            "",
            lambda run: "pinned" if run.pinned else "",
            width=6,
            priority=60,
            help="whether `gc` leaves it",
        ),
    )


def value_columns(runs: Iterable[RunRow]) -> tuple[Column[RunRow], ...]:
    """A column for each metric and param that some run has: shown when they are chosen."""
    metrics: dict[str, None] = {}
    params: dict[str, None] = {}
    for run in runs:
        metrics.update(dict.fromkeys(run.metrics))
        params.update(dict.fromkeys(run.params))
    ends = Counter(name.rpartition(".")[2] for name in (*metrics, *params))

    def title(name: str) -> str:
        short = name.rpartition(".")[2]
        return _safe(short if ends[short] == 1 else name)

    found = [_value_column(f"{METRIC}{name}", title(name), name, "metrics") for name in metrics]
    found += [_value_column(f"{PARAM}{name}", title(name), name, "params") for name in params]
    return tuple(found)


def _value_column(key: str, title: str, name: str, where: str) -> Column[RunRow]:
    def value(run: RunRow) -> object:
        values: Mapping[str, object] = getattr(run, where)
        return values.get(name)

    def cell(run: RunRow) -> Cell:
        found = value(run)
        if isinstance(found, int | float) and not isinstance(found, bool):
            return Cell(format_number(float(found)))
        return Cell("" if found is None else _safe(str(found)))

    def order(run: RunRow) -> object:
        found = value(run)
        if found is None:
            return None
        is_number = isinstance(found, int | float) and not isinstance(found, bool)
        return (not is_number, float(found) if is_number else 0.0, str(found))  # type: ignore[arg-type]

    return Column(
        key, title, cell, min=max(8, cell_width(title)), max=24, flex=1, align="right", sort=order,
        help=("metric " if where == "metrics" else "param ") + _safe(name),
    )  # fmt: skip


def commit(run: RunRow) -> Cell:
    """`4d882d0 dirty`."""
    if run.commit is None:
        return Cell("", "dim")
    return Cell(
        f"{run.commit[:7]}{' dirty' if run.dirty else ''}", "state-warning" if run.dirty else "dim"
    )


def metrics(run: RunRow) -> Cell:
    """`accuracy 0.983  loss 0.04`, or why there are none."""
    found = accepted_metrics(run)
    if not found:
        return Cell(run.reason, "dim")
    return Cell("  ".join(f"{name} {format_number(value)}" for name, value in found.items()))


def params(run: RunRow) -> Cell:
    """The params that were set for this run; all of them are on the run's own screen."""
    asked = run.request.overrides
    values = asked if asked else {k: v for k, v in run.params.items() if v is not None}
    text = "  ".join(f"{name}={value}" for name, value in values.items())
    return Cell(text, "" if asked else "dim")


def trigger(run: RunRow) -> Cell:
    """Who or what started it."""
    return Cell(run.trigger, "dim")


def _safe(text: str) -> str:
    """What a person or a program wrote, made safe; runs are listed after the first frame."""
    from mltui.logs.sanitize import safe

    return safe(text)
