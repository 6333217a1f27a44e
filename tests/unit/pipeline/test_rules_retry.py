"""The rulings on failures, retry, cancelling and what a crash may not change."""

from __future__ import annotations

import pytest

from mltui.pipeline.model import (
    AttemptEnded,
    AttemptStarted,
    AttemptStarting,
    AttemptUnknown,
    Event,
    Failure,
    Instance,
    Limits,
    Prepare,
    RunPlanned,
    StageKeyed,
    StageStale,
    Start,
    State,
    Stop,
)
from mltui.pipeline.scheduler import Scheduler
from mltui.pipeline.steps import backoff_s
from mltui.pipeline.values import MissingInput
from mltui.spec.model import FailureClass

from .projects import Outcomes, accuracy, plan, run
from .simulated import Simulation

CHAIN = """
a: {}
b: {inputs: {x: a.out}}
c: {inputs: {x: b.out}}
other: {}
"""
LOOP = """
get: {}
train: {inputs: {x: get.out}, run: "true ${round}"}
evaluate: {inputs: {x: train.out}, run: [x, "${metrics}"],
  gate: {require: accuracy > 0.5, restart: train, max_rounds: 3,
  best: max(accuracy), otherwise: accept-best}}
report: {inputs: {x: train.out}}
"""
RETRY = "a: {retry: {attempts: 3, backoff: 2s, on: [infrastructure]}}\nb: {inputs: {x: a.out}}"


def test_dependants_of_a_failure_are_skipped_with_its_reason() -> None:
    sim = run(plan(CHAIN), Outcomes(fails={"a": FailureClass.MEMORY}))
    assert [sim.state(name) for name in "abc"] == ["failed", "skipped", "skipped"]
    assert sim.row("c").reason == "a failed (memory)"
    assert sim.state("other") == "succeeded"
    ended = sim.scheduler.ended
    assert ended is not None and (ended.state, ended.exit_code) == (State.FAILED, 1)
    assert ended.reason == "a failed (memory): it broke"


def test_only_the_classes_named_are_tried_again_with_growing_pauses() -> None:
    sim = run(plan(RETRY), Outcomes(fails={"a": FailureClass.INFRASTRUCTURE}))
    assert sim.labels == ["a", "a.2", "a.3"]
    ends = [event.at for event in sim.history if isinstance(event, AttemptEnded)]
    keyed = [event.at for event in sim.history if isinstance(event, StageKeyed)]
    pauses = [then - end for end, then in zip(ends, keyed[1:], strict=False)]
    assert pauses == [3.0, 5.0], "2 s and 4 s, and a second to prepare"
    assert run(plan(RETRY), Outcomes(fails={"a": FailureClass.PROGRAM})).labels == ["a"]


def test_a_backoff_never_exceeds_300_seconds() -> None:
    assert [backoff_s(2.0, n) for n in (1, 2, 3, 9, 5000)] == [2.0, 4.0, 8.0, 300.0, 300.0]


def test_wake_at_says_when_a_backoff_ends_and_the_row_says_why() -> None:
    sim = Simulation(plan(RETRY), Outcomes(fails={"a.1": FailureClass.INFRASTRUCTURE}))
    sim.until(lambda: sim.scheduler.wake_at is not None)
    row = sim.row("a")
    assert row.state is State.PENDING
    assert row.reason == "attempt 1 failed (infrastructure): it broke"
    assert sim.scheduler.wake_at == sim.now + 2
    assert sim.scheduler.next(sim.now, sim.limits) == []
    assert sim.scheduler.next(sim.now + 2, sim.limits) == [Prepare(Instance("a"), 2)]


def test_a_persons_retry_is_a_fresh_set_of_attempts_with_growing_numbers() -> None:
    sim = run(plan(RETRY), Outcomes(fails={"a": FailureClass.INFRASTRUCTURE}))
    sim.retry("a")
    assert (sim.state("a"), sim.state("b")) == ("pending", "pending")
    sim.run()
    assert sim.labels == ["a", "a.2", "a.3", "a.4", "a.5", "a.6"]


