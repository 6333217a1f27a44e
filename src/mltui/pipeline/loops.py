"""Loops at work: judging a round, beginning the next, settling, taking back what was settled.

Private to `mltui.pipeline`. Rulings (design: Loops): a round that passes is accepted at once;
running out of rounds exhausts the loop; an inner loop starts anew in each outer round.
"""

from __future__ import annotations

from mltui.pipeline import gates
from mltui.pipeline.board import Board
from mltui.pipeline.layout import link_gate, open_scope
from mltui.pipeline.model import GateJudged, Instance, RoundPath, State, Verdict
from mltui.pipeline.units import Fate, LoopRun, LoopStatus, Status, Step, Unit
from mltui.spec.model import Otherwise

_ABANDONABLE = (Step.WAIT, Step.EXPAND, Step.BACKOFF, Step.PREPARE, Step.READY)


def evaluate_loop(board: Board, run: LoopRun) -> None:
    """Follow the gated stage of the present round: to judge when it is done, bad when it is."""
    run.upset = False
    if run.status is not LoopStatus.OPEN:
        return
    gated = board.units[run.gate_instance(run.round)]
    if gated.abandoned:
        board.to_judge.pop(run, None)
        board.set_token(run.token, Status.BAD, gated.abandoned)
        return
    if gated.done.status is Status.GOOD:
        if run not in board.to_judge:
            board.to_judge[run] = None
            board.fresh_judge = True
            run.asked = False
        return
    board.to_judge.pop(run, None)
    board.set_token(run.token, gated.done.status, gated.done.reason)


def loops_around(board: Board, stage: str, path: RoundPath) -> list[tuple[LoopRun, int]]:
    """The judged loops around an instance with its round in each, outermost first."""
    found = []
    for depth, loop in enumerate(board.plan.loops_of[stage]):
        if loop.gate is not None:
            found.append((board.loops[loop.gate_stage, path[:depth]], path[depth]))
    return found


def reopen_around(board: Board, unit: Unit) -> None:
    """A unit starts anew: forget later rounds of the loops around it, judge this one again."""
    stage, path = unit.instance.stage, unit.instance.path
    for run, number in loops_around(board, stage, path):
        truncate(board, run, number)
    if unit.instance.item is None:
        plain = board.loops.get((stage, path))
        if plain is not None and not plain.loop.is_loop:
            truncate(board, plain, 1)


def truncate(board: Board, run: LoopRun, number: int) -> None:
    """Take a loop back to round `number`, unjudged. Rounds a person added stay allowed."""
    if number > run.round:
        return
    later = run.round > number
    for gone in range(run.round, number, -1):
        _forget_round(board, run, gone)
    if later:
        run.round = number
        link_gate(board, run)
    _take_up_round(board, run, number)
    for judged in [n for n in run.verdicts if n >= number]:
        del run.verdicts[judged]
    _unsettle(board, run)
    board.touch(run)


def judgement(board: Board, run: LoopRun, at: float) -> GateJudged:
    """The verdict on the present round and what follows from it, by the rules."""
    gated = board.units[run.gate_instance(run.round)]
    gate, loop = gated.stage.gate, run.loop
    assert gate is not None
    params = board.plan.params_at(loop.gate_stage, gated.instance.path)
    metrics = gated.row.metrics
    verdict = gates.judge(gate, metrics, params, run.round)
    instance = gated.instance
    if verdict is Verdict.PASSED:
        return GateJudged(at, instance, verdict, "accept", run.round)
    if verdict is Verdict.UNMEASURED:
        failure = gates.check_metrics(gate, metrics) or gates.check_params(gate, params)
        action = "pause" if gate.otherwise is Otherwise.PAUSE else "fail"
        return GateJudged(at, instance, verdict, action, reason=failure.message if failure else "")
    short = gates.gap(gate, metrics, params, run.round)
    if run.round < run.limit:
        return GateJudged(at, instance, verdict, "again", reason=short)
    if gate.otherwise is Otherwise.ACCEPT_BEST:
        best = gates.best_round(gate.best, candidates(board, run)) if gate.best else run.round
        if best is not None:
            text = f"the best of {_rounds(run.round)}; round {run.round}: {short}"
            return GateJudged(at, instance, Verdict.ACCEPTED_BEST, "accept", best, reason=text)
    action = "pause" if gate.otherwise is Otherwise.PAUSE else "fail"
    text = f"{short}, after {_rounds(run.round)}" if loop.is_loop else short
    return GateJudged(at, instance, verdict, action, reason=text)


