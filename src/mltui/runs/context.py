"""What the parts of one run share: preparing, building and executing all read it.

Made by `running.Running`, which alone changes it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from mltui.pipeline.rows import Instance
from mltui.pipeline.scheduler import Scheduler
from mltui.runs.engines import Engines
from mltui.runs.journal import Journal
from mltui.runs.keys import Key
from mltui.runs.outcomes import Outcome
from mltui.runs.parts import INPUT
from mltui.runs.planning import Blueprint
from mltui.runs.project import Project
from mltui.runs.store import Store


@dataclass(slots=True)
class Context:
    """One run at work."""

    project: Project
    store: Store
    journal: Journal
    engines: Engines
    run: int
    blueprint: Blueprint
    scheduler: Scheduler
    emit: Callable[[Outcome], None] = lambda outcome: None
    """Hands facts to the loop, which applies and journals them; set by `running`."""
    keys: dict[Instance, Key] = field(default_factory=dict)
    """Of each instance's present attempt, from its StageKeyed or StageCached."""
    full_at: float = 0.0
    """When the journal found no room last; there may be room since."""

    def input_digests(self, instance: Instance) -> dict[str, str]:
        """Input → digest, as the key of the present attempt has it."""
        parts = self.keys[instance].parts
        return {
            name.removeprefix(INPUT): digest
            for name, digest in parts.items()
            if name.startswith(INPUT)
        }
