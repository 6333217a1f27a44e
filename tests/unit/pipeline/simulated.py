"""A runner and an engine that exist only in memory: what the tests of the rules drive.

It answers decisions in an order that a random generator chooses, keeps the history as a journal
would, and checks after every step what must hold in any run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from mltui.pipeline.model import (
    Artifact,
    AttemptEnded,
    AttemptStarted,
    AttemptStarting,
    AttemptUnknown,
    AttemptWaiting,
    Decision,
    Event,
    Expand,
    Failure,
    GateJudged,
    InputValue,
    Instance,
    Limits,
    Prepare,
    Record,
    RunCancelled,
    RunEnded,
    RunPlanned,
    StageBuilding,
    StageCached,
    StageExpanded,
    StageFailed,
    StageKeyed,
    StageRetried,
    StageRow,
    StageWaiting,
    Start,
    State,
    Stop,
)
from mltui.pipeline.plan import Plan
from mltui.pipeline.scheduler import Scheduler
from mltui.spec.model import FailureClass


@dataclass(frozen=True)
class Outcome:
    """How an attempt goes."""

    failure: FailureClass | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    cached: bool = False
    early: bool = False
    """It fails before it can start."""


_BY_PERSONS = (StageRetried, RunCancelled, RunPlanned, GateJudged)
"""After these, work that is under way may be for nothing."""

OutcomeOf = Callable[[Instance, int], Outcome]
ItemsOf = Callable[[Instance], tuple[str, ...]]


class Simulation:
    """One run. `history` is the journal; `started` the attempts in the order they began."""

    def __init__(
        self,
        plan: Plan,
        outcome: OutcomeOf | None = None,
        *,
        items: ItemsOf | None = None,
        limits: Limits | None = None,
        random: Random | None = None,
    ) -> None:
        self.plans = [plan]
        self.outcome = outcome or (lambda instance, attempt: Outcome())
        self.items = items or (lambda instance: ("a", "b"))
        self.limits = limits or Limits(jobs=2)
        self.random = random
        self.now = 100.0
        self.history: list[Event] = [RunPlanned(self.now, "sha256:spec", {})]
        self.scheduler = self.replayed()
        self.under_way: list[Decision] = []
        self.started: list[tuple[Instance, int]] = []
        self.inputs: dict[tuple[Instance, int], dict[str, InputValue]] = {}
        """What each attempt was given."""
        self.used: dict[Instance, dict[str, InputValue]] = {}
        """What the present result of each instance was made of."""
        self.made: dict[str, Instance] = {}
        self.more_rounds = 0
        self.shown: dict[Instance, StageRow] = {}
        self._follow_changes()

    # --- driving -----------------------------------------------------------------------------

    def replayed(self) -> Scheduler:
        plans = iter(self.plans)
        return Scheduler.replay(7, lambda planned: next(plans), self.history)

    def emit(self, event: Event) -> None:
        self.history.append(event)
        self.scheduler.apply(event)
        if isinstance(event, _BY_PERSONS):
            self.under_way = [one for one in self.under_way if self.scheduler.is_wanted(one)]
        self._follow_changes()

    def tick(self) -> float:
        self.now += 1.0
        return self.now

    def pump(self) -> None:
        """Do what the rules say until they say nothing more."""
        while decisions := self.scheduler.next(self.now, self.limits):
            for decision in decisions:
                if isinstance(decision, Record):
                    self.emit(decision.event)
                elif isinstance(decision, Start):
                    self._start(decision)
                else:
                    self.under_way.append(decision)

    def _start(self, decision: Start) -> None:
        instance, attempt = decision.instance, decision.attempt
        assert (instance, attempt) not in self.inputs, "an attempt's number is used once"
        self.inputs[instance, attempt] = self.scheduler.inputs_of(instance)
        assert self.inputs[instance, attempt] == self.used[instance], "inputs moved under it"
        self.started.append((instance, attempt))
        self.emit(AttemptStarting(self.tick(), instance, attempt, "process", "local"))
        self.emit(AttemptStarted(self.tick(), instance, attempt, f"pid {len(self.started)}"))
        self.check_room()

    def step(self) -> bool:
        """Let one thing happen; False when nothing can any more."""
        self.pump()
        work: list[Decision | StageRow] = [
            one for one in self.under_way if not isinstance(one, Stop)
        ]
        work.extend(self.scheduler.in_flight())
        if not work:
            if self.scheduler.wake_at is not None:
                self.now = max(self.now, self.scheduler.wake_at)
                return True
            return False
        at = self.random.randrange(len(work)) if self.random else 0
        self._answer(work[at])
        self.pump()
        return True

    def until(self, is_so: Callable[[], bool]) -> None:
        """Let things happen until it is so."""
        self.pump()
        while not is_so():
            assert self.step(), "nothing more happens"

    def run(self, most: int = 5000) -> RunEnded:
        """Go on until the run has ended; it must."""
        for _ in range(most):
            if not self.step():
                break
        assert self.scheduler.ended is not None, "a run always ends"
        return self.scheduler.ended

    def crash(self) -> None:
        """The runner dies; another one takes over from the journal. Engines go on."""
        self.scheduler = self.replayed()
        self.under_way = []
        self._follow_changes()

    def _answer(self, work: Decision | StageRow) -> None:
        if isinstance(work, StageRow):
            self._end(work)
        elif isinstance(work, Expand):
            self.under_way.remove(work)
            if self.random and self.random.random() < 0.1:
                failure = Failure(FailureClass.CONFIG, "the list of items is not JSON")
                self.emit(StageFailed(self.tick(), work.instance, 1, failure))
            else:
                self.emit(StageExpanded(self.tick(), work.instance, self.items(work.instance)))
        elif isinstance(work, Prepare):
            self._prepare(work)

    def _prepare(self, work: Prepare) -> None:
        instance, attempt = work.instance, work.attempt
        if self.random and self.random.random() < 0.1:
            self.emit(StageBuilding(self.tick(), instance, "env", "build 1"))
        if self.random and self.random.random() < 0.1:
            self.emit(StageWaiting(self.tick(), instance, "no answer"))
        self.under_way.remove(work)
        self.used[instance] = self.scheduler.inputs_of(instance)
        self.check_inputs(instance)
        outcome = self.outcome(instance, attempt)
        if outcome.early and outcome.failure is not None:
            failure = Failure(outcome.failure, "no image")
            self.emit(StageFailed(self.tick(), instance, attempt, failure))
        elif outcome.cached and not work.force:
            outputs = self.outputs(instance, 0)
            source = f"run 1 {instance.label}"
            self.emit(
                StageCached(self.tick(), instance, "key", {}, outputs, outcome.metrics, source)
            )
        else:
            self.emit(StageKeyed(self.tick(), instance, attempt, "key", {}, "never ran"))

    def _end(self, row: StageRow) -> None:
        instance, attempt = row.instance, row.attempt
        if self.random and self.random.random() < 0.05 and row.state is State.RUNNING:
            self.emit(AttemptUnknown(self.tick(), instance, attempt, "no answer"))
            return
        if self.random and self.random.random() < 0.05:
            reason = self.random.choice(("no node has room", ""))
            self.emit(AttemptWaiting(self.tick(), instance, attempt, reason))
            return
        outcome = self.outcome(instance, attempt)
        is_stopped = any(
            isinstance(one, Stop) and one.instance == instance for one in self.under_way
        )
        self.under_way = [
            one
            for one in self.under_way
            if not (isinstance(one, Stop) and one.instance == instance)
        ]
        if is_stopped:
            failure = Failure(FailureClass.CANCELLED, "stopped")
            self.emit(AttemptEnded(self.tick(), instance, attempt, failure))
        elif outcome.failure is not None:
            failure = Failure(outcome.failure, "it broke")
            self.emit(AttemptEnded(self.tick(), instance, attempt, failure, 1))
        else:
            outputs = self.outputs(instance, attempt)
            self.emit(
                AttemptEnded(
                    self.tick(), instance, attempt, None, 0, outputs, dict(outcome.metrics)
                )
            )

    def outputs(self, instance: Instance, attempt: int) -> dict[str, Artifact]:
        """Artifacts whose digest says where they are from."""
        stage = self.plans[-1].stage(instance.stage)
        digest = f"sha256:{instance.label}.{attempt}"
        self.made[digest] = instance
        return {name: Artifact(digest, 1) for name in stage.outputs}

    # --- a person ----------------------------------------------------------------------------

    def retry(self, stage: str, path: tuple[int, ...] = (), item: str | None = None) -> None:
        self.emit(StageRetried(self.tick(), Instance(stage, path, item), "ann"))

    def cancel(self, instance: Instance | None = None) -> None:
        self.emit(RunCancelled(self.tick(), instance, "ann"))

    def decide(self, instance: Instance, *, accept: int | None = None, more: int = 0) -> None:
        self.more_rounds += more
        self.emit(self.scheduler.decide(instance, self.tick(), "ann", accept=accept, more=more))

    def replan(self, plan: Plan) -> None:
        self.plans.append(plan)
        self.emit(RunPlanned(self.tick(), "sha256:spec2", {}))

    # --- what must hold ----------------------------------------------------------------------

    def _follow_changes(self) -> None:
        for instance in self.scheduler.removed():
            self.shown.pop(instance, None)
        for row in self.scheduler.changed():
            self.shown[row.instance] = row

    def check_changes(self) -> None:
        """Whoever only follows the changes sees the same as who asks for all rows."""
        rows = {row.instance: row for row in self.scheduler.rows()}
        assert self.shown == rows

    def check_room(self) -> None:
        live = self.scheduler.in_flight()
        stages = {name: stage for plan in self.plans for name, stage in plan.spec.stages.items()}
        resources = [stages[row.stage].resources for row in live]
        limits = self.limits
        assert len(live) <= limits.jobs
        cpu = sum(one.cpu or 0 for one in resources)
        memory = sum(one.memory_bytes or 0 for one in resources)
        gpu = sum(one.gpu for one in resources)
        fits = (
            (limits.cpu is None or cpu <= limits.cpu + 1e-9)
            and (limits.memory_bytes is None or memory <= limits.memory_bytes)
            and (limits.gpu is None or gpu <= limits.gpu)
        )
        assert fits or len(live) == 1, "more than there is, and not alone"

    def check_inputs(self, reader: Instance) -> None:
        """Own round of shared loops, the accepted round of all others; never a mix."""
        plan = self.plans[-1]
        accepted = self.accepted()
        for value in self.used[reader].values():
            found = [value.artifact] if value.artifact is not None else []
            found.extend((value.items or {}).values())
            for artifact in found:
                made = self.made[artifact.digest]
                shared = plan.shared_depth(reader.stage, made.stage)
                assert made.path[:shared] == reader.path[:shared]
                for depth, loop in enumerate(plan.loops_of[made.stage]):
                    if depth >= shared:
                        key = (loop.gate_stage, made.path[:depth])
                        assert accepted.get(key) == made.path[depth], "not the accepted round"
                if value.artifact is not None and made.item is not None:
                    assert made.item == reader.item

    def accepted(self) -> dict[tuple[str, tuple[int, ...]], int]:
        """Loop → the round last accepted, as the journal has it."""
        found = {}
        for event in self.history:
            if isinstance(event, GateJudged) and event.action == "accept" and event.instance.path:
                key = (event.instance.stage, event.instance.path[:-1])
                found[key] = event.accepted or event.instance.round
        return found

    def check_end(self) -> None:
        """Nothing is left hanging, and no result is older than what it was made of."""
        ended = self.scheduler.ended
        assert ended is not None
        rows = self.scheduler.rows()
        assert not self.scheduler.in_flight()
        paused = any(row.state is State.PAUSED for row in rows)
        for row in rows:
            assert row.state.is_final or (paused and row.state is State.PENDING), row
            if row.state.is_done and row.instance in self.used and len(self.plans) == 1:
                assert self.scheduler.inputs_of(row.instance) == self.used[row.instance], row
        if ended.state is State.SUCCEEDED:
            assert ended.exit_code == 0
        else:
            assert ended.exit_code in (1, 4) and ended.reason

    def check_bounds(self, *, persons: bool) -> None:
        """No more rounds and attempts than are allowed."""
        most = (
            max(loop.max_rounds for plan in self.plans for loop in plan.loops)
            if any(plan.loops for plan in self.plans)
            else 1
        )
        for instance, attempt in self.started:
            assert max(instance.path, default=1) <= most + self.more_rounds
            if not persons:
                loops = self.plans[0].loops_of[instance.stage]
                for loop, number in zip(loops, instance.path, strict=True):
                    assert number <= loop.max_rounds
                assert attempt <= self.plans[0].stage(instance.stage).retry.attempts

    def check_replay(self) -> None:
        """A runner that only knows the journal is in the same state and does the same."""
        self.pump()
        fresh = self.replayed()
        assert fresh.rows() == self.scheduler.rows()
        assert fresh.ended == self.scheduler.ended
        assert fresh.in_flight() == self.scheduler.in_flight()
        assert Counter(fresh.next(self.now, self.limits)) == Counter(self.under_way)
        assert fresh.wake_at == self.scheduler.wake_at

    # --- reading it --------------------------------------------------------------------------

    @property
    def labels(self) -> list[str]:
        """What was started, in order, as people write it: `train~2`, `train~2.2` if tried again."""
        return [
            instance.label if attempt == 1 else f"{instance.label}.{attempt}"
            for instance, attempt in self.started
        ]

    def row(self, label: str) -> StageRow:
        return next(row for row in self.scheduler.rows() if row.instance.label == label)

    def state(self, label: str) -> str:
        return str(self.row(label).state)

    def verdicts(self) -> list[tuple[str, str, int | None]]:
        return [
            (event.instance.label, event.action, event.accepted)
            for event in self.history
            if isinstance(event, GateJudged)
        ]

    def sources(self, label: str, attempt: int = 1) -> dict[str, str]:
        """Input → label of the attempt it came from, for an attempt that was started."""
        return self._labels_of(self.inputs[self.row(label).instance, attempt])

    def sources_now(self, label: str) -> dict[str, str]:
        """The same of what an instance would be given now."""
        return self._labels_of(self.scheduler.inputs_of(self.row(label).instance))

    def _labels_of(self, inputs: Mapping[str, InputValue]) -> dict[str, str]:
        found = {}
        for name, value in inputs.items():
            if value.artifact is not None:
                found[name] = value.artifact.digest.removeprefix("sha256:")
            elif value.items is not None:
                each = (f"{k}={v.digest.removeprefix('sha256:')}" for k, v in value.items.items())
                found[name] = " ".join(each)
            else:
                found[name] = str(value.path)
        return found
