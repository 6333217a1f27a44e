"""Times as the Docker Engine API writes them, and as mltui gives them to scripts.

Called by kinds and stats, thousands of times for a long list, and without an engine loaded.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime


def read_time(text: object) -> float | None:
    """RFC 3339 with up to nine decimals as seconds since the epoch; None for none or Go's zero."""
    if not isinstance(text, str) or text.startswith("0001-"):
        return None
    head, dot, rest = text.partition(".")
    fraction = 0.0
    if dot:
        digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
        fraction = float(f"0.{digits or 0}")
        head += rest[len(digits) :]
    try:
        moment = datetime.fromisoformat(head.replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() + fraction


def timestamp(at: float | None) -> str | None:
    """RFC 3339, UTC, milliseconds; None for none, and for what is no time of any calendar."""
    if at is None:
        return None
    try:
        whole, milli = divmod(round(at * 1000), 1000)
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{milli:03}Z"
    except (ValueError, OverflowError, OSError):
        return None
