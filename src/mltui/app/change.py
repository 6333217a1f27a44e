"""What became different about a project: told by the session, read by whoever shows it."""

from __future__ import annotations

from dataclasses import dataclass, field

from mltui.pipeline.rows import Instance
from mltui.runs.rows import RunRow


@dataclass(slots=True)
class Change:
    """What became different since the last one; false and empty where nothing did."""

    switched: bool = False
    """Another run is on screen."""
    instances: set[Instance] = field(default_factory=set)
    run: bool = False
    """The run itself, or who works on it."""
    runs: bool = False
    """There are more or other runs."""
    facts: bool = False
    """The file, durations or curves."""
    problems: bool = False
    ended: list[RunRow] = field(default_factory=list)
    """Runs that ended or stopped at a decision while we looked."""

    def __bool__(self) -> bool:
        news = (self.instances, self.runs, self.facts, self.problems, self.ended)
        return self.switched or self.run or any(news)
