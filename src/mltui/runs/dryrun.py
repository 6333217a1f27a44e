"""What a run would do, found by letting the rules play against the cache; nothing is executed.

Asked before a run starts (`mltui run --dry-run`, the dialog), in a thread: hashing code and files
takes a moment. Where a stage would really run, what follows it can't be known: it depends.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from statistics import median

from mltui.errors import MltuiError, Unreachable
from mltui.pipeline.model import (
    Expand,
    GateJudged,
    Limits,
    Prepare,
    Record,
    StageCached,
    StageExpanded,
    StageFailed,
    StageKeyed,
)
from mltui.pipeline.plan import Plan
from mltui.pipeline.rows import Failure, Instance
from mltui.pipeline.scheduler import Scheduler
from mltui.runs import planning
from mltui.runs.builds import Environments
from mltui.runs.context import Context
from mltui.runs.engines import Engines
from mltui.runs.outputs import read_list
from mltui.runs.preparing import Preparer, failed
from mltui.runs.project import Project
from mltui.runs.rows import RunRequest

RUN, CACHED, DEPENDS = "run", "cached", "depends"


@dataclass(frozen=True, slots=True)
class Planned:
    """What would become of an instance."""

    instance: Instance
    will: str
    """`run`, `cached`, or `depends` (on what stages before it leave)."""
    because: str = ""
    estimate_s: float | None = None
    """How long it would take, by earlier runs; None when it never ran."""
    more_rounds: int = 0
    """So many rounds may follow this one: the gate that is judged by it is not known to pass."""


def dry_run(project: Project, request: RunRequest) -> list[Planned]:
    """What a run of this request would do now, in the plan's order.

    SpecError, UsageError or CodeError when it can't be run. Not to be called where an event loop
    runs.
    """
    if not (project.folder / "journal.db").exists():
        return _first(planning.plan_of(project.read_spec(), request).plan)
    return asyncio.run(_dry_run(project, request))


def _first(plan: Plan) -> list[Planned]:
    """Nothing ever ran here."""
    found = []
    for name in plan.order:
        instance = _of(plan, name)
        will, because = RUN, "no earlier result"
        if plan.producers[name]:
            will, because = DEPENDS, f"on {', '.join(plan.producers[name])}"
        more = _more_rounds(plan, instance)
        found.append(Planned(instance, will, because, more_rounds=more))
    return found


def _of(plan: Plan, name: str) -> Instance:
    return Instance(name, (1,) * len(plan.loops_of[name]))


async def _dry_run(project: Project, request: RunRequest) -> list[Planned]:
    store = project.store()
    event, blueprint = planning.take(project, store, request, time.time())
    scheduler = Scheduler(0, blueprint.plan)
    scheduler.apply(event)
    engines = Engines()
    with closing(project.journal()) as journal:
        context = Context(project, store, journal, engines, 0, blueprint, scheduler)
        environments = Environments(project, store, journal, 0, context.emit)
        play = _Play(context, Preparer(context, environments), environments)
        try:
            await play.go()
        finally:
            await engines.close()
        durations = journal.durations()
    return _with_the_rest(blueprint.plan, scheduler, play.found, durations)


class _Play:
    """The rules against the cache."""

    def __init__(self, context: Context, preparer: Preparer, environments: Environments) -> None:
        self._context = context
        self._preparer = preparer
        self._environments = environments
        self.found: dict[Instance, Planned] = {}

    async def go(self) -> None:
        """Play until nothing follows from the cache any more."""
        scheduler = self._context.scheduler
        while decisions := scheduler.next(time.time(), Limits(jobs=1)):
            for decision in decisions:
                if isinstance(decision, Record) and isinstance(decision.event, GateJudged):
                    scheduler.apply(decision.event)
                elif isinstance(decision, Expand):
                    self._expand(decision)
                elif isinstance(decision, Prepare):
                    await self._prepare(decision)

    def _expand(self, decision: Expand) -> None:
        items = read_list(self._context.store, decision.source)
        if not isinstance(items, Failure):
            self._context.scheduler.apply(StageExpanded(time.time(), decision.instance, items))

    async def _prepare(self, wanted: Prepare) -> None:
        instance = wanted.instance
        try:
            answer = await self._preparer.answer(wanted, may_build=False)
        except Unreachable as error:
            self.found[instance] = Planned(instance, DEPENDS, str(error))
            return
        except MltuiError as error:
            answer = failed(wanted, error)
        if isinstance(answer, StageCached):
            self.found[instance] = Planned(instance, CACHED, f"as in {answer.source}", 0.0)
            self._context.scheduler.apply(answer)
        elif isinstance(answer, StageKeyed):
            self.found[instance] = Planned(instance, RUN, answer.because)
        elif isinstance(answer, StageFailed):
            self.found[instance] = Planned(instance, RUN, f"it fails: {answer.failure.message}")
        else:
            self.found[instance] = Planned(instance, RUN, "its environment has to be built")


def _with_the_rest(
    plan: Plan,
    scheduler: Scheduler,
    found: Mapping[Instance, Planned],
    durations: Mapping[str, list[float]],
) -> list[Planned]:
    """What was found, and what depends on it, in the plan's order, with estimates."""
    result = []
    for row in scheduler.rows():
        one = found.get(row.instance)
        if one is None:
            if row.state.is_final:
                continue  # the whole of items that were found, or nothing to do
            on = plan.producers[row.stage]
            one = Planned(row.instance, DEPENDS, f"on {', '.join(on)}" if on else "on its items")
        took = durations.get(row.stage)
        if one.will != CACHED and took:
            one = replace(one, estimate_s=median(took))
        if one.will != CACHED:
            one = replace(one, more_rounds=_more_rounds(plan, row.instance))
        result.append(one)
    return result


def _more_rounds(plan: Plan, instance: Instance) -> int:
    for loop in plan.loops_of[instance.stage]:
        if loop.gate is not None and loop.gate_stage == instance.stage and loop.is_loop:
            return max(0, loop.max_rounds - instance.round)
    return 0
