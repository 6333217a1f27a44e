"""What events do to one unit: prepared, started, ended, tried again, skipped, reset.

Private to `mltui.pipeline`; `Scheduler.apply` calls `on_*`, then `settle` until nothing is left to
look at. An event about an attempt that is not under way (any more) changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mltui.pipeline import fanout, gates, loops
from mltui.pipeline.board import Board
from mltui.pipeline.model import (
    AttemptEnded,
    AttemptStarted,
    AttemptStarting,
    AttemptUnknown,
    AttemptWaiting,
    Failure,
    Instance,
    StageBuilding,
    StageCached,
    StageExpanded,
    StageFailed,
    StageKeyed,
    StageStale,
    StageWaiting,
    State,
    Usage,
)
from mltui.pipeline.units import Fate, LoopRun, Status, Step, Unit
from mltui.spec.model import FailureClass

MAX_BACKOFF_S = 300.0


def settle(board: Board) -> None:
    """Look at everything that was touched, until nothing changes any more."""
    while (owner := board.next_touched()) is not None:
        if isinstance(owner, LoopRun):
            loops.evaluate_loop(board, owner)
        else:
            evaluate(board, owner)


def evaluate(board: Board, unit: Unit) -> None:
    """Do what follows from its tokens: wait, be skipped, begin, or begin anew."""
    upset, unit.upset = unit.upset, False
    if unit.step is Step.GONE:
        return
    if upset and unit.step is Step.LIVE:
        if unit.fate is None:
            board.doom(unit, Fate.RESET)
    elif upset and unit.step not in (Step.WAIT, Step.CANCELLED):
        reset(board, unit)
    if unit.step is Step.OPEN:
        fanout.follow_items(board, unit)
    elif unit.step is Step.WAIT:
        _evaluate_waiting(board, unit)


def _evaluate_waiting(board: Board, unit: Unit) -> None:
    item = unit.instance.item
    refused = fanout.check_item(item) if item is not None else None
    if refused is not None:
        fail(board, unit, refused, board.at)
        return
    if unit.abandoned or unit.bad:
        causes = (token.reason for token in unit.deps if token.status is Status.BAD)
        why = unit.abandoned or next(causes)
        board.show(unit, state=State.SKIPPED, reason=why)
        close(board, unit, why)
        return
    if unit.row.state is State.SKIPPED:
        board.show(unit, state=State.PENDING, reason="")
    board.set_token(unit.done, Status.OPEN)
    if unit.known is not None:
        board.set_token(unit.known, Status.OPEN)
    if unit.missing:
        return
    if unit.is_whole:
        fanout.begin(board, unit)
    else:
        board.move(unit, Step.PREPARE)


def close(board: Board, unit: Unit, why: str) -> None:
    """Tell all who wait for it that nothing will come, and why."""
    if unit.known is not None and unit.step is not Step.OPEN:
        board.set_token(unit.known, Status.BAD, why)
    board.set_token(unit.done, Status.BAD, why)


def reset(board: Board, unit: Unit) -> None:
    """Back to waiting: what it made no longer counts; its attempts keep their numbers."""
    unit.tries = 0
    if unit.is_whole:
        fanout.collapse(board, unit)
    board.move(unit, Step.WAIT)
    board.show(
        unit,
        state=State.PENDING,
        failure=None,
        started_at=None,
        ended_at=None,
        gate=None,
        object=None,
        image=None,
        metrics={},
        outputs={},
        reason="",
        key=None,
        build=None,
        stale=False,
        exit_code=None,
        usage=Usage(),
        source=None,
    )
    board.set_token(unit.done, Status.OPEN)
    loops.reopen_around(board, unit)
    board.touch(unit)


# --- events ---------------------------------------------------------------------------------


def on_expanded(board: Board, event: StageExpanded) -> None:
    """The list of a whole was read."""
    unit = board.units.get(event.instance)
    if unit is not None and unit.step is Step.EXPAND:
        fanout.expand(board, unit, event.items)


def on_building(board: Board, event: StageBuilding) -> None:
    """It waits for a build."""
    unit = _prepared(board, event.instance)
    if unit is not None:
        since = unit.row.started_at if unit.row.state is State.BUILDING else event.at
        board.move(unit, Step.PREPARE)
        board.show(
            unit,
            state=State.BUILDING,
            build=event.build,
            reason="",
            started_at=since,
            ended_at=None,
        )


def on_waiting(board: Board, event: StageWaiting) -> None:
    """Its engine does not answer: it waits, whatever of it was under way."""
    unit = _prepared(board, event.instance)
    if unit is not None:
        board.move(unit, Step.PREPARE)
        board.show(unit, state=State.PENDING, reason=event.reason, started_at=None, ended_at=None)


def on_keyed(board: Board, event: StageKeyed) -> None:
    """Ready: it only waits for room."""
    unit = _prepared(board, event.instance, event.attempt)
    if unit is None:
        return
    board.remember_attempt(unit, event.attempt)
    board.move(unit, Step.READY)
    _show_fresh(board, unit, State.READY, attempt=event.attempt, key=event.key, why=event.because)


def on_cached(board: Board, event: StageCached) -> None:
    """An earlier result is taken; without the metrics its gate needs it is a broken contract."""
    unit = _prepared(board, event.instance)
    if unit is None:
        return
    _show_fresh(board, unit, State.PENDING, key=event.key)
    failure = _gate_failure(unit, event.metrics)
    if failure is not None:
        _failed(board, unit, failure, event.at)
        return
    _succeed(
        board,
        unit,
        State.CACHED,
        f"as in {event.source}" if event.source else "",
        metrics=event.metrics,
        outputs=event.outputs,
        source=event.source,
        ended_at=event.at,
    )


def on_stale(board: Board, event: StageStale) -> None:
    """It is kept although its key would differ now."""
    unit = board.units.get(event.instance)
    if unit is not None and unit.step is Step.DONE:
        board.show(unit, stale=True, reason=event.because)


def on_failed_early(board: Board, event: StageFailed) -> None:
    """It failed before it could start; that counts as an attempt."""
    unit = board.units.get(event.instance)
    if unit is not None and unit.step is Step.EXPAND:
        _failed(board, unit, event.failure, event.at, for_good=True)
        return
    unit = _prepared(board, event.instance, event.attempt)
    if unit is None:
        unit = board.units.get(event.instance)
        if unit is None or unit.step is not Step.READY or unit.row.attempt != event.attempt:
            return
    board.remember_attempt(unit, event.attempt)
    since = unit.row.started_at if unit.row.state is State.BUILDING else None
    _show_fresh(board, unit, State.PENDING, attempt=event.attempt, key=unit.row.key)
    board.show(unit, started_at=since)
    _failed(board, unit, event.failure, event.at)


def on_starting(board: Board, event: AttemptStarting) -> None:
    """From here on something may exist outside."""
    unit = board.units.get(event.instance)
    if unit is None or unit.step is not Step.READY or unit.row.attempt != event.attempt:
        return
    board.move(unit, Step.LIVE)
    board.show(
        unit,
        state=State.RUNNING,
        engine=event.engine,
        target=event.target,
        started_at=event.at,
        object=None,
    )


def on_started(board: Board, event: AttemptStarted) -> None:
    """It runs; or its engine answers again, or a new runner found it."""
    unit = _live(board, event.instance, event.attempt)
    if unit is None:
        return
    is_new = unit.row.object != event.object
    board.show(
        unit,
        state=State.RUNNING,
        object=event.object,
        image=event.image or unit.row.image,
        reason="" if unit.row.state is State.UNKNOWN else unit.row.reason,
        started_at=event.at if is_new else unit.row.started_at,
    )


def on_unknown(board: Board, event: AttemptUnknown) -> None:
    """Its engine does not answer: not a failure."""
    unit = _live(board, event.instance, event.attempt)
    if unit is not None:
        board.show(unit, state=State.UNKNOWN, reason=event.reason)


def on_attempt_waiting(board: Board, event: AttemptWaiting) -> None:
    """Its engine has no room for it yet, or has now."""
    unit = _live(board, event.instance, event.attempt)
    if unit is not None and unit.row.state is not State.UNKNOWN:
        board.show(unit, reason=event.reason)


def on_ended(board: Board, event: AttemptEnded) -> None:
    """An attempt is over: done, failed, tried again later, or what a person wanted of it."""
    unit = _live(board, event.instance, event.attempt)
    if unit is None:
        return
    fate = unit.fate
    if fate is Fate.FORGET:
        board.move(unit, Step.GONE)
        board.drop(unit)
        return
    if fate is Fate.RESET:
        reset(board, unit)
        return
    left = {
        "ended_at": event.at,
        "exit_code": event.exit_code,
        "usage": event.usage,
        "outputs": event.outputs,
        "metrics": event.metrics,
    }
    failure = event.failure or _gate_failure(unit, event.metrics)
    if failure is None:
        _succeed(board, unit, State.SUCCEEDED, "", **left)
    else:
        board.show(unit, **left)
        _failed(board, unit, failure, event.at, for_good=fate is Fate.CANCEL)


# --- what follows from them -----------------------------------------------------------------


def _prepared(board: Board, instance: Instance, attempt: int | None = None) -> Unit | None:
    """The unit, if it was being prepared; that it was says that its backoff, if any, is over."""
    unit = board.units.get(instance)
    if unit is None or unit.step not in (Step.PREPARE, Step.BACKOFF):
        return None
    return unit if attempt in (None, board.next_attempt(unit)) else None


def _live(board: Board, instance: Instance, attempt: int) -> Unit | None:
    unit = board.units.get(instance)
    if unit is None or unit.step is not Step.LIVE or unit.row.attempt != attempt:
        return None
    return unit


def _show_fresh(
    board: Board,
    unit: Unit,
    state: State,
    *,
    attempt: int | None = None,
    key: str | None = None,
    why: str = "",
) -> None:
    """A new attempt's row: nothing of the attempt before is left in it."""
    board.show(
        unit,
        state=state,
        attempt=unit.row.attempt if attempt is None else attempt,
        key=key,
        reason=why,
        failure=None,
        started_at=None,
        ended_at=None,
        object=None,
        image=None,
        exit_code=None,
        gate=None,
        metrics={},
        outputs={},
        usage=Usage(),
        source=None,
    )


