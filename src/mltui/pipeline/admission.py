"""Who may start: slots, CPUs, memory and GPUs, first come first served.

Called by the scheduler. A unit that waits for room is not overtaken by one that wants any of the
same resources, so a large stage is never starved by small ones; one that asks for more than there
is at all runs alone rather than never. Units of equal demand share a queue, so a pass looks at
the different demands and not at every unit.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache

from mltui.pipeline.model import Limits
from mltui.pipeline.units import Unit
from mltui.spec.model import Resources


@dataclass(frozen=True, slots=True, order=True)
class Demand:
    """What an attempt takes while it lives; CPUs in thousandths, so that sums are exact."""

    cpu_milli: int
    memory_bytes: int
    gpu: int

    @classmethod
    @lru_cache(maxsize=256)
    def of(cls, resources: Resources) -> Demand:
        """The demand of a stage; what it does not say counts as nothing."""
        return cls(
            round((resources.cpu or 0.0) * 1000), resources.memory_bytes or 0, resources.gpu or 0
        )

    @property
    def named(self) -> frozenset[str]:
        """The resources it wants any of."""
        return frozenset(
            name
            for name, amount in (
                ("cpu", self.cpu_milli),
                ("memory", self.memory_bytes),
                ("gpu", self.gpu),
            )
            if amount
        )

    def fits(self, limits: Limits) -> bool:
        """Whether this much is within the limits."""
        return (
            (limits.cpu is None or self.cpu_milli <= round(limits.cpu * 1000))
            and (limits.memory_bytes is None or self.memory_bytes <= limits.memory_bytes)
            and (limits.gpu is None or self.gpu <= limits.gpu)
        )


class Admission:
    """The queue of ready units and the room that live ones take."""

    def __init__(self) -> None:
        self._queues: dict[Demand, OrderedDict[Unit, int]] = {}
        self._held: dict[Unit, Demand] = {}
        self._kinds: dict[Demand, int] = {}
        self._cpu = self._memory = self._gpu = 0
        self._tickets = 0
        self._changed = True
        self._limits: Limits | None = None
        self.work = 0
        """Units and demands looked at so far."""

    def offer(self, unit: Unit) -> None:
        """It is ready to start when there is room."""
        demand = Demand.of(unit.stage.resources)
        self._tickets += 1
        self._queues.setdefault(demand, OrderedDict())[unit] = self._tickets
        self._changed = True

    def take(self, unit: Unit) -> None:
        """It lives (or is about to): its room is taken. Does nothing if it already was."""
        if unit in self._held:
            return
        self._unqueue(unit)
        demand = Demand.of(unit.stage.resources)
        self._held[unit] = demand
        self._add(demand, 1)

    def drop(self, unit: Unit) -> None:
        """It neither waits for room nor takes any."""
        self._unqueue(unit)
        demand = self._held.pop(unit, None)
        if demand is not None:
            self._add(demand, -1)
        self._changed = True

    def admit(self, limits: Limits) -> list[Unit]:
        """The units that may start now, in order; their room is taken."""
        if not self._changed and limits == self._limits:
            return []
        self._changed, self._limits = False, limits
        started: list[Unit] = []
        heads = [
            (next(iter(queue.values())), demand) for demand, queue in self._queues.items() if queue
        ]
        heapq.heapify(heads)
        waiting: set[str] = set()
        if any(not demand.fits(limits) for demand in self._kinds):
            return started  # one that is larger than the limits runs: alone
        while heads and len(self._held) < max(1, limits.jobs):
            self.work += 1
            _, demand = heapq.heappop(heads)
            if demand.named & waiting:
                continue
            is_oversize = not demand.fits(limits)
            if is_oversize and self._held:
                break
            if not is_oversize and not self._sum_with(demand).fits(limits):
                waiting |= demand.named
                continue
            queue = self._queues[demand]
            unit = next(iter(queue))
            self.take(unit)
            started.append(unit)
            if is_oversize:
                break
            if demand in self._queues:
                heapq.heappush(heads, (next(iter(queue.values())), demand))
        return started

    def _sum_with(self, demand: Demand) -> Demand:
        return Demand(
            self._cpu + demand.cpu_milli, self._memory + demand.memory_bytes, self._gpu + demand.gpu
        )

    def _add(self, demand: Demand, sign: int) -> None:
        self._cpu += sign * demand.cpu_milli
        self._memory += sign * demand.memory_bytes
        self._gpu += sign * demand.gpu
        self._kinds[demand] = self._kinds.get(demand, 0) + sign
        if not self._kinds[demand]:
            del self._kinds[demand]

    def _unqueue(self, unit: Unit) -> None:
        demand = Demand.of(unit.stage.resources)
        queue = self._queues.get(demand)
        if queue is not None and queue.pop(unit, None) is not None and not queue:
            del self._queues[demand]
