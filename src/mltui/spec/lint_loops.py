"""Can each gate and its loop work? One part of `mltui.spec.lint`; the rules are the rulings on
loops in docs/architecture.md.

A loop that has no bound, that overlaps another or that would repeat the same round for nothing is
refused before anything runs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations

from mltui.spec.draft import Draft
from mltui.spec.graph import Loop, actors
from mltui.spec.model import (
    Compare,
    Expr,
    Gate,
    Metric,
    Not,
    Otherwise,
    Param,
    Round,
    Stage,
    YamlPath,
)
from mltui.spec.search import MAX_ROUNDS, Range
from mltui.spec.spelling import did_you_mean


def check_loops(draft: Draft) -> None:
    """Notes cycles, then every gate that can't work."""
    _check_names_in_gates(draft)
    if draft.graph.cycle:
        _fault_cycle(draft, draft.graph.cycle)
    for stage in draft.spec.stages.values():
        if stage.gate is not None:
            _check_gate(draft, stage, stage.gate)
    if not draft.graph.cycle:
        _check_overlaps(draft)


def _check_names_in_gates(draft: Draft) -> None:
    for path, _ in actors(draft.spec):
        at = (*path, "gate", "require")
        for name in draft.reading.names.get(at, ()):
            mark = draft.reading.place(at, name.offset)
            if isinstance(name.operand, Param):
                draft.check_known(name.operand.name, mark, "param", "params")
            elif isinstance(name.operand, Round) and path[0] == "monitors":
                draft.fault(mark, "a monitor has no rounds")


def _fault_cycle(draft: Draft, cycle: tuple[str, ...]) -> None:
    """Points at the edge that runs against the file's order: usually the one just written."""
    rank = {name: index for index, name in enumerate(draft.spec.stages)}
    edges = list(zip(cycle, (*cycle[1:], cycle[0]), strict=True))
    if len(cycle) == 1:
        return  # a stage that reads its own output: said where it does
    source, reader = next((s, r) for s, r in edges if rank[s] > rank[r])
    shown = " → ".join((*cycle, cycle[0]))
    stage = draft.spec.stages[reader]
    path: tuple[str, ...] = ("stages", reader, "inputs")
    for name, found in stage.inputs.items():
        if found.stage == source:
            path = ("stages", reader, "inputs", name)
            break
    else:
        if stage.for_each is not None:
            path = ("stages", reader, "for_each", stage.for_each.variable)
    if not draft.is_sound(*path):
        return
    hint = "to run stages again use a gate with `restart`"
    draft.fault(draft.at(*path), f"these stages feed each other: {shown}", hint)


def _check_gate(draft: Draft, stage: Stage, gate: Gate) -> None:
    path = ("stages", stage.name, "gate")
    if stage.for_each is not None or draft.has("stages", stage.name, "for_each"):
        hint = "judge the items in a stage after it"
        draft.fault(draft.key(*path), "a `for_each` stage can't have a gate", hint)
    known = True
    if gate.restart is not None and draft.is_sound(*path, "restart"):
        known = draft.check_known(gate.restart, draft.at(*path, "restart"), "stage", "stages")
    if not draft.is_sound(*path):
        return
    _check_search(draft, path)
    if gate.otherwise is Otherwise.ACCEPT_BEST and gate.best is None:
        hint = f"add e.g. `best: {_guess_best(gate.require)}`"
        draft.fault(draft.at(*path, "otherwise"), "`accept-best` needs `best`", hint)
    if gate.restart is None:
        for key in ("try", "max_rounds"):
            if draft.has(*path, key) and (key == "try" or gate.max_rounds > 1):
                hint = f"add e.g. `restart: {stage.name}`"
                draft.fault(draft.key(*path, key), f"`{key}` needs `restart`", hint)
        return
    mark = draft.at(*path, "restart")
    if not (draft.has(*path, "try") or draft.has(*path, "max_rounds")):
        draft.fault(draft.key(*path, "restart"), "this loop has no bound", "add `max_rounds: 5`")
    if not known or draft.graph.cycle:
        return
    before = draft.graph.ancestors(stage.name)
    if not all(draft.is_sound("stages", s, "inputs") for s in (*before, stage.name)):
        return
    if gate.restart != stage.name and gate.restart not in before:
        message = f"`{gate.restart}` does not feed `{stage.name}`, so the loop can't restart there"
        order = [name for name in draft.graph.order if name in before]
        draft.fault(mark, message, did_you_mean(gate.restart, [*order, stage.name]))
        return
    loop = draft.graph.loop_of_gate(stage.name)
    if loop is not None and all(draft.is_sound("stages", name) for name in loop.body):
        _check_tries(draft, gate, loop)
        _check_progress(draft, gate, loop)


