"""What a stage measured: its `${metrics}` text read into last values and curves.

Called by the runner when an attempt ends and by the screens while it runs. The text comes from
user code on any engine: half written, huge or wrong, it must never pass a gate by accident, so a
value counts only if nothing unreadable came after it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from mltui.text import printable

MAX_CHARS = 8 * 1024 * 1024
"""Longer text is read from its end only."""
MAX_NAMES = 1000
MAX_POINTS = 1000
"""Of one curve; beyond it every second point is dropped, again and again."""
MAX_PROBLEMS = 20
MAX_DEPTH = 20
_AXES = ("step", "epoch")


@dataclass(frozen=True, slots=True)
class Metrics:
    """What was read. `values` are finite numbers; what could not be trusted is in `bad`."""

    values: Mapping[str, float] = field(default_factory=dict)
    curves: Mapping[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)
    """Name → points (x, y); x is `step` or `epoch`, else the count of its values."""
    bad: Mapping[str, str] = field(default_factory=dict)
    """Name → why its last value is no number, as the end of a sentence."""
    problems: tuple[str, ...] = ()
    """What was wrong with the text, for people."""


def read_metrics(text: str | bytes) -> Metrics:
    """Read JSON Lines, or one JSON object alone; the last value of a (dotted) name is its value.

    Never raises. A string, a boolean, null, NaN or infinity is no number; the name goes to `bad`.
    """
    reader = _Reader()
    if len(text) > MAX_CHARS:
        text = text[-MAX_CHARS:]
        reader.problem(f"too long: only the last {MAX_CHARS // 1024**2} MiB were read")
        newline = b"\n" if isinstance(text, bytes) else "\n"
        text = text.partition(newline)[2]  # type: ignore[arg-type]
    if isinstance(text, bytes):
        text = text.decode("utf-8", errors="replace")
    text = text.removeprefix("﻿")
    whole = _parse(text) if text.lstrip().startswith("{") else None
    if isinstance(whole, dict):
        reader.take(whole)
        return reader.metrics()
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        found = _parse(line)
        if isinstance(found, dict):
            reader.take(found)
        else:
            reader.unreadable(number)
    return reader.metrics()


def _parse(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


class _Curve:
    """Points with a bound: when full, every second one goes and from then on 1 in `stride`."""

    def __init__(self) -> None:
        self.points: list[tuple[float, float]] = []
        self.seen = 0
        self.stride = 1
        self.last: tuple[float, float] | None = None

    def add(self, x: float | None, y: float) -> None:
        point = (float(self.seen + 1) if x is None else x, y)
        if self.seen % self.stride == 0:
            self.points.append(point)
        self.seen += 1
        self.last = point
        if len(self.points) >= MAX_POINTS:
            self.points = self.points[::2]
            self.stride *= 2

    def all(self) -> tuple[tuple[float, float], ...]:
        if self.last is not None and self.points[-1] != self.last:
            return (*self.points, self.last)
        return tuple(self.points)


class _Reader:
    def __init__(self) -> None:
        self.values: dict[str, float] = {}
        self.bad: dict[str, str] = {}
        self.curves: dict[str, _Curve] = {}
        self.problems: list[str] = []
        self.full = False

    def problem(self, sentence: str) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(sentence)

    def unreadable(self, number: int) -> None:
        """Whatever was read before may have had a later value on this line: distrust it."""
        self.problem(f"line {number} is not a JSON object")
        for name in self.values:
            self.bad[name] = f"line {number} of it can't be read and may hold a later value"
        self.values.clear()

    def take(self, found: dict[str, object]) -> None:
        leaves: list[tuple[str, object]] = []
        self._flatten("", found, leaves, 0)
        axes = {key: number_of(value) for key, value in leaves if key in _AXES}
        x = next((axes[key] for key in _AXES if axes.get(key) is not None), None)
        for name, value in leaves:
            self._leaf(name, value, x)

    def _flatten(
        self, prefix: str, found: dict[str, object], leaves: list[tuple[str, object]], depth: int
    ) -> None:
        for key, value in found.items():
            name = f"{prefix}{printable(key)}"
            if isinstance(value, dict) and depth < MAX_DEPTH:
                self._flatten(f"{name}.", value, leaves, depth + 1)
            else:
                leaves.append((name, value))

    def _leaf(self, name: str, value: object, x: float | None) -> None:
        is_new = name not in self.values and name not in self.bad
        if is_new and len(self.values) + len(self.bad) >= MAX_NAMES:
            if not self.full:
                self.problem(f"more than {MAX_NAMES} names: the rest is left out")
            self.full = True
            return
        number = number_of(value)
        if number is None:
            self.values.pop(name, None)
            why = _what(value)
            if name not in self.bad:
                self.problem(f"`{name}` is {why}, not a number")
            self.bad[name] = f"it is {why}, not a number"
            return
        self.bad.pop(name, None)
        self.values[name] = number
        if name not in _AXES:
            self.curves.setdefault(name, _Curve()).add(x, number)

    def metrics(self) -> Metrics:
        curves = {name: curve.all() for name, curve in self.curves.items()}
        return Metrics(self.values, curves, self.bad, tuple(self.problems))


def number_of(value: object) -> float | None:
    """The finite number that a JSON value is; None for anything else, booleans included."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _what(value: object) -> str:
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else "infinite"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int):
        return "too large"
    if value is None:
        return "null"
    if isinstance(value, str):
        return "a text"
    return "a list" if isinstance(value, list) else "nested too deep"
