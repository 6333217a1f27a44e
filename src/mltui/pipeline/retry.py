"""What a person asks of a run: another attempt, or an end.

Private to `mltui.pipeline`. Rulings (design: Retry): upstream is kept, what depends on the retried
stage is pending again, later rounds of its loops are forgotten; of a `for_each` only what failed is
tried again; a cancelled run goes on when a stage of it is retried.
"""

from __future__ import annotations

from mltui.pipeline import steps
from mltui.pipeline.board import Board
from mltui.pipeline.model import Instance, State
from mltui.pipeline.units import Fate, LoopRun, Owner, Status, Step, Token, Unit

_STOPPED = (State.FAILED, State.CANCELLED)


def why_not_retry(board: Board, instance: Instance) -> str | None:
    """Why retrying it would change nothing, as a sentence; None if it would."""
    unit = board.units.get(instance)
    if unit is None:
        return f"there is no {instance.label} in this run"
    if unit.step in (Step.PREPARE, Step.READY, Step.EXPAND):
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
    board.cancelled = why
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
    elif unit.step in (Step.EXPAND, Step.BACKOFF, Step.PREPARE, Step.READY):
        steps.cancelled(board, unit, why, board.at)


def revive(board: Board, unit: Unit) -> None:
    """Take back a cancellation: of this unit, of what it needs, and of what needs it.

    Whatever the person cancelled by name downstream stays cancelled; what was cancelled along
    with the run comes back with all it needs.
    """
    todo: list[tuple[Owner, bool]] = [(unit, True)]
    seen: set[Owner] = set()
    while todo:
        owner, is_needed = todo.pop()
        if owner in seen:
            continue
        if isinstance(owner, LoopRun):
            seen.add(owner)
            todo.append((board.units[owner.gate_instance(owner.round)], is_needed))
            todo.extend((consumer, False) for consumer in owner.token.consumers)
            continue
        if owner.step is Step.LIVE and owner.fate is Fate.CANCEL:
            seen.add(owner)
            owner.fate = Fate.RESET
        elif owner.step is Step.OPEN:
            seen.add(owner)
            todo.extend((item, is_needed) for item in owner.items.values())
            continue
        elif owner.step is Step.CANCELLED and (is_needed or owner.by_run):
            seen.add(owner)
            owner.by_run = False
            steps.reset(board, owner)
        else:
            continue
        todo.extend((token.owner, is_needed) for token in owner.deps if not _is_good(token))
        todo.extend((consumer, False) for consumer in owner.done.consumers)
        if owner.known is not None:
            todo.extend((consumer, False) for consumer in owner.known.consumers)
        if owner.whole is not None:
            todo.extend((consumer, False) for consumer in owner.whole.done.consumers)


def _is_good(token: Token) -> bool:
    return token.status is Status.GOOD