def _gate_failure(unit: Unit, metrics: Mapping[str, float]) -> Failure | None:
    gate = unit.stage.gate
    return None if gate is None else gates.check_metrics(gate, metrics)


def _succeed(board: Board, unit: Unit, state: State, reason: str, **left: Any) -> None:
    """It is done. `left`: fields of its row that say what it left."""
    unit.tries, unit.force, unit.done_state = 0, False, state
    board.move(unit, Step.DONE)
    board.show(unit, state=state, failure=None, reason=reason, **left)
    board.set_token(unit.done, Status.GOOD)


def _failed(
    board: Board, unit: Unit, failure: Failure, at: float, *, for_good: bool = False
) -> None:
    """Try again after a while if the stage's retry policy says so, else it has failed."""
    unit.tries += 1
    retry = unit.stage.retry
    again = failure.kind in retry.on and failure.kind is not FailureClass.CANCELLED
    if again and unit.tries < retry.attempts and not for_good:
        pause = backoff_s(retry.backoff_s, unit.tries)
        board.sleep(unit, at + pause)
        text = f"attempt {unit.row.attempt} failed ({failure.kind}): {failure.message}"
        board.show(unit, state=State.PENDING, failure=failure.kind, reason=text, ended_at=at)
        return
    if failure.kind is FailureClass.CANCELLED:
        cancelled(board, unit, failure.message or "it was cancelled", at)
        return
    fail(board, unit, failure, at)


def fail(board: Board, unit: Unit, failure: Failure, at: float | None) -> None:
    """It has failed, until a person retries it."""
    board.move(unit, Step.FAILED)
    board.show(unit, state=State.FAILED, failure=failure.kind, reason=failure.message, ended_at=at)
    close(board, unit, f"{unit.instance.label} failed ({failure.kind})")


def cancelled(board: Board, unit: Unit, why: str, at: float | None) -> None:
    """It is cancelled, until a person retries it."""
    unit.by_run = bool(board.cancelled)
    board.move(unit, Step.CANCELLED)
    kind = FailureClass.CANCELLED if unit.row.started_at is not None else None
    ended_at = at if unit.row.started_at is not None else None
    board.show(unit, state=State.CANCELLED, failure=kind, reason=why, ended_at=ended_at)
    close(board, unit, f"{unit.instance.label} was cancelled")


def backoff_s(first_s: float, failures: int) -> float:
    """Seconds to wait after so many failed attempts: doubled each time, at most 300."""
    return float(min(MAX_BACKOFF_S, first_s * 2.0 ** min(failures - 1, 60)))
