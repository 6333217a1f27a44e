"""What a person asks of a run: another attempt, or an end.

Private to `mltui.pipeline`. Rulings (design: Retry): upstream is kept, what depends on the retried
stage is pending again, later rounds of its loops are forgotten; of a `for_each` only what failed is
tried again; a cancelled run goes on when a stage of it is retried.
"""

from __future__ import annotations

from mltui.pipeline import steps
from mltui.pipeline.board import Board
from mltui.pipeline.model import Instance, State
from mltui.pipeline.units import Fate, LoopRun, Owner, Status, Step, Unit

_STOPPED = (State.FAILED, State.CANCELLED)


def why_not_retry(board: Board, instance: Instance) -> str | None:
    """Why retrying it would change nothing, as a sentence; None if it would."""
    unit = board.units.get(instance)
    if unit is None:
        return f"there is no {instance.label} in this run"
    if unit.fate is Fate.FORGET:
        return f"{instance.label} is being stopped: its round was forgotten"
    is_fresh = unit.step is Step.PREPARE and not unit.tries
    if is_fresh or unit.step in (Step.READY, Step.EXPAND):
        return f"{instance.label} is about to run"
    if unit.step is Step.WAIT:
        return unit.row.reason or f"{instance.label} waits for its inputs"
    return None


def retried(board: Board, instance: Instance) -> None:
    """Apply a person's retry."""
    unit = board.units.get(instance)
    if unit is None or why_not_retry(board, instance) is not None:
        return
    reopen_run(board)
    if unit.is_whole:
        _retry_whole(board, unit)
    else:
        _retry_one(board, unit)
    revive_below(board, unit)


def reopen_run(board: Board) -> None:
    """It is no longer over, nor being cancelled."""
    board.ended, board.end_asked, board.cancelled = None, False, ""
    board.fresh_judge = True
    for run in board.to_judge:
        run.asked = False


def _retry_whole(board: Board, whole: Unit) -> None:
    if whole.step is Step.CANCELLED:
        revive(board, whole)
    elif whole.step is Step.OPEN:
        failed = [item for item in whole.items.values() if item.row.state in _STOPPED]
        for item in failed or list(whole.items.values()):
            if why_not_retry(board, item.instance) is None:
                _retry_one(board, item)
    else:
        steps.reset(board, whole)


def _retry_one(board: Board, unit: Unit) -> None:
    if unit.step is Step.LIVE:
        board.doom(unit, Fate.RESET)
    elif unit.step is Step.CANCELLED:
        revive(board, unit)
    else:
        unit.force = unit.step is Step.DONE
        steps.reset(board, unit)


def cancel_run(board: Board, why: str) -> None:
    """Nothing more begins; what lives is stopped."""
    board.cancelled, board.was_cancelled = why, True
    for unit in list(board.units.values()):
        _cancel_one(board, unit, why)


def cancel(board: Board, instance: Instance, why: str) -> None:
    """End one instance; of a whole, every item that is not over."""
    unit = board.units.get(instance)
    if unit is None:
        return
    for one in (*unit.items.values(), unit):
        _cancel_one(board, one, why)


def _cancel_one(board: Board, unit: Unit, why: str) -> None:
    if unit.step is Step.LIVE:
        if unit.fate is not Fate.FORGET:
            board.doom(unit, Fate.CANCEL)
    elif unit.step is Step.WAIT:
        if unit.row.state is not State.SKIPPED:
            steps.cancelled(board, unit, why, board.at)
    elif unit.step in (Step.EXPAND, Step.BACKOFF, Step.PREPARE, Step.READY) or (
        unit.step is Step.OPEN and not unit.items and not unit.row.state.is_final
    ):
        steps.cancelled(board, unit, why, board.at)


def revive(board: Board, unit: Unit) -> None:
    """Take back a cancellation: of this unit, with all that it needs, whoever cancelled that."""
    todo: list[Owner] = [unit]
    seen: set[Owner] = set()
    while todo:
        owner = todo.pop()
        if owner in seen:
            continue
        seen.add(owner)
        if isinstance(owner, LoopRun):
            todo.append(board.units[owner.gate_instance(owner.round)])
            continue
        if owner.step is Step.OPEN:
            todo.extend(owner.items.values())
        elif owner.step is Step.LIVE and owner.fate is Fate.CANCEL:
            owner.fate = Fate.RESET
        elif owner.step is Step.CANCELLED:
            owner.by_run = False
            steps.reset(board, owner)
        elif owner.step is not Step.WAIT:
            continue
        todo.extend(token.owner for token in owner.deps if token.status is not Status.GOOD)


def revive_below(board: Board, start: Owner) -> None:
    """What needs it, and was cancelled along with the run, is to go on with all that it needs.

    Whatever the person cancelled by its own name stays cancelled.
    """
    if not board.was_cancelled:
        return
    todo: list[Owner] = [start]
    seen: set[Owner] = set()
    while todo:
        owner = todo.pop()
        if owner in seen:
            continue
        seen.add(owner)
        if isinstance(owner, LoopRun):
            todo.extend(owner.token.consumers)
            continue
        if owner.step is Step.CANCELLED and owner.by_run:
            revive(board, owner)
        todo.extend(owner.done.consumers)
        if owner.known is not None:
            todo.extend(owner.known.consumers)
        if owner.whole is not None:
            todo.append(owner.whole)
