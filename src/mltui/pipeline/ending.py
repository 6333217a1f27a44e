"""How a run ends: its state, the exit code that scripts see, and why.

Private to `mltui.pipeline`; asked once when nothing is left to do. What happened in rounds that
were followed by others, or not accepted, does not count against the run.
"""

from __future__ import annotations

from mltui.pipeline.board import Board
from mltui.pipeline.loops import loops_around
from mltui.pipeline.model import Instance, RoundPath, RunEnded, State
from mltui.pipeline.units import LoopStatus, Step, Unit

EXIT_FAILED = 1
EXIT_GATE = 4


def is_over(board: Board) -> bool:
    """Nothing is at work and no verdict is due."""
    if board.working or board.ended is not None:
        return False
    return bool(board.cancelled) or not board.to_judge


def ending(board: Board, at: float) -> RunEnded:
    """The run's end, from what has become of each unit that counts."""
    if board.cancelled:
        return RunEnded(at, State.CANCELLED, board.cancelled, EXIT_FAILED)
    failed = [unit for unit in _counting(board) if unit.step is Step.FAILED]
    if failed:
        first = min(failed, key=lambda unit: (unit.order, unit.instance.path))
        more = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
        reason = f"{first.instance.label} failed ({first.row.failure}){more}: {first.row.reason}"
        return RunEnded(at, State.FAILED, reason, EXIT_FAILED)
    paused = ""
    for (stage, prefix), run in board.loops.items():
        if not _counts(board, stage, run.gate_instance(run.round).path, skip=stage):
            continue
        if run.status is LoopStatus.FAILED:
            label = run.gate_instance(run.round).label
            reason = f"{label} did not pass its gate: {run.reason}".removesuffix(": ")
            return RunEnded(at, State.FAILED, reason, EXIT_GATE)
        if run.status is LoopStatus.PAUSED and not paused:
            label = Instance(stage, prefix).label
            paused = f"{label} waits for a person's decision: {run.reason}".removesuffix(": ")
    if paused:
        return RunEnded(at, State.PAUSED, paused, EXIT_GATE)
    cancelled = [unit for unit in _counting(board) if unit.step is Step.CANCELLED]
    if cancelled:
        reason = f"{cancelled[0].instance.label} was cancelled"
        return RunEnded(at, State.CANCELLED, reason, EXIT_FAILED)
    return RunEnded(at, State.SUCCEEDED)


def _counting(board: Board) -> list[Unit]:
    return [
        unit
        for unit in board.units.values()
        if not unit.abandoned and _counts(board, unit.instance.stage, unit.instance.path)
    ]


def _counts(board: Board, stage: str, path: RoundPath, skip: str = "") -> bool:
    """Its round is the last one, or the accepted one, of every loop around it."""
    for run, number in loops_around(board, stage, path):
        if run.loop.gate_stage != skip and number != (run.accepted or run.round):
            return False
    return True
