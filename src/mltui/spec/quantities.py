"""Amounts as people write them: `10m`, `512Mi`, `500m` of a CPU, `1 per day`.

Used for the fields of a project file and by command-line options that mean the same amounts.
Each function raises ValueError, whose text says how to write the amount.
"""

from __future__ import annotations

import math
import re

DURATION_PATTERN = r"([0-9]+(\.[0-9]+)?(ms|s|m|h|d|w))+"
SIZE_PATTERN = r"[0-9]+(\.[0-9]+)?([kKMGTP]i?)?B?"
CPU_PATTERN = r"[0-9]+m"
RATE_PATTERN = r"[0-9]+ per [0-9a-z.]+"

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_WORDS = {"second": "1s", "minute": "1m", "hour": "1h", "day": "1d", "week": "1w"}
_STEP = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d|w)")
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}


def read_duration(value: float | str) -> float:
    """Seconds, from a number of seconds or from text such as `10m`, `1h30m`, `7d`.

    ValueError with what to write instead, as of all that is read here.
    """
    if not isinstance(value, str):
        seconds = _float(value)
    else:
        if not re.fullmatch(DURATION_PATTERN, value):
            if re.fullmatch(r"[0-9.]+", value):
                raise ValueError(f"write {value} without quotes for seconds, or `{value}s`")
            near = re.fullmatch(r"([0-9.]+) *(s|m|h|d|w)[a-z]*", value.lower())
            raise ValueError(f"write `{near[1]}{near[2]}`" if near else "write `90s` or `1h30m`")
        steps = _STEP.findall(value)
        units = [_SECONDS[unit] for _, unit in steps]
        if units != sorted(set(units), reverse=True):
            raise ValueError("write the larger unit first and each once, as in `1h30m`")
        seconds = math.fsum(float(number) * _SECONDS[unit] for number, unit in steps)
    if not 0 <= seconds <= 1e9:
        raise ValueError("it must be at least 0 and less than about 30 years")
    return seconds


def read_size(value: float | str) -> int:
    """Bytes, rounded up. `Ki Mi Gi` are powers of 1,024, `K M G` of 1,000, as in Kubernetes.

    Less than 1 MiB is refused: nothing runs in it, so a unit was forgotten.
    """
    if isinstance(value, str):
        if re.fullmatch(r"[0-9]+m", value):
            raise ValueError(f"`m` is a thousandth; did you mean `{value[:-1]}Mi`?")
        if not re.fullmatch(SIZE_PATTERN, value):
            near = re.fullmatch(r"([0-9.]+) *([kmgtp])(i?)b?", value.lower())
            close = near and f"{near[1]}{near[2].upper()}{near[3]}"
            raise ValueError(f"did you mean `{close}`?" if close else "write `512Mi` or `2G`")
        bare = value.removesuffix("B")
        digits = bare.rstrip("kKMGTPi")
        unit = bare[len(digits) :].lower()
        base = 1024.0 if unit.endswith("i") else 1000.0
        size = float(digits) * math.pow(base, _POWERS[unit.removesuffix("i")])
    else:
        size = _float(value)
    if 0 < size < 2**20 and str(value).isdigit():
        raise ValueError(f"that is only {value} bytes; did you mean `{value}Mi`?")
    if not 2**20 <= size <= 2**60:
        raise ValueError("it must be at least 1 MiB and at most 1 EiB")
    return math.ceil(size)


def read_cpu(value: float | str) -> float:
    """CPUs, from a number or from thousandths such as `500m`."""
    if isinstance(value, str):
        if not re.fullmatch(CPU_PATTERN, value):
            raise ValueError("write `0.5` or `500m`")
        value = float(value[:-1]) / 1000
    if not 0 < value <= 10_000:
        raise ValueError("it must be more than 0")
    return float(value)


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def read_rate(value: str) -> tuple[int, float]:
    """How often at most: `1 per day`, `2 per 6h` → a count and the seconds it counts for."""
    found = re.fullmatch(r"([0-9]{1,9}) per ([0-9a-z.]+)", value)
    if not found or not int(found[1]):
        raise ValueError("write `1 per day` or `2 per 6h`")
    seconds = read_duration(_WORDS.get(found[2].removesuffix("s"), found[2]))
    if not seconds:
        raise ValueError("write `1 per day` or `2 per 6h`")
    return int(found[1]), seconds
