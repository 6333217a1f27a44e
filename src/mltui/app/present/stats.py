"""The curves of a container: CPU, memory and network over the last minutes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mltui.app.present.line import EMPTY, Line, line
from mltui.app.widgets.curve import plot
from mltui.live.cells import plain
from mltui.text.format import format_age, format_bytes
from mltui.text.width import cell_width

if TYPE_CHECKING:
    from mltui.live.stats import Sample

_LEAST_ROWS = 2
_MOST_ROWS = 12
_MIB = 1 << 20


def stats_lines(
    row: Any | None, samples: Sequence[Sample], width: int, height: int, *, unicode: bool
) -> list[Line]:
    """The page: four curves over one another, as high as there is room for."""
    if row is None:
        return [line((" it is gone", "dim"))]
    lines = [line((f" container {plain(row.name)}", "strong"))]
    if not samples:
        waits = "measuring…" if row.is_running else "it does not run: nothing is measured"
        return [*lines, EMPTY, line((f" {waits}", "dim"))]
    rows = min(max((height - 3) // 4 - 1, _LEAST_ROWS), _MOST_ROWS)
    limit = row.memory_limit_bytes
    of = f" of {format_bytes(limit, binary=True)}" if limit else ""
    curves: tuple[tuple[str, list[float | None], Callable[[float], str], str, float], ...] = (
        ("CPU %", [s.cpu_percent for s in samples], _percent, "", 1.0),
        ("Memory MiB", [s.memory_bytes for s in samples], _binary, of, _MIB),
        ("In kB/s", [s.rx_bytes_s for s in samples], _rate, "", 1000.0),
        ("Out kB/s", [s.tx_bytes_s for s in samples], _rate, "", 1000.0),
    )
    for title, values, words, more, unit in curves:
        known = [value for value in values if value is not None]
        now = words(values[-1]) if values[-1] is not None else "–"
        peak = f"  most {words(max(known))}" if known else ""
        name = f" {title}{' ' * (12 - cell_width(title))}"
        lines.append(line((name, "section"), (f"{now}{more}", ""), (peak, "dim")))
        lines += _plot(values, unit, width - 3, rows, unicode=unicode)
    span = format_age(samples[-1].at - samples[0].at)
    return [*lines, line((f"   the last {span}, a reading a second", "dim"))]


def _plot(
    values: Sequence[float | None], unit: float, width: int, rows: int, *, unicode: bool
) -> list[Line]:
    """A curve without the axis below it: what it is over is said once for all."""
    scaled = [None if value is None else value / unit for value in values]
    if rows < 4:
        drawn = plot(scaled, width, rows, base=0.0, unicode=unicode)
    else:
        drawn = plot(scaled, width, rows + 2, base=0.0, unicode=unicode)[:rows]
    return [line((f"   {text}", "accent")) for text in drawn]


def _percent(value: float) -> str:
    return f"{value:.1f}%" if value < 10 else f"{value:.0f}%"


def _binary(value: float) -> str:
    return format_bytes(int(value), binary=True)


def _rate(value: float) -> str:
    return f"{format_bytes(int(value))}/s"