def test_retry_keeps_upstream_and_brings_back_what_was_skipped() -> None:
    sim = run(plan(CHAIN), Outcomes(fails={"b.1": FailureClass.PROGRAM}))
    sim.retry("b")
    assert not sim.scheduler.finished, "a retry reopens the run"
    sim.run()
    assert sim.labels == ["a", "other", "b", "b.2", "c"]
    assert sim.scheduler.ended is not None and sim.scheduler.ended.state is State.SUCCEEDED


def test_retry_of_what_waits_is_refused_with_the_cause() -> None:
    sim = run(plan(CHAIN), Outcomes(fails={"a": FailureClass.MEMORY}))
    assert sim.scheduler.why_not_retry(Instance("c")) == "a failed (memory)"
    assert sim.scheduler.why_not_retry(Instance("a")) is None
    before = sim.scheduler.rows()
    sim.retry("c")
    assert sim.scheduler.rows() == before


def test_retry_of_a_finished_stage_runs_it_and_what_follows_is_decided_by_its_key() -> None:
    sim = run(plan(CHAIN), Outcomes(cached=("a", "b", "c", "other")))
    assert sim.labels == []
    sim.retry("a")
    sim.run()
    assert sim.labels == ["a"], "a ran although cached; b and c were found in the cache again"
    assert sim.sources_now("b") == {"x": "a.1"}


def test_retry_inside_a_loop_forgets_later_rounds_and_judges_again() -> None:
    outcomes = Outcomes({"evaluate": accuracy(0.1, 0.2, 0.9)})
    sim = run(plan(LOOP), outcomes)
    assert sim.row("train~3").accepted
    outcomes.metrics["evaluate"] = accuracy(0.1, 0.9)
    sim.retry("train", (2,))
    assert [row.instance.label for row in sim.scheduler.rows() if row.stage == "train"] == [
        "train~1",
        "train~2",
    ]
    sim.run()
    sim.check_end()
    assert sim.labels[-3:] == ["train~2.2", "evaluate~2.2", "report.2"]
    assert sim.sources("report", 2) == {"x": "train~2.2"}


def test_a_forgotten_round_that_comes_again_goes_on_with_its_numbers() -> None:
    sim = run(plan(LOOP), Outcomes({"evaluate": accuracy(0.1)}))
    sim.retry("train", (2,))
    sim.run()
    assert "train~3.2" in sim.labels


def test_a_retry_upstream_of_a_loop_starts_the_loop_anew() -> None:
    sim = run(plan(LOOP), Outcomes({"evaluate": accuracy(0.1, 0.9)}))
    sim.retry("get")
    sim.run()
    assert sim.labels[-6:] == [
        *("get.2", "train~1.2", "evaluate~1.2", "train~2.2", "evaluate~2.2"),
        "report.2",
    ]


def test_a_running_consumer_is_stopped_when_its_input_is_made_anew() -> None:
    sim = Simulation(plan("a: {}\nb: {inputs: {x: a.out}}"), Outcomes())
    sim.until(lambda: sim.state("b") == "running")
    sim.retry("a")
    sim.pump()
    assert Stop(Instance("b"), 1) in sim.under_way
    assert sim.state("b") == "running", "until it has ended"
    sim.run()
    sim.check_end()
    assert sim.labels == ["a", "b", "a.2", "b.2"]


def test_cancelling_a_run_stops_what_runs_and_nothing_more_begins() -> None:
    sim = Simulation(plan(CHAIN), Outcomes(), limits=Limits(jobs=1))
    sim.until(lambda: sim.state("a") == "running")
    sim.cancel()
    assert [sim.state(name) for name in ("b", "c", "other")] == ["cancelled"] * 3
    sim.run()
    assert sim.state("a") == "cancelled"
    ended = sim.scheduler.ended
    assert ended is not None and ended.state is State.CANCELLED
    assert (ended.exit_code, ended.reason) == (1, "the run was cancelled by ann")


