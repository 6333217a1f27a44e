"""Journals with true rows: the real rules decide what happens, a script says how stages behave.

A `World` maps stages to what they do (how long, which metrics, how they fail). The seed asks a
`Scheduler` what to do next and answers with events, as the runner would, on a clock of its own; it
writes logs, metrics and outputs where the runner would write them.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from mltui.pipeline.model import (
    Artifact,
    AttemptEnded,
    AttemptStarted,
    AttemptStarting,
    AttemptUnknown,
    Event,
    Expand,
    Failure,
    Instance,
    Limits,
    Prepare,
    Record,
    RunPlanned,
    StageBuilding,
    StageCached,
    StageExpanded,
    StageFailed,
    StageKeyed,
    StageWaiting,
    Start,
    State,
    Stop,
    Usage,
    attempt_slug,
)
from mltui.pipeline.plan import Plan
from mltui.pipeline.scheduler import Scheduler
from mltui.runs.project import Project
from mltui.runs.rows import BuildRow, Result, RunRequest
from mltui.spec.model import FailureClass
from mltui.spec.overrides import apply_overrides

NOON = 1_764_072_000.0
"""25 November 2025, 12:00 UTC: the frozen clock of these tests."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What one attempt of a stage does."""

    seconds: float = 1.0
    metrics: Mapping[str, float] = field(default_factory=dict)
    log: str = ""
    curve: tuple[Mapping[str, float], ...] = ()
    """Lines of the metrics file."""
    failure: Failure | None = None
    exit_code: int | None = 0
    outputs: Mapping[str, bytes] = field(default_factory=dict)
    items: tuple[str, ...] = ()
    """What the list output of the stage holds."""
    cached: str = ""
    """Taken from the cache: which attempt made it."""
    because: str = "never ran with these inputs"
    memory: int | None = None
    hangs: bool = False
    """It is still running when the seed ends."""
    silence: str = ""
    """Its engine does not answer, and what is said of that; with `hangs` once it runs."""
    builds: bool = False
    """It waits for its environment when the seed ends."""
    build: Callable[[Path, float], BuildRow] | None = None
    """Makes a build's files in a folder, begun then: it waits for that build, or failed in it."""


World = Callable[[Instance, int], Behaviour]


@dataclass(slots=True)
class Seed:
    """A project's folder and the runs put into it."""

    project: Project
    now: float = NOON
    limits: Limits = field(default_factory=lambda: Limits(jobs=4))

    @classmethod
    def project_of(cls, root: Path, text: str) -> Seed:
        """A fresh project with this `mltui.yaml`."""
        root.mkdir(parents=True, exist_ok=True)
        (root / "mltui.yaml").write_text(text, encoding="utf-8")
        return cls(Project(root))

    def run(
        self,
        world: World,
        *,
        began: float,
        stop_at: float | None = None,
        overrides: Mapping[str, str] | None = None,
        commit: str | None = "4d882d0c0ffee",
        dirty: bool = False,
        trigger: str = "person",
        target: str = "local",
    ) -> int:
        """One run from `began` until it ends, waits, or the clock reaches `stop_at`."""
        return _Playing(self, world, began, stop_at, overrides or {}).play(
            commit=commit, dirty=dirty, trigger=trigger, target=target
        )


