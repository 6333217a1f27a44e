"""What a person may decide about a gate: accept a round, have more rounds, or fail it.

Called through the scheduler by `mltui decide`, by the gate's dialog and by the runner, which
refuses with the same sentence. The same choice is open for `otherwise: pause`, for a loop that is
exhausted or failed, and for one whose present round has a failed stage (design: Retry).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mltui.errors import UsageError
from mltui.pipeline import gates
from mltui.pipeline.board import Board
from mltui.pipeline.loops import candidates, find_run, loops_around
from mltui.pipeline.model import GateJudged, Instance, Verdict
from mltui.pipeline.units import LoopRun, LoopStatus, Step
from mltui.spec.model import ParamValue


@dataclass(frozen=True, slots=True)
class RoundChoice:
    """One round of a loop, as the dialog lists it."""

    round: int
    verdict: Verdict | None
    """None: not judged, or the round did not come to its gate."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    configuration: Mapping[str, ParamValue] = field(default_factory=dict)
    """What `try` set in it."""
    gap: str = ""
    is_best: bool = False
    is_accepted: bool = False
    why_not: str = ""
    """Why it can't be accepted; empty if it can."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What is on offer for one passage of a gate. An empty `why_not…` means: it may be done."""

    gate: Instance
    """The gated stage in the present round: what a decision is about."""
    needs: str
    status: str
    """open, settled, failed or paused."""
    rounds: tuple[RoundChoice, ...] = ()
    why_not_accept: str = ""
    why_not_more: str = ""
    why_not_fail: str = ""

    @property
    def is_open(self) -> bool:
        """There is something to decide."""
        return not (self.why_not_accept and self.why_not_more and self.why_not_fail)


def decide_options(board: Board, instance: Instance) -> Choices | None:
    """The choice at the gate of `instance`, in whichever round of its loop; None without a gate."""
    run = find_run(board, instance)
    if run is None:
        return None
    gated = run.gate_instance(run.round)
    gate = board.units[gated].stage.gate
    assert gate is not None
    found = candidates(board, run)
    best = gates.best_round(gate.best, found) if gate.best is not None else None
    rounds = tuple(_round(board, run, number, number == best) for number in range(1, run.round + 1))
    closed = _why_closed(board, run)
    other = any(not one.why_not for one in rounds)
    return Choices(
        gate=gated,
        needs=gates.needs(gate, board.plan.params_at(gated.stage, gated.path), run.round),
        status=run.status.value,
        rounds=rounds,
        why_not_accept=closed or ("" if other else "no other round came to its gate"),
        why_not_more=closed or why_not_more(board, instance) or "",
        why_not_fail=closed or ("it has failed" if run.status is LoopStatus.FAILED else ""),
    )


def why_not_more(board: Board, instance: Instance) -> str | None:
    """Why one more round can't be had, or would be the same again; None if it makes sense.

    Rounds beyond `try` repeat its last configuration, so without `${round}` in the body, and with
    every result cacheable, the next round would only find the last one's results.
    """
    run = find_run(board, instance)
    if run is None:
        return f"{instance.stage} has no gate in this run"
    loop = run.loop
    if not loop.is_loop:
        return f"the gate on {loop.gate_stage} has no `restart`: there are no rounds"
    if board.units[run.gate_instance(run.round)].step is not Step.DONE:
        return None  # the round did not come to its end: the next is a fresh chance
    now, then = loop.configuration(run.round), loop.configuration(run.round + 1)
    stages = [board.plan.stage(name) for name in loop.body]
    if now != then or any(stage.uses_round or not stage.cache.enabled for stage in stages):
        return None
    used = "`try` has no further configuration" if loop.tries else "the loop has no `try`"
    return (
        f"round {run.round + 1} would be the same as round {run.round}:"
        f" {used} and no stage from {loop.restart} to {loop.gate_stage} uses ${{round}}"
    )


def decide(
    board: Board,
    instance: Instance,
    at: float,
    by: str,
    accept: int | None,
    more: int,
    reason: str,
) -> GateJudged:
    """The event of a person's decision. Raises UsageError if it is not on offer."""
    offer = decide_options(board, instance)
    if offer is None:
        raise UsageError(f"{instance.label} has no gate in this run")
    if accept is not None and more:
        raise UsageError("either accept a round or ask for more, not both")
    if accept is not None:
        chosen = next((one for one in offer.rounds if one.round == accept), None)
        if chosen is None:
            raise UsageError(f"there is no round {accept}: there are {len(offer.rounds)}")
        if offer.why_not_accept or chosen.why_not:
            raise UsageError(
                f"round {accept} can't be accepted: {offer.why_not_accept}"
                f"{'' if offer.why_not_accept else chosen.why_not}"
            )
        verdict = chosen.verdict or Verdict.UNMEASURED
        return GateJudged(at, offer.gate, verdict, "accept", accept, by=by, reason=reason)
    verdict = offer.rounds[-1].verdict or Verdict.UNMEASURED
    if more:
        if more < 0:
            raise UsageError("ask for one more round, or several")
        if offer.why_not_more:
            raise UsageError(f"no more rounds: {offer.why_not_more}")
        return GateJudged(at, offer.gate, verdict, "again", more_rounds=more, by=by, reason=reason)
    if offer.why_not_fail:
        raise UsageError(f"it can't be failed: {offer.why_not_fail}")
    return GateJudged(at, offer.gate, verdict, "fail", by=by, reason=reason)


def _round(board: Board, run: LoopRun, number: int, is_best: bool) -> RoundChoice:
    instance = run.gate_instance(number)
    unit = board.units[instance]
    gate = unit.stage.gate
    assert gate is not None
    is_done = unit.step is Step.DONE
    why = "" if is_done else f"{instance.label} is {unit.row.state}"
    if run.accepted == number:
        why = "it is accepted already"
    params = board.plan.params_at(instance.stage, instance.path)
    return RoundChoice(
        round=number,
        verdict=run.verdicts.get(number) or (Verdict.UNMEASURED if not is_done else None),
        metrics=unit.row.metrics,
        configuration=run.loop.configuration(number) if run.loop.is_loop else {},
        gap=gates.gap(gate, unit.row.metrics, params, number) if is_done else "",
        is_best=is_best,
        is_accepted=run.accepted == number,
        why_not=why,
    )


def _why_closed(board: Board, run: LoopRun) -> str:
    """Why there is nothing to decide at this gate now; empty if there is."""
    gated = board.units[run.gate_instance(run.round)]
    around = loops_around(board, gated.instance.stage, run.gate_instance(1).path)
    for outer, number in around:
        if outer is not run and number != outer.round:
            return f"round {outer.round} of {outer.loop.gate_stage}'s loop has begun since"
    if run.status is LoopStatus.SETTLED:
        accepted = run.accepted or run.round
        if run.verdicts.get(accepted) is Verdict.PASSED:
            return f"round {accepted} passed" if run.loop.is_loop else "it passed"
        return ""
    if run.status is LoopStatus.OPEN:
        if gated.step is Step.DONE:
            return "it is being judged"
        if gated.row.state.is_final:
            return ""
        return f"round {run.round} is under way" if run.loop.is_loop else "it has not run yet"
    return ""
