"""Stages of a project that has not run yet, in the form of the journal's rows.

`mltui ls stages` calls this before the first run; it reads `mltui.yaml`, which costs what it costs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mltui.runs.project import Project
from mltui.spec.graph import Graph


def unrun_stages(run: int | None) -> list[dict[str, Any]]:
    """Every stage as pending, in the order in which they can run."""
    spec = Project.find(Path.cwd()).read_spec()
    return [
        {
            "run": run,
            "stage": name,
            "item": None,
            "path": [],
            "attempt": 0,
            "state": "pending",
            "phase": spec.stages[name].phase.value,
            "order": order,
        }
        for order, name in enumerate(Graph.of(spec).order)
    ]