def _rounds(number: int) -> str:
    return "1 round" if number == 1 else f"{number} rounds"


def candidates(board: Board, run: LoopRun) -> dict[int, dict[str, float]]:
    """Round → metrics of the rounds that may be accepted: those whose gated stage is done.

    Everything in a body is upstream of its gate, so a round with a failed stage is not among them.
    """
    found = {}
    for number in range(1, run.round + 1):
        gated = board.units.get(run.gate_instance(number))
        if gated is not None and gated.step is Step.DONE:
            found[number] = dict(gated.row.metrics)
    return found


def find_run(board: Board, instance: Instance) -> LoopRun | None:
    """The passage of the loop that an instance of a gated stage belongs to."""
    loop = board.plan.gates.get(instance.stage)
    if loop is None:
        return None
    return board.loops.get((instance.stage, instance.path[:-1] if loop.is_loop else instance.path))


def judged(board: Board, event: GateJudged) -> LoopRun | None:
    """Apply a verdict, of the rules or of a person. One that no longer fits changes nothing.

    Returns the passage of the loop that it changed.
    """
    run = find_run(board, event.instance)
    by_person = event.by != "gate"
    number = event.instance.round if run is not None and run.loop.is_loop else 1
    if run is None or number > run.round:
        return None
    is_due = run in board.to_judge and number == run.round
    if not by_person and not is_due:
        return None
    accepted = event.accepted if event.accepted is not None else number
    if event.action == "accept" and accepted not in candidates(board, run):
        return None
    if event.action == "again" and not run.loop.is_loop:
        return None
    if event.action == "accept" and run.accepted == accepted:
        return None
    if by_person:
        _reopen_outer(board, run)
    board.to_judge.pop(run, None)
    gated = board.units[run.gate_instance(run.round)]
    if not by_person:
        _keep_verdict(board, run, number, event, accepted)
    if event.action == "accept":
        _unsettle(board, run)
        _give_up_round(board, run, f"round {accepted} was accepted")
        run.status, run.accepted, run.reason = LoopStatus.SETTLED, accepted, event.reason
        show_accepted(board, run)
        board.set_token(run.token, Status.GOOD)
    elif event.action == "again":
        _unsettle(board, run)
        run.limit = max(run.limit, run.round + max(1, event.more_rounds))
        _give_up_round(board, run, f"round {run.round + 1} was begun")
        if event.reason and gated.step is Step.DONE:
            board.show(gated, reason=event.reason)
        run.round += 1
        open_scope(board, run, run.round)
        link_gate(board, run)
    else:
        _stop_at(board, run, gated, event)
    return run


def _stop_at(board: Board, run: LoopRun, gated: Unit, event: GateJudged) -> None:
    """The loop ends here without a round: failed, or until a person decides."""
    _unsettle(board, run)
    run.reason = event.reason
    label = gated.instance.label
    if event.action == "pause":
        run.status = LoopStatus.PAUSED
        if gated.step is Step.DONE:
            board.show(gated, state=State.PAUSED)
        board.show(gated, reason=f"{event.reason}: a person decides" if event.reason else "")
        say_who_waits(board, run, f"waits for a person's decision on {label}")
        return
    run.status = LoopStatus.FAILED
    if event.by != "gate":
        _give_up_round(board, run, "the gate was failed by a person")
    board.show(gated, reason=event.reason)
    text = f": {event.reason}" if event.reason else ""
    board.set_token(run.token, Status.BAD, f"{label} did not pass its gate{text}")


def say_who_waits(board: Board, run: LoopRun, reason: str) -> None:
    """Tell in the rows of those behind a gate what they wait for, or (empty) no longer do."""
    for waiter in run.token.consumers:
        if not isinstance(waiter, Unit) or waiter.step is not Step.WAIT:
            continue
        if waiter.row.state is State.PENDING:
            board.show(waiter, reason=reason)


def _keep_verdict(
    board: Board, run: LoopRun, number: int, event: GateJudged, accepted: int
) -> None:
    is_best = event.verdict is Verdict.ACCEPTED_BEST
    own = Verdict.NOT_PASSED if is_best and accepted != number else event.verdict
    run.verdicts[number] = own
    board.show(board.units[run.gate_instance(number)], gate=own)
    if is_best:
        run.verdicts[accepted] = event.verdict
        gated = board.units[run.gate_instance(accepted)]
        board.show(gated, gate=event.verdict, reason=event.reason)


