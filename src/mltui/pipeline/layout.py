"""Laying out a run: which units a round or a fan-out brings, and what each waits for.

Private to `mltui.pipeline`; called when a run is planned, a round begins, items become known.

Whoever reads from inside a loop that it is not in waits for that loop's gate to be settled; then
it sees one accepted round, never a mix (design: Loops).
"""

from __future__ import annotations

from mltui.pipeline.board import Board
from mltui.pipeline.model import Instance, RoundPath
from mltui.pipeline.plan import PlanLoop
from mltui.pipeline.units import LoopRun, Status, Token, Unit
from mltui.spec.model import Stage


def open_scope(board: Board, run: LoopRun | None, number: int) -> None:
    """Lay out round `number` of a loop (with round 1 of the loops in it), or the whole run."""
    plan = board.plan
    prefix: RoundPath = () if run is None else (*run.prefix, number)
    stages = plan.order if run is None else run.loop.body
    members: list[Unit] = []
    inner: list[LoopRun] = []
    for loop in inner_loops(board, run):
        made = LoopRun(loop, prefix + (1,) * (loop.depth - len(prefix)))
        board.loops[loop.gate_stage, made.prefix] = made
        inner.append(made)
    for name in stages:
        path = prefix + (1,) * (len(plan.loops_of[name]) - len(prefix))
        members.append(_lay(board, plan.stage(name), path, inner))
    for made in inner:
        link_gate(board, made)
        if made.loop.is_loop:
            split_members(made, members, inner)
    if run is not None:
        run.members[number], run.inner[number] = members, inner


def inner_loops(board: Board, run: LoopRun | None) -> list[PlanLoop]:
    """The judged loops that lie strictly inside one, or in the whole run."""
    depth = 0 if run is None else run.loop.depth + 1
    body = None if run is None else set(run.loop.body)
    return [
        loop
        for loop in board.plan.loops
        if loop.gate is not None
        and loop.depth >= depth
        and (body is None or loop.gate_stage in body)
    ]


def split_members(made: LoopRun, members: list[Unit], inner: list[LoopRun]) -> None:
    """Tell a loop which units and inner loops its round 1 got from the scope around it."""
    body = set(made.loop.body)
    made.members[1] = [unit for unit in members if unit.instance.stage in body]
    made.inner[1] = [run for run in inner if run is not made and run.loop.gate_stage in body]


def _lay(board: Board, stage: Stage, path: RoundPath, inner: list[LoopRun]) -> Unit:
    unit = board.new_unit(Instance(stage.name, path), stage)
    gate = board.plan.gates.get(stage.name)
    if gate is not None and not gate.is_loop:
        made = LoopRun(gate, path)
        board.loops[stage.name, path] = made
        inner.append(made)
    if stage.for_each is not None:
        unit.known = unit.known or Token(unit)
        unit.known.status = Status.OPEN
    board.wait_for(unit, unit_tokens(board, unit))
    return unit


def link_gate(board: Board, run: LoopRun) -> None:
    """Make a loop watch the gated stage of its present round."""
    board.wait_for(run, (board.units[run.gate_instance(run.round)].done,))


def unit_tokens(board: Board, unit: Unit) -> tuple[Token, ...]:
    """What a unit waits for. A whole waits only for what its items can't be known without."""
    stage, path = unit.stage, unit.instance.path
    each = stage.for_each
    if each is None:
        return input_tokens(board, unit)
    if unit.instance.item is not None:
        return item_tokens(board, stage, path, unit.instance.item)
    if each.stage is not None:
        return (stage_token(board, stage.name, path, each.stage),)
    if each.pairs_with is None:
        return ()
    family = [name for name in board.plan.producers[stage.name] if is_kin(board, stage.name, name)]
    return tuple(_known_token(board, stage.name, path, name) for name in family)


def input_tokens(board: Board, unit: Unit) -> tuple[Token, ...]:
    """All that a plain stage waits for: the results of every producer."""
    stage, path = unit.stage, unit.instance.path
    names = board.plan.producers[stage.name]
    return tuple(stage_token(board, stage.name, path, name) for name in names)


def stage_token(board: Board, reader: str, path: RoundPath, producer: str) -> Token:
    """What a reader in a round waits for, to have the results of `producer`."""
    plan = board.plan
    shared = plan.shared_depth(reader, producer)
    theirs = plan.loops_of[producer]
    if len(theirs) > shared:
        return board.loops[theirs[shared].gate_stage, path[:shared]].token
    gate = plan.gates.get(producer)
    if gate is not None and not gate.is_loop:
        return board.loops[producer, path[:shared]].token
    return board.units[Instance(producer, path[:shared])].done


def item_tokens(board: Board, stage: Stage, path: RoundPath, item: str) -> tuple[Token, ...]:
    """What one item waits for: of its kin the same item, of all others what any stage would."""
    tokens = []
    for name in board.plan.producers[stage.name]:
        shared = board.plan.shared_depth(stage.name, name)
        same_round = len(board.plan.loops_of[name]) == shared
        if is_kin(board, stage.name, name) and same_round:
            partner = board.units.get(Instance(name, path[:shared], item))
            if partner is not None:
                tokens.append(partner.done)
                continue
        tokens.append(stage_token(board, stage.name, path, name))
    return tuple(tokens)


def is_kin(board: Board, reader: str, producer: str) -> bool:
    """Both fan out over the same items, by pairing (chains of pairing share items)."""
    family = board.plan.family
    each = board.plan.stage(reader).for_each
    if each is None or each.pairs_with is None:
        return False
    return producer in family and family[producer] == family[reader]


def path_of(board: Board, reader: str, path: RoundPath, producer: str) -> RoundPath:
    """The round of `producer` whose outputs a reader sees; its loops are settled."""
    shared = board.plan.shared_depth(reader, producer)
    found = path[:shared]
    for loop in board.plan.loops_of[producer][shared:]:
        accepted = board.loops[loop.gate_stage, found].accepted
        assert accepted is not None, f"{producer} is read before {loop.gate_stage} is settled"
        found = (*found, accepted)
    return found


def _known_token(board: Board, reader: str, path: RoundPath, producer: str) -> Token:
    shared = board.plan.shared_depth(reader, producer)
    if len(board.plan.loops_of[producer]) > shared:
        return stage_token(board, reader, path, producer)
    known = board.units[Instance(producer, path[:shared])].known
    assert known is not None
    return known
