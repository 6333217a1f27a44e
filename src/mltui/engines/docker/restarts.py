"""Did a container end because its daemon was restarted, not because of itself?

Called by the engine when an attempt ended as a killed one does. Such an attempt is *lost*, and may
be tried again; a program that was killed is not. A daemon without live restore ends all containers
when it stops, and makes its default bridge anew when it starts: the bridge's age is the daemon's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from mltui.engines.docker.client import Client, DockerError

_CODES = (137, 143, 255)
"""Killed, ended by SIGTERM, or found dead by the next daemon."""
_NEAR_S = 60.0


async def was_restarted(client: Client, state: Mapping[str, Any], saw_outage: bool) -> bool:
    """Whether a daemon's restart ended the container with this `State`. Unreachable.

    `saw_outage`: whether the connection was lost meanwhile, which decides without a bridge.
    """
    if int(state.get("ExitCode") or 0) not in _CODES:
        return False
    # A daemon that is going down still answers on old connections, and ends its containers first.
    await client.ping()
    started, ended = read_time(state.get("StartedAt")), read_time(state.get("FinishedAt"))
    if started is None or ended is None:
        return saw_outage
    try:
        bridge = await client.json("GET", "/networks/bridge")
    except DockerError:
        return saw_outage
    born = read_time(bridge.get("Created"))
    if born is None:
        return saw_outage
    return started < born and ended < born + _NEAR_S


def read_time(text: object) -> float | None:
    """A time of the API (RFC 3339, up to nine decimals) as seconds since the epoch; or None."""
    if not isinstance(text, str) or text.startswith("0001-"):
        return None
    whole, dot, rest = text.partition(".")
    digits = len(rest) - len(rest.lstrip("0123456789"))
    zone = (rest[digits:] if dot else "") or "Z"
    if not dot:
        whole, zone = (whole[:-1], "Z") if whole.endswith("Z") else (whole[:19], whole[19:] or "Z")
    try:
        moment = datetime.fromisoformat(whole + ("+00:00" if zone == "Z" else zone))
    except ValueError:
        return None
    seconds = moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
    return seconds + (float(f"0.{rest[:digits]}") if digits else 0.0)
