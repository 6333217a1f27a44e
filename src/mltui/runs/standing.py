"""Whether a shell can stand where a stage stood; asked whenever the footer is made.

Apart from `shells`, which imports the engines that open one.
"""

from __future__ import annotations

from mltui.pipeline.rows import StageRow, State
from mltui.spec.choices import FailureClass


def why_not(row: StageRow) -> str | None:
    """Why no shell can stand where a stage stood, as far as its row tells; None: one can."""
    label = row.instance.label
    if row.state in (State.PENDING, State.READY):
        return f"{label} has not run yet: there is nothing to stand in"
    if row.state is State.BUILDING:
        return f"the environment of {label} is being built: wait for it"
    if row.failure is FailureClass.BUILD:
        if row.build:
            return None  # before the step that failed, if its engine builds in steps
        return f"{label} has no environment, its build failed: `b` shows where"
    if row.key is None:
        return f"{label} never got its inputs: {row.reason or row.state.value}"
    return None
