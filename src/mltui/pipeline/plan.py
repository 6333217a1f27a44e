"""What takes part in a run: which stages, in which order, inside which loops, with which params.

Made once when a run starts (and anew by a retry) from the project and what was asked for; the
scheduler, the runner and the screens read it. Pure and frozen, so a journal can make it again.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NoReturn

from mltui.errors import UsageError
from mltui.pipeline.model import RoundPath
from mltui.spec.graph import Graph, Loop, producers
from mltui.spec.model import Gate, ParamValue, Spec, Stage
from mltui.spec.spelling import did_you_mean


@dataclass(frozen=True, slots=True, eq=False)
class PlanLoop:
    """A gate as the rules see it: a loop, or (`restart` None) a condition judged once."""

    gate_stage: str
    restart: str | None
    body: tuple[str, ...]
    """The stages of the body that take part, in the plan's order."""
    depth: int
    """How many loops are around it."""
    max_rounds: int
    tries: tuple[Mapping[str, ParamValue], ...] = ()
    gate: Gate | None = None
    """None when the gated stage takes no part: then only round 1 runs, and nothing is judged."""

    @property
    def is_loop(self) -> bool:
        """It has rounds; a gate without `restart` has none."""
        return self.restart is not None

    def configuration(self, number: int) -> Mapping[str, ParamValue]:
        """The params that round `number` sets. Rounds beyond `try` repeat its last one."""
        if not self.tries:
            return {}
        return self.tries[min(number, len(self.tries)) - 1]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The part of a project that one run is about. Stages are in `order`, producers first."""

    spec: Spec
    order: tuple[str, ...]
    index: Mapping[str, int]
    producers: Mapping[str, tuple[str, ...]]
    consumers: Mapping[str, tuple[str, ...]]
    loops: tuple[PlanLoop, ...]
    """Outer loops before inner ones; gates without a loop are not among them."""
    loops_of: Mapping[str, tuple[PlanLoop, ...]]
    """The loops around each stage, outermost first; also those that are not judged here."""
    gates: Mapping[str, PlanLoop]
    """Each gate that is judged, with or without a loop, by its stage."""
    family: Mapping[str, str]
    """`for_each` stage → the stage that its items come from by pairing (itself if unpaired)."""
    asked: tuple[str, ...] = ()
    start_from: frozenset[str] = frozenset()

    @classmethod
    def of(cls, spec: Spec, stages: Iterable[str] = (), start_from: Iterable[str] = ()) -> Plan:
        """Plan a run of `stages` with everything they need; of all stages if none are named.

        A stage outside a loop that reads from its body needs the loop's gated stage as well, for
        it reads the accepted round. `spec` already has what `--set` gave (`spec.apply_overrides`).
        Raises UsageError for a stage that is not there, and for loops that wait for each other.
        """
        graph = Graph.of(spec)
        asked, forced = tuple(dict.fromkeys(stages)), frozenset(start_from)
        for name in (*asked, *sorted(forced)):
            _known(name, spec.stages)
        chosen = _closure(graph, asked) if asked else set(graph.order)
        outside = sorted(forced - chosen)
        if outside:
            raise UsageError(f"`{outside[0]}` takes no part in a run of {', '.join(asked)}")
        names = [name for name in graph.order if name in chosen]
        loops_of = _loops_around(graph, names)
        made = {name: producers(spec.stages[name]) for name in names}
        order = _order([name for name in spec.stages if name in chosen], made, loops_of)
        loops, around = _loops(spec, graph, order)
        gates = {loop.gate_stage: loop for loop in loops if loop.gate is not None}
        for name in order:
            gate = spec.stages[name].gate
            if gate is not None and gate.restart is None:
                gates[name] = PlanLoop(name, None, (name,), len(around[name]), 1, (), gate)
        return cls(
            spec=spec,
            order=order,
            index={name: index for index, name in enumerate(order)},
            producers=made,
            consumers={
                name: tuple(c for c in graph.children[name] if c in chosen) for name in order
            },
            loops=loops,
            loops_of=around,
            gates=gates,
            family=_families(spec, order),
            asked=asked,
            start_from=forced,
        )

    def stage(self, name: str) -> Stage:
        """A stage that takes part, by its name."""
        return self.spec.stages[name]

    def shared_depth(self, one: str, other: str) -> int:
        """How many loops both stages are in: so much of a round's path they have in common."""
        count = 0
        for mine, theirs in zip(self.loops_of[one], self.loops_of[other], strict=False):
            if mine is not theirs:
                break
            count += 1
        return count

    def params_at(self, name: str, path: RoundPath) -> dict[str, ParamValue]:
        """All params as they are for a stage in a round: the project's, then each `try`."""
        values = dict(self.spec.params)
        for loop, number in zip(self.loops_of[name], path, strict=True):
            values.update(loop.configuration(number))
        return values

    def named_params_at(self, name: str, path: RoundPath) -> dict[str, ParamValue]:
        """Only the params that the stage names; `round` is no param, but a fact of the instance."""
        values = self.params_at(name, path)
        named = self.spec.stages[name].params
        return {param: values[param] for param in named if param in values}