def _reopen_outer(board: Board, run: LoopRun) -> None:
    """A person decides on an inner loop: the loops around it go on from that round."""
    around = loops_around(board, run.loop.gate_stage, run.gate_instance(1).path)
    for outer, number in around:
        if outer is not run:
            truncate(board, outer, number)


def _unsettle(board: Board, run: LoopRun) -> None:
    if run.status is LoopStatus.OPEN:
        return
    was = run.status
    run.status, run.accepted, run.reason = LoopStatus.OPEN, None, ""
    run.asked = False
    gated = board.units.get(run.gate_instance(run.round))
    if was is LoopStatus.PAUSED and gated is not None and gated.step is Step.DONE:
        board.show(gated, state=gated.done_state, reason="")
    if was is LoopStatus.PAUSED:
        say_who_waits(board, run, "")
    if was is LoopStatus.SETTLED:
        _downgrade(board, run)
        show_accepted(board, run)
    board.set_token(run.token, Status.OPEN)


def _downgrade(board: Board, run: LoopRun) -> None:
    """A round is no longer the accepted best, only one that did not pass."""
    for number, verdict in run.verdicts.items():
        if verdict is Verdict.ACCEPTED_BEST:
            run.verdicts[number] = Verdict.NOT_PASSED
            board.show(board.units[run.gate_instance(number)], gate=Verdict.NOT_PASSED, reason="")


def show_accepted(board: Board, run: LoopRun) -> None:
    """Mark in the rows of a loop whether theirs are the outputs used outside of all loops."""
    for unit in _members(run):
        instance = unit.instance
        used = all(
            around.accepted == number
            for around, number in loops_around(board, instance.stage, instance.path)
        )
        for one in (unit, *unit.items.values()):
            board.show(one, accepted=used)


def _members(run: LoopRun) -> list[Unit]:
    found: dict[Unit, None] = {}
    todo = [run]
    while todo:
        at = todo.pop()
        if not at.loop.is_loop:
            continue
        for units in at.members.values():
            found.update(dict.fromkeys(units))
        for runs in at.inner.values():
            todo.extend(runs)
    return list(found)


def _forget_round(board: Board, run: LoopRun, number: int) -> None:
    for inner in run.inner.pop(number, ()):
        if inner.loop.is_loop:
            for later in range(inner.round, 1, -1):
                _forget_round(board, inner, later)
        _forget_loop(board, inner)
    for unit in run.members.pop(number, ()):
        board.forget(unit)


def _forget_loop(board: Board, run: LoopRun) -> None:
    board.wait_for(run, ())
    board.to_judge.pop(run, None)
    run.status = LoopStatus.FAILED  # so that a last look at it does nothing
    board.loops.pop((run.loop.gate_stage, run.prefix), None)


def _give_up_round(board: Board, run: LoopRun, why: str) -> None:
    """Nothing more is done for the present round if its gated stage is not done."""
    if not run.loop.is_loop or board.units[run.gate_instance(run.round)].step is Step.DONE:
        return
    _abandon(board, run, why)


def _abandon(board: Board, run: LoopRun, why: str) -> None:
    run.given_up.add(run.round)
    for unit in run.members.get(run.round, ()):
        for one in (*unit.items.values(), unit):
            one.abandoned = why
            if one.step is Step.LIVE:
                if one.fate is not Fate.FORGET:
                    board.doom(one, Fate.CANCEL)
            elif one.step in _ABANDONABLE:
                board.move(one, Step.WAIT)
            board.touch(one)
    for inner in run.inner.get(run.round, ()):
        _abandon(board, inner, why)
        board.touch(inner)


def _take_up_round(board: Board, run: LoopRun, number: int) -> None:
    """A round that was given up counts again."""
    if number not in run.given_up:
        return
    run.given_up.discard(number)
    for unit in run.members.get(number, ()):
        for one in (unit, *unit.items.values()):
            one.abandoned = ""
            if one.step is Step.LIVE and one.fate is Fate.CANCEL:
                one.fate = Fate.RESET
            elif one.step is Step.CANCELLED:
                board.move(one, Step.WAIT)
            board.touch(one)
    for inner in run.inner.get(number, ()):
        _take_up_round(board, inner, inner.round)
        board.touch(inner)
