"""Amounts as Kubernetes writes them (`250m`, `1.5Gi`, `1e3`), as numbers, and shown. Pure.

Source: Kubernetes docs, "Quantity".
"""

from __future__ import annotations

from functools import lru_cache

from mltui.live.cells import NOTHING, Cell

_UNITS = {
    "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15,
    "E": 1e18, "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50,
    "Ei": 2.0**60,
}  # fmt: skip


@lru_cache(maxsize=4096)
def amount(text: str | None) -> float | None:
    """A quantity as a number: cores, bytes, pieces; None for none, or one that is no quantity."""
    if not text:
        return None
    digits = text.rstrip("numkKMGTPEi")
    if digits.endswith(("e", "+", "-")):  # 1E3 loses its E above
        digits = text
    try:
        return float(digits) * _UNITS[text[len(digits) :]]
    except (ValueError, KeyError):
        return None


def format_cpu(cores: float | None) -> str:
    """Thousandths of a processor, as `kubectl top` tells them: `12m`, `1500m`; then whole ones."""
    if cores is None:
        return NOTHING
    return f"{round(cores * 1000)}m" if cores < 10 else f"{cores:.0f}"


def format_memory(size_bytes: float | None) -> str:
    """`212Mi`, `1.5Gi`, as limits are written."""
    if size_bytes is None:
        return NOTHING
    mebi = size_bytes / 2**20
    if mebi < 1000:
        return f"{mebi:.0f}Mi"
    gibi = mebi / 1024
    if gibi >= 1000:
        return f"{gibi / 1024:.1f}Ti"
    return f"{gibi:.0f}Gi" if gibi >= 100 or round(gibi, 1).is_integer() else f"{gibi:.1f}Gi"


def share(used: float | None, of: float | None) -> float | None:
    """Used of what was asked for, in percent; None when one is not known."""
    return None if used is None or not of else 100 * used / of


def share_cell(percent: float | None, *, warns_at: float = 90) -> Cell:
    """`73%`; loud near the limit."""
    if percent is None:
        return Cell(NOTHING, "dim")
    role = "state-failed" if percent >= 100 else "state-warning" if percent >= warns_at else ""
    return Cell(f"{min(percent, 9999):.0f}%", role)


def used_cell(text: str, percent_of_limit: float | None) -> Cell:
    """A usage; loud when it is near the limit."""
    if text == NOTHING:
        return Cell(text, "dim")
    near = percent_of_limit is not None and percent_of_limit >= 90
    return Cell(text, "state-warning" if near else "")