def _check_search(draft: Draft, path: YamlPath) -> None:
    """A search is a grid, or drawn; and there is something in it."""
    if not (draft.names(*path, "try") or ()):
        return  # a list
    has_grid, has_random = (draft.has(*path, "try", key) for key in ("grid", "random"))
    mark = draft.key(*path, "try")
    if has_grid == has_random:
        message = "this search has both `grid` and `random`" if has_grid else "this search is empty"
        draft.fault(mark, message, "write either `grid: {c: [1, 10]}` or `random: {…}`")
        return
    for key in ("rounds", "seed"):
        if has_grid and draft.has(*path, "try", key):
            message = f"`{key}` is for a `random` search; a grid is tried as a whole"
            draft.fault(draft.key(*path, "try", key), message, "bound it with `max_rounds`")
    if has_grid:
        sizes = [
            len(list(_items(draft, (*path, "try", "grid", name))))
            for name in draft.names(*path, "try", "grid") or ()
        ]
        if math.prod(sizes) > MAX_ROUNDS:
            message = f"this grid has {math.prod(sizes):,} combinations; {MAX_ROUNDS:,} at most"
            draft.fault(mark, message, "use `random` with so many `rounds`")
    for name in draft.names(*path, "try", "random") or ():
        _check_range(draft, (*path, "try", "random", name))


def _items(draft: Draft, path: YamlPath) -> Iterator[int]:
    index = 0
    while (*path, index) in draft.spec.marks:
        yield index
        index += 1


def _check_range(draft: Draft, path: YamlPath) -> None:
    texts = draft.reading.texts
    if (*path, "from") not in texts or (*path, "to") not in texts:
        return
    low, high = (float(texts[*path, key]) for key in ("from", "to"))
    problem = Range(low, high, texts.get((*path, "scale")) == "log").problem
    if problem:
        draft.fault(draft.at(*path), f"the range of `{path[-1]}` {problem}")


def _check_tries(draft: Draft, gate: Gate, loop: Loop) -> None:
    body = [draft.spec.stages[name] for name in loop.body]
    named = {name for stage in body for name in stage.params}
    named |= {name for stage in body if stage.gate for name in _params(stage.gate.require)}
    path = ("stages", loop.gate_stage, "gate", "try")
    search = next((key for key in ("grid", "random") if draft.has(*path, key)), None)
    # A search tries the same params in every round: each is told of once, where it is written.
    configs = gate.tries if search is None else gate.tries[:1]
    for index, config in enumerate(configs):
        for name in config:
            mark = draft.key(*path, index if search is None else search, name)
            if draft.check_known(name, mark, "param", "params") and name not in named:
                stages = ", ".join(f"`{s}`" for s in draft.graph.order if s in loop.body)
                message = f"no stage of the loop names the param `{name}`: {stages}"
                draft.fault(mark, message, f"add `{name}` to the `params` of the stage it is for")


def _check_progress(draft: Draft, gate: Gate, loop: Loop) -> None:
    """The round is in a key only if a stage uses it, so other loops replay the first round."""
    body = [draft.spec.stages[name] for name in loop.body]
    if gate.tries or gate.max_rounds < 2 or any(stage.uses_round for stage in body):
        return
    if any(not stage.cache.enabled for stage in body) or Round() in _operands(gate.require):
        return
    mark = draft.key("stages", loop.gate_stage, "gate", "restart")
    message = "each round of this loop would be the same, taken from the cache"
    draft.fault(mark, message, "use `${round}` in a stage of the loop, or add `try`")


def _check_overlaps(draft: Draft) -> None:
    for one, other in combinations(draft.graph.loops, 2):
        common = one.body & other.body
        if not common or one.body <= other.body or other.body <= one.body:
            continue
        rank = list(draft.spec.stages)
        first, last = sorted((one, other), key=lambda loop: rank.index(loop.gate_stage))
        shown = ", ".join(f"`{name}`" for name in rank if name in common)
        message = (
            f"the loops of the gates on `{first.gate_stage}` and `{last.gate_stage}` overlap in "
            f"{shown}; they must be apart or one inside the other"
        )
        draft.fault(draft.at("stages", last.gate_stage, "gate", "restart"), message)


def _guess_best(expr: Expr) -> str:
    while not isinstance(expr, Compare):
        expr = expr.term if isinstance(expr, Not) else expr.terms[0]
    for side, upward in ((expr.left, (">", ">=")), (expr.right, ("<", "<="))):
        if isinstance(side, Metric):
            return f"{'max' if expr.op in upward else 'min'}({side.name})"
    return "max(accuracy)"


def _operands(expr: Expr) -> list[object]:
    found: list[object] = []
    todo = [expr]
    while todo:
        at = todo.pop()
        if isinstance(at, Compare):
            found += [at.left, at.right]
        else:
            todo.extend((at.term,) if isinstance(at, Not) else at.terms)
    return found


def _params(expr: Expr) -> set[str]:
    return {operand.name for operand in _operands(expr) if isinstance(operand, Param)}