def test_a_cancelled_run_goes_on_when_a_stage_of_it_is_retried() -> None:
    sim = Simulation(plan(CHAIN), Outcomes(), limits=Limits(jobs=1))
    sim.until(lambda: sim.state("a") == "running")
    sim.cancel()
    sim.run()
    sim.retry("b")
    sim.run()
    assert [sim.state(name) for name in "abc"] == ["succeeded"] * 3, "with all that it needs"
    assert sim.state("other") == "cancelled", "what has nothing to do with it stays so"


def test_cancelling_one_stage_skips_what_needs_it() -> None:
    sim = Simulation(plan(CHAIN), Outcomes())
    sim.cancel(Instance("b"))
    sim.run()
    assert [sim.state(name) for name in "abc"] == ["succeeded", "cancelled", "skipped"]
    assert sim.row("c").reason == "b was cancelled"
    sim.retry("b")
    sim.run()
    assert [sim.state(name) for name in "abc"] == ["succeeded"] * 3


def test_a_cancelled_attempt_is_not_tried_again() -> None:
    text = "a: {retry: {attempts: 3, backoff: 0s, on: [infrastructure, program]}}"
    sim = Simulation(plan(text), Outcomes())
    sim.until(lambda: sim.state("a") == "running")
    sim.cancel(Instance("a"))
    sim.run()
    assert (sim.labels, sim.state("a")) == (["a"], "cancelled")


def test_an_unreachable_engine_makes_a_stage_unknown_never_failed() -> None:
    sim = Simulation(plan("a: {}"), Outcomes())
    sim.until(lambda: sim.state("a") == "running")
    sim.emit(AttemptUnknown(sim.tick(), Instance("a"), 1, "no answer from build-7"))
    assert (sim.state("a"), sim.row("a").reason) == ("unknown", "no answer from build-7")
    assert [row.state for row in sim.scheduler.in_flight()] == [State.UNKNOWN]
    assert sim.scheduler.next(sim.now, sim.limits) == [], "it may still run: nothing is over"
    started_at = sim.row("a").started_at
    sim.emit(AttemptStarted(sim.tick(), Instance("a"), 1, "pid 1"))
    assert (sim.state("a"), sim.row("a").started_at) == ("running", started_at)
    sim.run()
    assert sim.state("a") == "succeeded"


def test_a_new_runner_is_told_what_to_adopt_and_gets_open_decisions_again() -> None:
    sim = Simulation(plan("a: {}\nb: {}\nc: {}"), Outcomes(), limits=Limits(jobs=1))
    sim.until(lambda: sim.state("a") == "running")
    sim.check_replay()
    fresh = sim.replayed()
    assert [row.instance for row in fresh.in_flight()] == [Instance("a")]
    sim.crash()
    sim.run()
    assert sorted(sim.labels) == ["a", "b", "c"], "the crash repeated nothing"


def test_the_intention_to_start_counts_as_in_flight() -> None:
    a = Instance("a")
    history: list[Event] = [
        RunPlanned(0.0, "spec", {}),
        StageKeyed(1.0, a, 1, "k", {}),
        AttemptStarting(2.0, a, 1, "docker", "dev"),
    ]
    scheduler = Scheduler.replay(1, lambda planned: plan("a: {}"), history)
    assert [row.instance for row in scheduler.in_flight()] == [a]
    assert scheduler.next(3.0, Limits()) == []
    lost = Failure(FailureClass.INFRASTRUCTURE, "it was never created")
    scheduler.apply(AttemptEnded(4.0, a, 1, lost))
    assert scheduler.next(4.0, Limits()) == []
    assert scheduler.next(6.0, Limits()) == [Prepare(a, 2)]


def test_events_about_what_is_no_longer_so_change_nothing() -> None:
    sim = run(plan(CHAIN))
    rows = sim.scheduler.rows()
    for event in (
        AttemptEnded(sim.now, Instance("a"), 1, Failure(FailureClass.PROGRAM, "late")),
        AttemptStarted(sim.now, Instance("b"), 3, "pid 9"),
        StageKeyed(sim.now, Instance("c"), 2, "k", {}),
        StageKeyed(sim.now, Instance("nowhere"), 1, "k", {}),
    ):
        sim.scheduler.apply(event)
    assert sim.scheduler.rows() == rows


