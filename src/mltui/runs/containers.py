"""What is known of the container that a stage ran in: how soon it started, how large its image is.

Read from the attempt's folder, where the engine notes it; the container itself is soon removed.
Asked by the Build pane and `mltui explain`.
"""

from __future__ import annotations

from dataclasses import dataclass

from mltui.pipeline.rows import StageRow, attempt_slug
from mltui.runs.project import Project


@dataclass(frozen=True, slots=True)
class Container:
    """A container of an attempt. Times are Unix seconds; None where nobody measured it."""

    id: str
    name: str
    image: str = ""
    image_bytes: int | None = None
    started_at: float | None = None
    start_s: float | None = None
    """From the first request until its command ran: made, filled with code and inputs, started."""
    is_network_open: bool = False
    """It was to have no network and could reach others: its cluster enforces no policies."""


def read_container(project: Project, row: StageRow) -> Container | None:
    """The container of a row's newest attempt; None where it had none."""
    if not row.attempt:
        return None
    from mltui.engines.protocol import read_facts  # a screen that asks nothing loads no engine

    folder = project.run_folder(row.run) / attempt_slug(row.instance, row.attempt)
    found = read_facts(folder)
    if not found.get("id"):
        return None
    size, at, took = (_number(found.get(name)) for name in ("image_bytes", "started_at", "start_s"))
    return Container(
        id=str(found["id"]),
        name=str(found.get("name", "")),
        image=str(found.get("image", "")),
        image_bytes=None if size is None else int(size),
        started_at=at,
        start_s=took,
        is_network_open=found.get("network") == "open",
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and value >= 0 else None
