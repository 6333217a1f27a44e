"""What takes part in a run: which stages, in which order, inside which loops, with which params.

Made once when a run starts (and anew by a retry) from the project and what was asked for; the
scheduler, the runner and the screens read it. Pure and frozen, so a journal can make it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mltui.errors import UsageError
from mltui.pipeline.model import RoundPath
from mltui.spec.graph import Graph, producers
from mltui.spec.model import Gate, ParamValue, Spec, Stage


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
    params: Mapping[str, ParamValue]
    """The project's params with what `--set` gave."""
    asked: tuple[str, ...] = ()
    start_from: frozenset[str] = frozenset()
    notes: tuple[str, ...] = field(default=())
    """What the person should hear before it starts, in sentences."""

    @classmethod
    def of(
        cls,
        spec: Spec,
        stages: Iterable[str] = (),
        start_from: Iterable[str] = (),
        overrides: Mapping[str, ParamValue] | None = None,
    ) -> Plan:
        """Plan a run of `stages` with everything they need; of all stages if none are named.

        A stage outside a loop that reads from its body needs the loop's gated stage as well, for
        it reads the accepted round. `overrides` are the values of `--set`, already read as YAML;
        setting a param that a `try` sets leaves that loop this one configuration.
        Raises UsageError for a stage, or a param, that is not there.
        """
        graph = Graph.of(spec)
        asked, forced = tuple(dict.fromkeys(stages)), frozenset(start_from)
        for name in (*asked, *sorted(forced)):
            _known(name, spec.stages, "stage")
        overrides = overrides or {}
        for name in overrides:
            _known(name, spec.params, "param")
        chosen = _closure(graph, asked) if asked else set(graph.order)
        outside = sorted(forced - chosen)
        if outside:
            raise UsageError(f"`{outside[0]}` takes no part in a run of {', '.join(asked)}")
        order = tuple(name for name in graph.order if name in chosen)
        loops, notes = _loops(spec, graph, order, overrides)
        around: dict[str, list[PlanLoop]] = {name: [] for name in order}
        gates: dict[str, PlanLoop] = {}
        for loop in loops:
            for name in loop.body:
                around[name].append(loop)
            if loop.gate is not None:
                gates[loop.gate_stage] = loop
        for name in order:
            gate = spec.stages[name].gate
            if gate is not None and gate.restart is None:
                gates[name] = PlanLoop(name, None, (name,), len(around[name]), 1, (), gate)
        return cls(
            spec=spec,
            order=order,
            index={name: index for index, name in enumerate(order)},
            producers={name: producers(spec.stages[name]) for name in order},
            consumers={
                name: tuple(c for c in graph.children[name] if c in chosen) for name in order
            },
            loops=loops,
            loops_of={name: tuple(found) for name, found in around.items()},
            gates=gates,
            family=_families(spec, order),
            params={**spec.params, **overrides},
            asked=asked,
            start_from=forced,
            notes=notes,
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
        """All params as they are for a stage in a round: project, `--set`, then each `try`."""
        values = dict(self.params)
        for loop, number in zip(self.loops_of[name], path, strict=True):
            values.update(loop.configuration(number))
        return values

    def named_params_at(self, name: str, path: RoundPath) -> dict[str, ParamValue]:
        """Only the params that the stage names; `round` is no param, but a fact of the instance."""
        values = self.params_at(name, path)
        named = self.spec.stages[name].params
        return {param: values[param] for param in named if param in values}


def _known(name: str, known: Iterable[str], what: str) -> None:
    names = list(known)
    if name in names:
        return
    import difflib  # only here: the runner starts without it

    near = difflib.get_close_matches(name, names, 1)
    guess = f": did you mean `{near[0]}`?" if near else ""
    raise UsageError(f"there is no {what} `{name}`{guess}")


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


def _loops(
    spec: Spec, graph: Graph, order: tuple[str, ...], overrides: Mapping[str, ParamValue]
) -> tuple[tuple[PlanLoop, ...], tuple[str, ...]]:
    rank = {name: index for index, name in enumerate(order)}
    depth = dict.fromkeys(order, 0)
    found, notes = [], []
    for loop in graph.loops:
        body = tuple(sorted((n for n in loop.body if n in rank), key=rank.__getitem__))
        if not body:
            continue
        gate = spec.stages[loop.gate_stage].gate
        assert gate is not None
        tries, max_rounds = gate.tries, gate.max_rounds
        taken = sorted({name for one in tries for name in one} & overrides.keys())
        if taken:
            tries, max_rounds = (), 1
            notes.append(
                f"`try` of {loop.gate_stage} is replaced by the one configuration that was set"
                f" ({', '.join(taken)})"
            )
        judged = loop.gate_stage in rank
        found.append(
            PlanLoop(
                gate_stage=loop.gate_stage,
                restart=loop.restart,
                body=body,
                depth=depth[body[0]],
                max_rounds=max_rounds,
                tries=tries,
                gate=gate if judged else None,
            )
        )
        for name in body:
            depth[name] += 1
    return tuple(found), tuple(notes)


def _families(spec: Spec, order: Iterable[str]) -> dict[str, str]:
    roots: dict[str, str] = {}
    for name in order:  # producers first, so the partner's root is known
        each = spec.stages[name].for_each
        if each is not None:
            roots[name] = roots.get(each.pairs_with, name) if each.pairs_with else name
    return roots
