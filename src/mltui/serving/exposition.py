"""Prometheus text → numbers that can be added up over replicas and kept as series. Pure.

Called by the scraper with what a replica answered. The text is the service's: it may hold NaN,
garbage or a million label sets, so everything is bounded and what is left out is said.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

MAX_SAMPLES = 20_000
MAX_LABEL_SETS = 12
"""Of one metric; beyond that its labels are added up."""
QUANTILES = (0.5, 0.95, 0.99)

Buckets = dict[float, float]


@dataclass(slots=True)
class Scrape:
    """What one replica said. Counters and histograms count from its start."""

    counters: dict[str, float] = field(default_factory=dict)
    gauges: dict[str, float] = field(default_factory=dict)
    sums: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Of summaries and histograms: sum and count."""
    buckets: dict[str, Buckets] = field(default_factory=dict)
    problem: str = ""


def read_exposition(text: str) -> Scrape:
    """Read Prometheus text. Never raises: what can't be read is in `problem`."""
    from prometheus_client.parser import text_string_to_metric_families

    found = Scrape()
    read = odd = 0
    families: dict[str, list[tuple[str, str, Mapping[str, str], float]]] = defaultdict(list)
    try:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                read += 1
                if read > MAX_SAMPLES:
                    raise _Enough
                if not math.isfinite(sample.value):
                    odd += 1
                    continue
                entry = (family.type, sample.name, sample.labels, float(sample.value))
                families[family.name].append(entry)
    except _Enough:
        found.problem = f"more than {MAX_SAMPLES:,} samples: the rest is left out"
    except Exception as error:  # the parser raises what it meets: ValueError, KeyError, IndexError
        found.problem = f"it is not Prometheus text ({type(error).__name__}: {error})"[:200]
    for name, samples in families.items():
        if name.endswith("_created"):
            continue
        _take(found, samples)
    if odd and not found.problem:
        found.problem = f"{odd:,} values are not numbers"
    return found


class _Enough(Exception):
    """There are too many samples."""


def _take(found: Scrape, samples: list[tuple[str, str, Mapping[str, str], float]]) -> None:
    special = ("le", "quantile")
    sets = {_labels(labels, special) for _, _, labels, _ in samples}
    is_many = len(sets) > MAX_LABEL_SETS
    gauges: dict[str, list[float]] = defaultdict(list)
    for kind, name, labels, value in samples:
        written = "" if is_many else _labels(labels, special)
        base = name
        for end in ("_bucket", "_sum", "_count", "_total"):
            base = base.removesuffix(end) if kind != "gauge" else base
        if name.endswith("_created") and kind != "gauge":
            continue
        if kind == "counter":
            key = f"{name}{written}"
            if written and len(sets) > 1:  # first of all, how much it is in all
                found.counters[name] = found.counters.get(name, 0.0) + value
            found.counters[key] = found.counters.get(key, 0.0) + value
        elif kind in ("histogram", "summary") and name.endswith(("_sum", "_count")):
            total, count = found.sums.get(base + written, (0.0, 0.0))
            if name.endswith("_sum"):
                found.sums[base + written] = (total + value, count)
            else:
                found.sums[base + written] = (total, count + value)
        elif kind == "histogram" and "le" in labels:
            buckets = found.buckets.setdefault(base + written, {})
            limit = _number(labels["le"])
            if limit is not None:
                buckets[limit] = buckets.get(limit, 0.0) + value
        else:
            quantile = f" p{_percent(labels['quantile'])}" if "quantile" in labels else ""
            gauges[f"{name}{written}{quantile}"].append(value)
    for key, values in gauges.items():
        found.gauges[key] = sum(values) / len(values)


def _labels(labels: Mapping[str, str], but: Iterable[str]) -> str:
    kept = sorted((name, value) for name, value in labels.items() if name not in but)
    return "{" + ",".join(f"{name}={value}" for name, value in kept) + "}" if kept else ""


def _percent(text: str) -> str:
    number = _number(text)
    return text if number is None else f"{100 * number:g}"


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return None if math.isnan(number) else number


def between(
    pairs: Iterable[tuple[Scrape | None, Scrape]], elapsed_s: float
) -> dict[str, tuple[str, float]]:
    """What happened between two scrapes of each replica: name → (kind, value), all added up.

    kind: `rate` (a second), `mean`, `quantile` (of what was observed in between), `value`. A
    replica that was not seen before gives its values only; a count that fell began anew.
    """
    pairs = list(pairs)
    out: dict[str, tuple[str, float]] = {}
    rates: dict[str, float] = defaultdict(float)
    observed: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    buckets: dict[str, Buckets] = defaultdict(lambda: defaultdict(float))
    gauges: dict[str, list[float]] = defaultdict(list)
    for before, after in pairs:
        for name, value in after.gauges.items():
            gauges[name].append(value)
        if before is None:
            continue
        for name, value in after.counters.items():
            rates[name] += _grown(before.counters.get(name, 0.0), value)
        for name, (total, count) in after.sums.items():
            old = before.sums.get(name, (0.0, 0.0))
            is_new = count < old[1]
            observed[name][0] += total - (0.0 if is_new else old[0])
            observed[name][1] += count - (0.0 if is_new else old[1])
        for name, counts in after.buckets.items():
            past = before.buckets.get(name, {})
            is_new = any(value < past.get(limit, 0.0) for limit, value in counts.items())
            for limit, value in counts.items():
                buckets[name][limit] += value - (0.0 if is_new else past.get(limit, 0.0))
    for name, grown in rates.items():
        out[name] = ("rate", grown / elapsed_s)
    for name, (total, count) in observed.items():
        out[f"{name}_count"] = ("rate", count / elapsed_s)
        if count > 0:
            out[f"{name} mean"] = ("mean", total / count)
    for name, counts in buckets.items():
        for quantile in QUANTILES:
            value_at = _quantile(counts, quantile)
            if value_at is not None:
                out[f"{name} p{100 * quantile:g}"] = ("quantile", value_at)
    for name, values in gauges.items():
        out[name] = ("value", sum(values) / len(values))
    return {name: pair for name, pair in out.items() if math.isfinite(pair[1])}


def _grown(before: float, after: float) -> float:
    return after if after < before else after - before


def _quantile(counts: Mapping[float, float], quantile: float) -> float | None:
    """As Prometheus' `histogram_quantile`: evenly spread within a bucket, which count up."""
    limits = sorted(counts)
    total = counts[limits[-1]] if limits else 0.0
    if not limits or total <= 0 or not math.isinf(limits[-1]):
        return None
    rank = quantile * total
    below, start = 0.0, 0.0
    for limit in limits:
        if counts[limit] >= rank:
            if math.isinf(limit):
                return start
            share = (rank - below) / (counts[limit] - below) if counts[limit] > below else 1.0
            return start + (limit - start) * share
        below, start = counts[limit], limit
    return start
