"""What the file of the run and earlier runs say of its stages; known a moment after the rows.

The session fills this in from `mltui.yaml` (read in a thread) and from the journal's history. Until
then presenters do without, so that the first paint waits for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mltui.pipeline.rows import Instance, StageRow

if TYPE_CHECKING:
    from mltui.pipeline.plan import Plan
    from mltui.serving.snapshot import Snapshot
    from mltui.spec.graph import Graph
    from mltui.spec.model import Gate, Spec


@dataclass(slots=True)
class Facts:
    """Beside the rows: the project's file, durations, curves."""

    spec: Spec | None = None
    """The file as the run on screen used it."""
    graph: Graph | None = None
    plan: Plan | None = None
    """What the run was asked to do, for the params of each round."""
    durations: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """Stage → seconds of earlier passages, newest first."""
    curves: dict[Instance, Sequence[float]] = field(default_factory=dict)
    """Instance → the newest values of its liveliest metric."""
    serving: Snapshot | None = None
    """What is served and watched; None until it is read, or where nothing ever was."""
    expected: dict[str, str] = field(default_factory=dict)
    """Service or monitor → what was asked for, until the journal confirms it."""
    params: Mapping[str, object] = field(default_factory=dict)
    """The run's params, for `${params.x}` in a gate."""

    def gate(self, stage: str) -> Gate | None:
        """The gate a stage carries."""
        found = self.spec.stages.get(stage) if self.spec is not None else None
        return found.gate if found is not None else None

    def gate_of(self, row: StageRow) -> str | None:
        """The stage whose gate decides about this one: itself, or the end of its inmost loop."""
        if self.spec is None or row.stage not in self.spec.stages:
            return None
        if self.spec.stages[row.stage].gate is not None:
            return row.stage
        loops = self.graph.loops_of(row.stage) if self.graph is not None else ()
        return loops[-1].gate_stage if loops else None

    def expected_s(self, stage: str) -> float | None:
        """How long the stage usually takes: the median of its newest passages."""
        values = sorted(self.durations.get(stage, ()))
        return values[len(values) // 2] if values else None
