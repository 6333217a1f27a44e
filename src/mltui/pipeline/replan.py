"""A retry with the project as it is now: a new plan that takes over what still fits.

Private to `mltui.pipeline`; applied for every RunPlanned but the first. Ruling (design: Retry):
finished work is kept, even where its key would differ now; a stage that is new, or whose loops or
`for_each` are other ones, starts afresh, and so does what reads from it; what lives and has no
place any more is stopped.
"""

from __future__ import annotations

import heapq
from dataclasses import replace

from mltui.pipeline import fanout, steps
from mltui.pipeline.board import Board
from mltui.pipeline.layout import link_gate, open_scope
from mltui.pipeline.loops import say_who_waits, show_accepted
from mltui.pipeline.model import Instance, State
from mltui.pipeline.plan import Plan
from mltui.pipeline.units import Fate, LoopRun, LoopStatus, Status, Step, Unit


def replanned(old: Board, plan: Plan) -> Board:
    """The board of the new plan, with all of `old` that fits it."""
    new = Board(old.run, plan)
    new.attempts, new.tickets, new.at = old.attempts, old.tickets, old.at
    new.cancelled, new.was_cancelled, new.work = old.cancelled, old.was_cancelled, old.work
    open_scope(new, None, 1)
    _open_rounds(old, new)
    _expand_wholes(old, new)
    for unit in list(new.units.values()):
        found = old.units.get(unit.instance)
        if found is not None:
            _adopt(old, new, found, unit)
    for run in new.loops.values():
        _adopt_loop(old, new, run)
    for run in new.loops.values():
        if run.status is LoopStatus.SETTLED:
            show_accepted(new, run)
    for unit in sorted(new.units.values(), key=lambda unit: unit.order):
        if unit.step is Step.OPEN:  # what reads from its items must see now that they are done
            fanout.follow_items(new, unit)
    for unit in old.units.values():
        if unit.instance not in new.units and unit.step is Step.LIVE:
            _keep_ghost(old, new, unit)
    for unit in list(new.units.values()):
        if unit.missing and unit.step in (Step.DONE, Step.LIVE, Step.OPEN, Step.BACKOFF):
            unit.upset = True
            new.touch(unit)
    new.removed = {
        instance: None for instance in (*old.removed, *old.units) if instance not in new.units
    }
    return new


def _open_rounds(old: Board, new: Board) -> None:
    """As many rounds of each loop as there were."""
    todo = list(new.loops.values())
    for run in todo:  # grows: a round brings inner loops
        before = old.loops.get((run.loop.gate_stage, run.prefix))
        if before is None or not _same_loops(old, new, run.loop.gate_stage):
            continue
        given = before.limit if before.limit > before.loop.max_rounds else 0
        run.limit = max(run.limit, given)
        for number in range(2, before.round + 1):
            run.round = number
            open_scope(new, run, number)
            link_gate(new, run)
            todo.extend(run.inner[number])


def _expand_wholes(old: Board, new: Board) -> None:
    """Lay out the items again where they were known; pairs follow their partner."""
    for whole in sorted(new.units.values(), key=lambda unit: unit.order):
        each = whole.stage.for_each
        before = old.units.get(whole.instance)
        if each is None or before is None or before.step is not Step.OPEN:
            continue
        if not _same_loops(old, new, whole.instance.stage):
            continue
        if each.items is not None:
            fanout.expand(new, whole, each.items)
        elif each.pairs_with is not None:
            partner = _partner(old, new, whole, each.pairs_with)
            if partner is not None and partner.step is Step.OPEN:
                fanout.expand(new, whole, tuple(partner.items))
        elif before.stage.for_each == each:
            fanout.expand(new, whole, tuple(before.items))


def _partner(old: Board, new: Board, whole: Unit, name: str) -> Unit | None:
    """The partner's whole; None if its loop is not settled (as in the old board)."""
    stage, path = whole.instance.stage, whole.instance.path
    if new.plan.shared_depth(stage, name) == len(new.plan.loops_of[name]):
        return new.units[Instance(name, path[: len(new.plan.loops_of[name])])]
    if name not in old.plan.index or not _same_loops(old, new, name):
        return None
    known = old.loops.get
    depth = new.plan.shared_depth(stage, name)
    found = path[:depth]
    for loop in new.plan.loops_of[name][depth:]:
        run = known((loop.gate_stage, found))
        if run is None or run.accepted is None:
            return None
        found = (*found, run.accepted)
    return new.units.get(Instance(name, found))


