"""Who feeds whom: the pipeline's graph and the bodies of its loops.

Used by `mltui.spec.lint` to refuse what can't work and by `mltui.pipeline` to decide what may run
next, so that both mean the same by "ancestor" and by "the loop's body". Pure, and tolerant: it
also answers for a project that is still wrong (unknown stages are left out, cycles don't hang).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mltui.spec.model import Service, Spec, Stage, YamlPath


@dataclass(frozen=True, slots=True)
class Loop:
    """A gate that may send the pipeline back, and what it sends back."""

    gate_stage: str
    """The stage that carries the gate: the last of the body."""
    restart: str
    """The first stage of the body."""
    body: frozenset[str]
    """`restart` and its descendants, cut with the gated stage and its ancestors."""
    max_rounds: int


@dataclass(frozen=True, slots=True)
class Graph:
    """The stages of a project with their edges, which come from inputs and `for_each` sources."""

    order: tuple[str, ...]
    """Every stage once, producers first; among equals the file's order."""
    parents: Mapping[str, tuple[str, ...]]
    """Direct producers of each stage, without repeats."""
    children: Mapping[str, tuple[str, ...]]
    """Direct consumers of each stage, in the file's order."""
    loops: tuple[Loop, ...]
    """Every gate with a `restart`, outer loops before the ones nested in them."""
    cycle: tuple[str, ...] = ()
    """One cycle, each stage feeding the next and the last the first; empty in a right project."""

    @classmethod
    def of(cls, spec: Spec) -> Graph:
        """The graph of a project's stages; services and monitors are not part of it."""
        return cls.of_stages(spec.stages)

    @classmethod
    def of_stages(cls, stages: Mapping[str, Stage]) -> Graph:
        """The graph of some stages; edges to a stage not among them are left out."""
        parents = {
            name: tuple(p for p in producers(stage) if p in stages)
            for name, stage in stages.items()
        }
        children: dict[str, list[str]] = {name: [] for name in stages}
        for name, found in parents.items():
            for parent in found:
                children[parent].append(name)
        frozen = {name: tuple(found) for name, found in children.items()}
        order = _order(parents, frozen)
        placed = set(order)
        left = tuple(name for name in stages if name not in placed)
        loops = _loops(stages, parents, frozen)
        return cls((*order, *left), parents, frozen, loops, _cycle(left, parents))

    def ancestors(self, name: str) -> frozenset[str]:
        """Every stage that `name` can't run without, itself not included (unless in a cycle)."""
        return _reach(name, self.parents)

    def loops_of(self, name: str) -> tuple[Loop, ...]:
        """The loops whose body holds this stage, outermost first."""
        return tuple(loop for loop in self.loops if name in loop.body)

    def loop_of_gate(self, name: str) -> Loop | None:
        """The loop that the gate on this stage closes; None without a gate or a `restart`."""
        return next((loop for loop in self.loops if loop.gate_stage == name), None)


def producers(stage: Stage | Service) -> tuple[str, ...]:
    """The stages whose outputs this one reads, in the order written, each once."""
    names = [i.stage for i in stage.inputs.values() if i.stage is not None]
    each = stage.for_each if isinstance(stage, Stage) else None
    if each is not None:
        names.extend(name for name in (each.stage, each.pairs_with) if name is not None)
    return tuple(dict.fromkeys(names))


def actors(spec: Spec) -> Iterator[tuple[YamlPath, Stage | Service]]:
    """Everything that runs with its path in the file: stages, services, monitors' stages."""
    for stage in spec.stages.values():
        yield ("stages", stage.name), stage
    for service in spec.services.values():
        yield ("services", service.name), service
    for monitor in spec.monitors.values():
        yield ("monitors", monitor.name), monitor.stage


def _order(
    parents: Mapping[str, tuple[str, ...]], children: Mapping[str, tuple[str, ...]]
) -> tuple[str, ...]:
    rank = {name: index for index, name in enumerate(parents)}
    names = list(parents)
    waiting = {name: len(found) for name, found in parents.items()}
    ready = [rank[name] for name, count in waiting.items() if not count]
    order: list[str] = []
    while ready:
        name = names[heapq.heappop(ready)]
        order.append(name)
        for child in children[name]:
            waiting[child] -= 1
            if not waiting[child]:
                heapq.heappush(ready, rank[child])
    return tuple(order)


def _cycle(left: tuple[str, ...], parents: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """A cycle among the stages that no order could place: each has a parent among them."""
    stuck = set(left)
    path: list[str] = []
    name = left[0] if left else ""
    while name and name not in path:
        path.append(name)
        name = next(parent for parent in parents[name] if parent in stuck)
    return tuple(reversed(path[path.index(name) :])) if name else ()


def _loops(
    stages: Mapping[str, Stage],
    parents: Mapping[str, tuple[str, ...]],
    children: Mapping[str, tuple[str, ...]],
) -> tuple[Loop, ...]:
    loops = []
    for name, stage in stages.items():
        gate = stage.gate
        if gate is None or gate.restart is None or gate.restart not in stages:
            continue
        down = _reach(gate.restart, children) | {gate.restart}
        up = _reach(name, parents) | {name}
        loops.append(Loop(name, gate.restart, down & up, gate.max_rounds))
    # Nested bodies differ in size (two gates can't be each other's ancestors), so size is depth.
    return tuple(sorted(loops, key=lambda loop: -len(loop.body)))


def _reach(name: str, edges: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    found: set[str] = set()
    todo = list(edges.get(name, ()))
    while todo:
        at = todo.pop()
        if at not in found:
            found.add(at)
            todo.extend(edges[at])
    return frozenset(found)