def _known(name: str, stages: Iterable[str]) -> None:
    names = list(stages)
    if name not in names:
        hint = did_you_mean(name, names)
        raise UsageError(f"there is no stage `{name}`" + (f": {hint}" if hint else ""))


def _closure(graph: Graph, asked: Iterable[str]) -> set[str]:
    around: dict[str, list[int]] = {}
    for number, loop in enumerate(graph.loops):
        for name in loop.body:
            around.setdefault(name, []).append(number)
    chosen: set[str] = set()
    todo = list(asked)
    while todo:
        name = todo.pop()
        if name in chosen:
            continue
        chosen.add(name)
        for parent in graph.parents[name]:
            todo.append(parent)
            todo.extend(
                graph.loops[number].gate_stage
                for number in around.get(parent, ())
                if name not in graph.loops[number].body
            )
    return chosen


def _loops_around(graph: Graph, names: Iterable[str]) -> dict[str, list[Loop]]:
    around: dict[str, list[Loop]] = {name: [] for name in names}
    for loop in graph.loops:
        for name in loop.body & around.keys():
            around[name].append(loop)
    return around


def _order(
    names: list[str],
    made: Mapping[str, tuple[str, ...]],
    loops_of: Mapping[str, list[Loop]],
) -> tuple[str, ...]:
    """Whatever a stage waits for comes before it, gates that must be settled included."""
    waits: dict[str, set[str]] = {}
    for name in names:
        mine = loops_of[name]
        waits[name] = set()
        for producer in made[name]:
            outer = next((loop for loop in loops_of[producer] if loop not in mine), None)
            waits[name].add(producer if outer is None else outer.gate_stage)
    waiting_for: dict[str, list[str]] = {name: [] for name in names}
    for name in names:
        for before in waits[name]:
            waiting_for[before].append(name)
    rank = {name: index for index, name in enumerate(names)}
    ready = [rank[name] for name in names if not waits[name]]
    heapq.heapify(ready)
    order: list[str] = []
    while ready:
        name = names[heapq.heappop(ready)]
        order.append(name)
        for after in waiting_for[name]:
            waits[after].discard(name)
            if not waits[after]:
                heapq.heappush(ready, rank[after])
    if len(order) < len(names):
        _refuse(names, waits, loops_of)
    return tuple(order)


def _refuse(
    names: list[str], waits: Mapping[str, set[str]], loops_of: Mapping[str, list[Loop]]
) -> NoReturn:
    """Name the loops in a circle: each reads what the other only gives when it is settled."""
    path = [next(name for name in names if waits[name])]
    while path[-1] not in path[:-1]:
        path.append(next(name for name in names if name in waits[path[-1]]))
    circle = path[path.index(path[-1]) + 1 :]
    gates = [n for n in names if n in circle and any(loop.gate_stage == n for loop in loops_of[n])]
    shown = " and ".join(f"`{name}`" for name in gates)
    raise UsageError(
        f"the loops of the gates on {shown} wait for each other: each reads what the other only"
        " gives once it is settled; put them into one loop, or let one read from before the other"
    )


def _loops(
    spec: Spec, graph: Graph, order: tuple[str, ...]
) -> tuple[tuple[PlanLoop, ...], dict[str, tuple[PlanLoop, ...]]]:
    rank = {name: index for index, name in enumerate(order)}
    around: dict[str, tuple[PlanLoop, ...]] = dict.fromkeys(order, ())
    found = []
    for loop in graph.loops:
        body = tuple(sorted((n for n in loop.body if n in rank), key=rank.__getitem__))
        if not body:
            continue
        gate = spec.stages[loop.gate_stage].gate
        assert gate is not None
        made = PlanLoop(
            gate_stage=loop.gate_stage,
            restart=loop.restart,
            body=body,
            depth=len(around[body[0]]),
            max_rounds=gate.max_rounds,
            tries=gate.tries,
            gate=gate if loop.gate_stage in rank else None,
        )
        found.append(made)
        for name in body:
            around[name] = (*around[name], made)
    return tuple(found), around


def _families(spec: Spec, order: Iterable[str]) -> dict[str, str]:
    roots: dict[str, str] = {}
    for name in order:  # producers first, so the partner's root is known
        each = spec.stages[name].for_each
        if each is not None:
            roots[name] = roots.get(each.pairs_with, name) if each.pairs_with else name
    return roots