def _same_loops(old: Board, new: Board, stage: str) -> bool:
    """Its rounds mean the same in both plans."""
    before = old.plan.loops_of.get(stage)
    if before is None:
        return False
    now = new.plan.loops_of[stage]
    return [(x.gate_stage, x.gate is None) for x in before] == [
        (x.gate_stage, x.gate is None) for x in now
    ]


def _adopt(old: Board, new: Board, was: Unit, unit: Unit) -> None:
    fits = was.is_whole == unit.is_whole and _same_loops(old, new, unit.instance.stage)
    if was.step is Step.LIVE:
        _take_row(new, was, unit)
        new.move(unit, Step.LIVE)
        _take_fate(old, new, was, unit)
        if not fits or was.fate is Fate.FORGET:
            if unit.fate is None:
                new.doom(unit, Fate.RESET)
            unit.fate = Fate.RESET
        unit.tries, unit.abandoned = was.tries, was.abandoned
        return
    if not fits:
        return
    unit.force, unit.abandoned = was.force, was.abandoned
    if was.step is Step.OPEN and unit.step is Step.OPEN:
        _take_row(new, was, unit)
    elif was.tries and was.step in (Step.BACKOFF, Step.PREPARE):
        # One whose backoff is over is prepared anew, for the project may be another.
        _take_row(new, was, unit)
        new.show(unit, state=State.PENDING, build=None)
        unit.tries, unit.due, unit.ticket = was.tries, was.due, was.ticket
        heapq.heappush(new.backoff, (unit.due, unit.ticket, unit))
        new.move(unit, Step.BACKOFF)
    elif was.step is Step.DONE:
        _take_row(new, was, unit)
        unit.done_state = was.done_state
        if was.row.state is State.PAUSED:
            new.show(unit, state=was.done_state)
        new.move(unit, Step.DONE)
        new.set_token(unit.done, Status.GOOD)
    elif was.step in (Step.FAILED, Step.CANCELLED):
        _take_row(new, was, unit)
        unit.by_run = was.by_run
        new.move(unit, was.step)
        steps.close(new, unit, was.done.reason)


def _take_row(new: Board, was: Unit, unit: Unit) -> None:
    row = was.row
    new.show(
        unit,
        **{
            name: getattr(row, name)
            for name in row.__dataclass_fields__
            if name not in ("run", "stage", "item", "path", "phase", "order", "accepted")
        },
    )


def _take_fate(old: Board, new: Board, was: Unit, unit: Unit) -> None:
    unit.fate = was.fate
    if was in old.to_stop:
        new.to_stop[unit] = None


def _keep_ghost(old: Board, new: Board, was: Unit) -> None:
    """It lives, but has no place in the new plan: stop it and wait until it has ended."""
    ghost = Unit(was.instance, was.stage, was.order, replace(was.row))
    new.units[was.instance] = ghost
    new.changed[was.instance] = None
    new.move(ghost, Step.LIVE)
    _take_fate(old, new, was, ghost)
    new.doom(ghost, Fate.FORGET)


def _adopt_loop(old: Board, new: Board, run: LoopRun) -> None:
    before = old.loops.get((run.loop.gate_stage, run.prefix))
    if before is None or before.loop.is_loop != run.loop.is_loop or before.round != run.round:
        return
    if not _same_loops(old, new, run.loop.gate_stage):
        return
    run.verdicts, run.given_up = dict(before.verdicts), set(before.given_up)
    settled = before.status is LoopStatus.SETTLED
    gated = new.units[run.gate_instance(before.accepted or run.round)]
    if gated.step is not Step.DONE and before.status is not LoopStatus.FAILED:
        return
    run.status, run.accepted, run.reason = before.status, before.accepted, before.reason
    if settled:
        new.set_token(run.token, Status.GOOD)
    elif run.status is LoopStatus.FAILED:
        new.set_token(run.token, Status.BAD, before.token.reason)
    elif run.status is LoopStatus.PAUSED:
        new.show(gated, state=State.PAUSED)
        say_who_waits(new, run, f"waits for a person's decision on {gated.instance.label}")