class _Playing:
    def __init__(
        self,
        seed: Seed,
        world: World,
        began: float,
        stop_at: float | None,
        overrides: Mapping[str, str],
    ) -> None:
        self.seed, self.world = seed, world
        self.clock = began
        self.stop_at = stop_at if stop_at is not None else float("inf")
        self.overrides = overrides
        seed.project.prepare()
        found = apply_overrides(seed.project.read_spec(), overrides)
        self.spec = found[0] if isinstance(found, tuple) else found
        self.plan = Plan.of(self.spec)
        self.store = seed.project.store()
        self.due: list[tuple[float, int, Instance, int]] = []
        self.count = 0
        self.events: list[Event] = []
        self.results: list[Result] = []
        self.builds: list[BuildRow] = []
        self.update: dict[str, object] = {}

    def play(self, *, commit: str | None, dirty: bool, trigger: str, target: str) -> int:
        journal = self.seed.project.journal(write=True)
        request = RunRequest(target=target, overrides=dict(self.overrides), trigger=trigger)
        self.run = journal.queue_run(request, self.clock - 0.3)
        text = self.store.put_bytes(self.spec.text.encode())
        self.scheduler = Scheduler(self.run, self.plan, lambda event: self.plan)
        planned = RunPlanned(
            self.clock, text.digest, dict.fromkeys(self.plan.order, text.digest), self.overrides
        )
        update = {
            "state": "running",
            "started_at": self.clock,
            "commit": commit,
            "dirty": int(dirty),
            "params": dict(self.spec.params),
            "spec": text.digest,
        }
        self._note([planned], update)
        while not self.scheduler.finished:
            decisions = self.scheduler.next(self.clock, self.seed.limits)
            for decision in decisions:
                self._answer(decision)
            if decisions:
                continue
            times = [self.due[0][0]] if self.due else []
            if self.scheduler.wake_at is not None:
                times.append(self.scheduler.wake_at)
            if not times or min(times) > self.stop_at:
                self.clock = min(self.stop_at, *times) if times else self.clock
                break
            self.clock = max(self.clock, min(times))
            while self.due and self.due[0][0] <= self.clock:
                _, _, instance, attempt = heapq.heappop(self.due)
                self._end(instance, attempt)
        ended = self.scheduler.ended
        if ended is not None:
            metrics: dict[str, float] = {}
            for row in self.scheduler.rows():
                if row.item is None and row.accepted is not False:
                    metrics.update({f"{row.stage}.{k}": v for k, v in row.metrics.items()})
            self.update |= {
                "state": ended.state.value,
                "ended_at": ended.at,
                "reason": ended.reason,
                "exit_code": ended.exit_code,
                "metrics": metrics,
            }
        # All of a history at once: hundreds of transactions for each test cost more than it does.
        journal.append(
            self.run,
            self.events,
            self.scheduler.changed(),
            gone=self.scheduler.removed(),
            update=self.update,
            results=self.results,
            builds=self.builds,
        )
        journal.close()
        return self.run

    def _note(
        self,
        events: list[Event],
        update: dict[str, object] | None = None,
        results: tuple[Result, ...] = (),
    ) -> None:
        for event in events:
            self.scheduler.apply(event)
        self.events += events
        self.results += results
        self.update |= update or {}

    def _answer(self, decision: object) -> None:
        at = self.clock
        if isinstance(decision, Record):
            self._note([decision.event])
        elif isinstance(decision, Expand):
            items = tuple(json.loads(self.store.read_bytes(decision.source.digest)))
            self._note([StageExpanded(at, decision.instance, items)])
        elif isinstance(decision, Prepare):
            self._prepare(decision)
        elif isinstance(decision, Start):
            self._start(decision)
        elif isinstance(decision, Stop):
            failure = Failure(FailureClass.CANCELLED, "it was cancelled")
            self._note([AttemptEnded(at, decision.instance, decision.attempt, failure)])

    def _prepare(self, decision: Prepare) -> None:
        instance = decision.instance
        behaviour = self.world(instance, decision.attempt)
        parts = {
            "code": f"sha256:{'c' * 64}",
            "command": str(self.spec.stages[instance.stage].run.templates[0].source),
            "environment.resolved": f"sha256:{'e' * 64}",
        }
        key = f"sha256:{abs(hash_of(instance.label)):064x}"
        if behaviour.silence and not behaviour.hangs:
            self._note([StageWaiting(self.clock, instance, behaviour.silence)])
            return
        if behaviour.builds:
            build = f"{instance.stage}-build"
            self._note([StageBuilding(self.clock, instance, "train", build)])
            return
        if behaviour.build is not None:
            self._build(decision, behaviour.build)
            return
        if behaviour.cached:
            outputs = self._outputs(instance, behaviour)
            event = StageCached(
                self.clock, instance, key, parts, outputs, behaviour.metrics, behaviour.cached
            )
            self._note([event])
            return
        self._note(
            [StageKeyed(self.clock, instance, decision.attempt, key, parts, behaviour.because)],
        )

    def _build(self, decision: Prepare, make: Callable[[Path, float], BuildRow]) -> None:
        instance = decision.instance
        row = make(self.seed.project.folder / "builds", self.clock)
        row = replace(row, run=self.run)
        event: Event = StageBuilding(self.clock, instance, row.environment, row.id)
        self._note([event])
        self.builds.append(row)
        if row.state is State.FAILED:
            self.clock = row.ended_at or self.clock
            failure = Failure(FailureClass.BUILD, row.reason)
            self._note([StageFailed(self.clock, instance, decision.attempt, failure)])

    def _start(self, decision: Start) -> None:
        instance, attempt = decision.instance, decision.attempt
        behaviour = self.world(instance, attempt)
        self._note(
            [
                AttemptStarting(self.clock, instance, attempt, "process", "local"),
                AttemptStarted(self.clock + 0.01, instance, attempt, "4711:1:b"),
            ],
        )
        folder = self.seed.project.run_folder(self.run) / attempt_slug(instance, attempt)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "log").write_text(behaviour.log, encoding="utf-8")
        lines = [json.dumps(dict(line)) for line in behaviour.curve or (behaviour.metrics,) if line]
        if lines:
            (folder / "metrics").write_text("\n".join(lines) + "\n", encoding="utf-8")
        if behaviour.silence:
            event = AttemptUnknown(self.clock, instance, attempt, behaviour.silence)
            self._note([event])
        if not behaviour.hangs:
            self.count += 1
            heapq.heappush(
                self.due, (self.clock + behaviour.seconds, self.count, instance, attempt)
            )

    def _end(self, instance: Instance, attempt: int) -> None:
        behaviour = self.world(instance, attempt)
        usage = Usage(behaviour.seconds * 0.9, behaviour.memory)
        if behaviour.failure is not None:
            event = AttemptEnded(
                self.clock, instance, attempt, behaviour.failure, behaviour.exit_code, usage=usage
            )
            self._note([event])
            return
        outputs = self._outputs(instance, behaviour)
        event = AttemptEnded(
            self.clock, instance, attempt, None, 0, outputs, behaviour.metrics, usage
        )
        row = self.scheduler.row(instance)
        results: tuple[Result, ...] = ()
        if row.key:
            result = Result(
                row.key,
                instance.stage,
                f"run {self.run} {instance.label}.{attempt}",
                self.clock,
                outputs,
                behaviour.metrics,
                {"code": f"sha256:{'c' * 64}"},
                f"runs/{self.run}/{attempt_slug(instance, attempt)}",
            )
            results = (result,)
        self._note([event], results=results)

    def _outputs(self, instance: Instance, behaviour: Behaviour) -> dict[str, Artifact]:
        found = {}
        for name in self.spec.stages[instance.stage].outputs:
            data = behaviour.outputs.get(name, f"{instance.label} {name}\n".encode())
            if behaviour.items:
                data = json.dumps(list(behaviour.items)).encode()
            found[name] = self.store.put_bytes(data)
        return found


def hash_of(text: str) -> int:
    """The same number in every process, unlike `hash`."""
    import hashlib

    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")
