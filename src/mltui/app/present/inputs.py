"""The Inputs pane: what went in, with which params, and what came out, with a look inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mltui.app.present.line import EMPTY, Line, Part, line
from mltui.app.present.sgr import sgr_line
from mltui.pipeline.rows import StageRow, State
from mltui.text.format import format_bytes
from mltui.text.width import cell_width, fit, shorten_middle

if TYPE_CHECKING:
    from mltui.spec.model import ParamValue

_AROUND, _DIGEST = 15, 10
"""Cells of a row besides its name and where it is from: blanks and size; and those of its hash."""
_ORIGIN = 24
"""A longer one is shortened before the hash is left out."""


@dataclass(frozen=True, slots=True)
class Put:
    """One input or output."""

    name: str
    origin: str
    """Where an input comes from; the path of an output."""
    size_bytes: int | None = None
    digest: str = ""
    summary: str = ""
    """What it is, in a few words."""
    lines: tuple[str, ...] = ()
    """The look inside."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Everything that went in and came out of an attempt."""

    inputs: tuple[Put, ...] = ()
    outputs: tuple[Put, ...] = ()
    params: Mapping[str, ParamValue] | None = None


def inputs_lines(traffic: Traffic, row: StageRow, width: int) -> list[Line]:
    """The pane."""
    lines: list[Line] = [line((" Inputs", "section"))]
    lines += _table(traffic.inputs, width) or [line(("   none", "dim"))]
    if traffic.params:
        lines += [EMPTY, line((" Params", "section"))]
        size = max(map(cell_width, traffic.params))
        lines += [
            line((f"   {fit(name, size)}  ", "dim"), _param(value))
            for name, value in traffic.params.items()
        ]
    lines += [EMPTY, line((" Outputs", "section"))]
    if not traffic.outputs:
        lines.append(line(("   none declared", "dim")))
    elif not row.outputs:
        lines.append(line((f"   {_absent(row)}", "dim")))
    for table, put in zip(_table(traffic.outputs, width), traffic.outputs, strict=True):
        lines.append(table)
        if put.summary:
            lines.append(line((f"     {put.summary}", "dim")))
        lines += [sgr_line(text, "     ", width) for text in put.lines]
    if row.metrics:
        from mltui.app.present.gate import metric_lines

        lines += [EMPTY, line((" Metrics", "section"))]
        lines += metric_lines(row.metrics, width, indent="   ")
    return lines


def _absent(row: StageRow) -> str:
    if row.state is State.FAILED:
        return "none kept: it failed"
    return "none yet" if not row.state.is_final else f"none: {row.state.value}"


def _param(value: ParamValue) -> str:
    return "unset" if value is None else str(value)


def _table(puts: Sequence[Put], width: int) -> list[Line]:
    if not puts:
        return []
    names = max(cell_width(put.name) for put in puts)
    longest = max(cell_width(put.origin) for put in puts)
    rest = width - names - _AROUND
    has_digests = rest - _DIGEST >= min(longest, _ORIGIN)  # where from says more than a hash
    origins = min(longest, max(rest - _DIGEST if has_digests else rest, 12))
    lines = []
    for put in puts:
        parts: list[Part] = [(f"   {fit(put.name, names)}", "")]
        parts.append((f"  {fit(shorten_middle(put.origin, origins), origins)}", "dim"))
        size = format_bytes(put.size_bytes) if put.size_bytes is not None else ""
        parts.append((f"  {size:>8}", ""))
        if put.digest and has_digests:
            parts.append((f"  {put.digest.removeprefix('sha256:')[:8]}", "stale"))
        lines.append(Line(tuple(parts)))
    return lines