def test_answers_of_the_cancelled_are_not_wanted() -> None:
    scheduler = Scheduler(1, plan("a: {}\nb: {}"))
    prepare_a, prepare_b = scheduler.next(0.0, Limits())
    assert scheduler.is_wanted(prepare_a)
    scheduler.apply(StageKeyed(1.0, Instance("b"), 1, "k", {}))
    assert not scheduler.is_wanted(prepare_b)
    (start,) = scheduler.next(1.0, Limits())
    assert start == Start(Instance("b"), 1) and scheduler.is_wanted(start)


def test_a_retry_with_the_project_as_it_is_now_keeps_what_fits() -> None:
    sim = run(plan(CHAIN), Outcomes(fails={"c.1": FailureClass.PROGRAM}))
    sim.replan(plan(CHAIN + "\nd: {inputs: {x: c.out}}"))
    sim.emit(StageStale(sim.tick(), Instance("a"), "code changed"))
    sim.retry("c")
    sim.run()
    assert sim.labels == ["a", "other", "b", "c", "c.2", "d"]
    assert sim.row("a").stale and sim.row("a").reason == "code changed"


def test_what_reads_all_items_is_kept_by_a_retry_with_the_project_as_it_is_now() -> None:
    fan = "f: {for_each: {i: [a, b]}}\njoin: {inputs: {each: f.out}}\nlast: {inputs: {x: join.out}}"
    sim = run(plan(fan))
    before = list(sim.labels)
    sim.replan(plan(fan))
    assert sim.state("join") == "succeeded"
    sim.retry("join")
    sim.run()
    assert sim.labels == [*before, "join.2", "last.2"]


def test_a_retry_forgets_stages_that_are_gone_and_stops_what_lives_of_them() -> None:
    sim = Simulation(plan(CHAIN), Outcomes(), limits=Limits(jobs=4))
    sim.until(lambda: sim.state("other") == "running")
    sim.replan(plan("a: {}\nb: {inputs: {x: a.out}}"))
    sim.pump()
    assert Stop(Instance("other"), 1) in sim.under_way
    sim.run()
    assert [row.stage for row in sim.scheduler.rows()] == ["a", "b"]
    sim.check_changes()


def test_a_finished_stage_with_a_new_producer_runs_again_after_it() -> None:
    sim = run(plan(CHAIN))
    sim.replan(plan("a: {}\nn: {}\nb: {inputs: {x: a.out, y: n.out}}\nc: {inputs: {x: b.out}}"))
    sim.run()
    sim.check_end()
    assert sim.labels[4:] == ["n", "b.2", "c.2"]


def test_only_the_runner_knows_that_a_backoff_is_over_yet_its_journal_replays() -> None:
    sim = Simulation(plan(RETRY), Outcomes(fails={"a.1": FailureClass.INFRASTRUCTURE}))
    sim.run()
    sim.check_replay()
    assert sim.replayed().rows() == sim.scheduler.rows()
    assert sim.labels == ["a", "a.2", "b"]


def test_a_settled_loop_whose_body_is_another_now_is_not_settled_any_more() -> None:
    inner = LOOP.replace("get: {}", 'get: {run: "true ${round}"}')
    sim = run(plan(inner), Outcomes({"evaluate": accuracy(0.1, 0.9)}))
    wider = inner.replace("restart: train", "restart: get")
    sim.replan(plan(wider))
    sim.run()
    sim.check_end()
    assert sim.sources("report", 2) == {"x": "train~2.2"}
    assert sim.sources("train~2", 2) == {"x": "get~2.1"}


def test_a_kept_result_without_an_output_that_is_new_says_what_to_retry() -> None:
    sim = run(plan("a: {}\nb: {inputs: {x: a.out}}"))
    sim.replan(plan("a: {outputs: {out: out, more: more}}\nb: {inputs: {x: a.more}}"))
    with pytest.raises(MissingInput, match=r"a has no output `more`.*retry a"):
        sim.scheduler.inputs_of(Instance("b"))


def test_a_history_begins_with_its_plan() -> None:
    with pytest.raises(ValueError, match="does not begin with its plan"):
        Scheduler.replay(1, lambda planned: plan("a: {}"), [])
