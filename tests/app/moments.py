"""Moments before the frozen clock of these tests, as Docker and Kubernetes write them."""

from __future__ import annotations

from datetime import UTC, datetime

from .seed import NOON

HOUR, DAY = 3_600.0, 86_400.0


def when(ago_s: float) -> str:
    """A moment as both APIs write it."""
    return datetime.fromtimestamp(NOON - ago_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
