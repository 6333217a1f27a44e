"""The rulings on gates, rounds and loops (docs/architecture.md, "Loops")."""

from __future__ import annotations

import pytest

from mltui.errors import UsageError
from mltui.pipeline.model import Instance, Limits, Prepare, State
from mltui.pipeline.plan import Plan
from mltui.pipeline.scheduler import Scheduler
from mltui.spec.model import FailureClass

from .projects import Outcomes, accuracy, plan, project, run
from .simulated import Simulation

TRAINING = """
train: {params: [c, gamma]}
evaluate: {inputs: {model: train.out}, run: [x, "${metrics}"],
  gate: {require: "accuracy >= ${params.target}",
  restart: train, try: [{c: 0.01}, {c: 1}, {c: 10, gamma: 0.001}],
  best: max(accuracy), otherwise: OTHERWISE}}
report: {inputs: {model: train.out, scores: evaluate.out}}
"""


def training(otherwise: str = "accept-best") -> str:
    return TRAINING.replace("OTHERWISE", otherwise)


def test_a_round_that_passes_is_accepted_at_once() -> None:
    sim = run(plan(training()), Outcomes({"evaluate": accuracy(0.5, 0.99, 1.0)}))
    assert sim.labels == ["train~1", "evaluate~1", "train~2", "evaluate~2", "report"]
    assert sim.verdicts() == [("evaluate~1", "again", None), ("evaluate~2", "accept", 2)]
    assert [sim.row(f"train~{n}").accepted for n in (1, 2)] == [False, True]
    assert sim.row("report").accepted is None
    assert sim.scheduler.ended is not None and sim.scheduler.ended.state is State.SUCCEEDED


def test_outside_the_body_one_rounds_outputs_are_seen_never_a_mix() -> None:
    sim = run(plan(training()), Outcomes({"evaluate": accuracy(0.5, 0.99)}))
    assert sim.sources("report") == {"model": "train~2.1", "scores": "evaluate~2.1"}


def test_accept_best_takes_the_earliest_of_equals_and_the_run_ends_well() -> None:
    sim = run(plan(training()), Outcomes({"evaluate": accuracy(0.5, 0.8, 0.8)}))
    assert sim.verdicts()[-1] == ("evaluate~3", "accept", 2)
    assert sim.sources("report") == {"model": "train~2.1", "scores": "evaluate~2.1"}
    assert str(sim.row("evaluate~2").gate) == "accepted-best"
    assert str(sim.row("evaluate~3").gate) == "not-passed"
    assert sim.scheduler.ended is not None and sim.scheduler.ended.exit_code == 0


def test_fail_skips_what_is_outside_and_ends_with_4() -> None:
    sim = run(plan(training("fail")), Outcomes({"evaluate": accuracy(0.5, 0.8, 0.6)}))
    assert sim.state("evaluate~3") == "succeeded", "the stage did its work"
    assert sim.state("report") == "skipped"
    assert (
        "evaluate~3 did not pass its gate: accuracy 0.6, needs ≥ 0.98" in sim.row("report").reason
    )
    ended = sim.scheduler.ended
    assert ended is not None and (ended.state, ended.exit_code) == (State.FAILED, 4)


def test_pause_lets_independent_work_finish_and_ends_with_4() -> None:
    sim = run(plan(training("pause") + "other: {}"), Outcomes({"evaluate": accuracy(0.5)}))
    assert (sim.state("evaluate~3"), sim.state("report")) == ("paused", "pending")
    assert sim.row("report").reason == "waits for a person's decision on evaluate~3"
    assert sim.state("other") == "succeeded"
    ended = sim.scheduler.ended
    assert ended is not None and (ended.state, ended.exit_code) == (State.PAUSED, 4)


def test_round_n_uses_the_nth_configuration_and_only_named_params() -> None:
    sim = run(plan(training()), Outcomes({"evaluate": accuracy(0.5)}))
    params = [sim.scheduler.params_of(Instance("train", (n,))) for n in (1, 2, 3)]
    assert params == [
        {"c": 0.01, "gamma": None},
        {"c": 1, "gamma": None},
        {"c": 10, "gamma": 0.001},
    ]
    assert sim.scheduler.params_of(Instance("evaluate", (2,))) == {}


def test_a_gate_without_restart_is_a_single_round() -> None:
    text = """
    clean: {run: [x, "${metrics}"], gate: {require: missing < 0.01, otherwise: OTHERWISE}}
    train: {inputs: {raw: clean.out}}
    """
    bad = Outcomes({"clean": [{"missing": 0.2}]})
    failed = run(plan(text.replace("OTHERWISE", "fail")), bad)
    assert (failed.state("clean"), failed.state("train")) == ("succeeded", "skipped")
    assert "missing 0.2, needs < 0.01" in failed.row("clean").reason
    paused = run(plan(text.replace("OTHERWISE", "pause")), bad)
    assert (paused.state("clean"), paused.state("train")) == ("paused", "pending")
    assert paused.scheduler.why_not_more(Instance("clean"))
    paused.decide(Instance("clean"), accept=1)
    paused.run()
    assert (paused.state("clean"), paused.state("train")) == ("succeeded", "succeeded")
    good = run(plan(text.replace("OTHERWISE", "fail")), Outcomes({"clean": [{"missing": 0.0}]}))
    assert (good.labels, str(good.row("clean").gate)) == (["clean", "train"], "passed")


NESTED = """
get: {run: "true ${round}"}
clean: {inputs: {raw: get.out}, run: [x, "${metrics}"],
  gate: {require: clean > 0.5, restart: get, max_rounds: 3}}
train: {inputs: {raw: clean.out}, run: "true ${round}"}
judge: {inputs: {raw: train.out, first: get.out}, run: [x, "${metrics}", "${round}"],
  gate: {require: accuracy > 0.5, restart: get, max_rounds: 3}}
serve: {inputs: {raw: get.out, model: train.out}}
"""


def test_an_inner_loop_starts_anew_in_each_outer_round() -> None:
    outcomes = Outcomes({"clean": [{"clean": 0.1}, {"clean": 0.9}], "judge": accuracy(0.1, 0.9)})
    sim = run(plan(NESTED), outcomes)
    assert sim.labels == [
        *("get~1:1", "clean~1:1", "get~1:2", "clean~1:2", "train~1", "judge~1"),
        *("get~2:1", "clean~2:1", "get~2:2", "clean~2:2", "train~2", "judge~2"),
        "serve",
    ]
    assert sim.sources("serve") == {"raw": "get~2:2.1", "model": "train~2.1"}
    assert sim.sources("judge~1") == {"raw": "train~1.1", "first": "get~1:2.1"}
    assert [sim.row(f"get~{label}").accepted for label in ("1:2", "2:1", "2:2")] == [
        False,
        False,
        True,
    ]


def test_an_inner_fail_fails_the_run() -> None:
    sim = run(plan(NESTED), Outcomes({"clean": [{"clean": 0.1}], "judge": accuracy(0.9)}))
    assert sim.labels[-1] == "clean~1:3"
    assert [sim.state(name) for name in ("train~1", "judge~1", "serve")] == ["skipped"] * 3
    assert sim.scheduler.ended is not None and sim.scheduler.ended.exit_code == 4


def test_a_missing_or_nan_metric_fails_the_attempt_and_uses_up_no_round() -> None:
    for metrics in ({}, {"accuracy": float("nan")}):
        sim = run(plan(training()), Outcomes({"evaluate": [metrics]}))
        row = sim.row("evaluate~1")
        assert (row.state, row.failure) == (State.FAILED, FailureClass.CONTRACT)
        assert "`accuracy`" in row.reason
        assert sim.verdicts() == []
        assert sim.state("report") == "skipped"


def test_a_failed_stage_in_a_round_fails_the_run_until_a_person_has_more() -> None:
    outcomes = Outcomes({"evaluate": accuracy(0.5, 0.5, 0.99)}, {"train~2": FailureClass.MEMORY})
    sim = run(plan(training()), outcomes)
    assert sim.state("evaluate~2") == "skipped"
    assert sim.row("report").reason == "train~2 failed (memory)"
    assert sim.scheduler.ended is not None and sim.scheduler.ended.exit_code == 1
    offer = sim.scheduler.decide_options(Instance("evaluate", (2,)))
    assert offer is not None and offer.is_open and not offer.why_not_more
    assert [one.why_not for one in offer.rounds] == ["", "evaluate~2 is skipped"]
    assert offer.rounds[0].gap == "accuracy 0.5, needs ≥ 0.98"

    sim.decide(Instance("evaluate", (2,)), more=1)
    sim.run()
    assert sim.labels[-3:] == ["train~3", "evaluate~3", "report"]
    ended = sim.scheduler.ended
    assert ended is not None and ended.state is State.SUCCEEDED, "round 2 is no candidate"


def test_accept_an_earlier_round_of_a_failed_loop() -> None:
    outcomes = Outcomes({"evaluate": accuracy(0.5)}, {"train~2": FailureClass.MEMORY})
    sim = run(plan(training()), outcomes)
    with pytest.raises(UsageError, match="evaluate~2 is skipped"):
        sim.decide(Instance("evaluate", (2,)), accept=2)
    sim.decide(Instance("evaluate", (2,)), accept=1)
    sim.run()
    assert sim.sources("report") == {"model": "train~1.1", "scores": "evaluate~1.1"}
    assert sim.row("train~1").accepted
    assert str(sim.row("evaluate~1").gate) == "not-passed"


def test_more_rounds_beyond_try_are_refused_when_nothing_would_change() -> None:
    sim = run(plan(training("pause")), Outcomes({"evaluate": accuracy(0.5)}))
    why = sim.scheduler.why_not_more(Instance("evaluate", (3,)))
    assert why is not None and "round 4 would be the same as round 3" in why
    with pytest.raises(UsageError, match="would be the same"):
        sim.decide(Instance("evaluate", (3,)), more=1)
    with_round = training("pause").replace("train: {", 'train: {run: "true ${round}", ')
    sim = run(plan(with_round), Outcomes({"evaluate": accuracy(0.5, 0.5, 0.5, 0.5, 0.99)}))
    sim.decide(Instance("evaluate", (3,)), more=2)
    sim.run()
    assert sim.labels[-1] == "report"
    assert sim.verdicts()[-1] == ("evaluate~5", "accept", 5)
    assert sim.scheduler.params_of(Instance("train", (5,))) == {"c": 10, "gamma": 0.001}


def test_a_person_fails_a_paused_gate() -> None:
    sim = run(plan(training("pause")), Outcomes({"evaluate": accuracy(0.5)}))
    sim.decide(Instance("evaluate", (3,)))
    sim.run()
    assert (sim.state("evaluate~3"), sim.state("report")) == ("succeeded", "skipped")
    assert sim.scheduler.ended is not None and sim.scheduler.ended.exit_code == 4


def test_after_accept_best_a_person_may_choose_another_round_and_consumers_run_again() -> None:
    sim = run(plan(training()), Outcomes({"evaluate": accuracy(0.5, 0.8, 0.7)}))
    assert sim.sources("report")["model"] == "train~2.1"
    sim.decide(Instance("evaluate", (3,)), accept=3)
    assert sim.state("report") == "pending"
    sim.run()
    assert sim.sources("report", 2)["model"] == "train~3.1"
    assert str(sim.row("evaluate~2").gate) == "not-passed"


def test_a_gate_that_passed_is_not_up_for_decision() -> None:
    sim = run(plan(training()), Outcomes({"evaluate": accuracy(0.99)}))
    offer = sim.scheduler.decide_options(Instance("evaluate", (1,)))
    assert offer is not None and not offer.is_open
    assert offer.why_not_more == "round 1 passed"
    with pytest.raises(UsageError, match="round 1 passed"):
        sim.decide(Instance("evaluate", (1,)), accept=1)


def test_a_changed_target_re_decides_with_the_stored_metrics() -> None:
    cached = Outcomes({"evaluate": accuracy(0.5, 0.8, 0.9)}, cached=("train", "evaluate"))
    spec = project(training(), "{target: 0.7, c: null, gamma: null}")
    sim = run(Plan.of(spec), cached)
    assert sim.labels == ["report"], "nothing is computed again"
    assert sim.verdicts() == [("evaluate~1", "again", None), ("evaluate~2", "accept", 2)]


def test_body_without_its_gate_runs_round_1_with_the_params_of_a_full_run() -> None:
    part = plan(training(), "train")
    assert part.order == ("train",)
    sim = run(part)
    assert sim.labels == ["train~1"]
    assert sim.scheduler.params_of(Instance("train", (1,))) == {"c": 0.01, "gamma": None}
    assert sim.row("train~1").accepted is None


def test_asking_for_a_consumer_outside_brings_the_gate() -> None:
    text = training() + "copy: {inputs: {model: train.out}}\nother: {}"
    assert plan(text, "copy").order == ("train", "evaluate", "copy")


def test_loops_that_wait_for_each_other_are_refused() -> None:
    text = """
    a: {run: "true ${round}"}
    b: {run: "true ${round}"}
    x: {inputs: {a: a.out}}
    y: {inputs: {b: b.out}}
    ga: {inputs: {x: a.out, y: b.out}, run: [x, "${metrics}"],
      gate: {require: m > 1, restart: a, max_rounds: 2}}
    gb: {inputs: {x: a.out, y: b.out}, run: [x, "${metrics}"],
      gate: {require: m > 1, restart: b, max_rounds: 2}}
    """
    with pytest.raises(UsageError, match="`ga` and `gb` wait for each other"):
        plan(text)


def test_a_gate_whose_param_is_unset_never_passes() -> None:
    spec = project(training("accept-best"), "{target: null, c: null, gamma: null}")
    sim = run(Plan.of(spec), Outcomes({"evaluate": accuracy(0.99)}))
    assert sim.verdicts() == [("evaluate~1", "fail", None)]
    assert str(sim.row("evaluate~1").gate) == "unmeasured"
    assert "params.target" in sim.row("evaluate~1").reason


def test_a_run_never_waits_for_a_round_that_a_person_left_behind() -> None:
    """More rounds while a stage of the failed round still runs: that one is stopped."""
    text = """
    train: {run: "true ${round}"}
    other: {inputs: {model: train.out}}
    slow: {inputs: {model: train.out}}
    evaluate: {inputs: {a: other.out, b: slow.out}, run: [x, "${metrics}"],
      gate: {require: accuracy > 0.5, restart: train, max_rounds: 3}}
    """
    outcomes = Outcomes({"evaluate": accuracy(0.9)}, {"other~1": FailureClass.PROGRAM})
    sim = Simulation(plan(text), outcomes, limits=Limits(jobs=2))
    sim.until(lambda: (sim.state("other~1"), sim.state("slow~1")) == ("failed", "running"))
    sim.decide(Instance("evaluate", (1,)), more=1)
    sim.run()
    assert sim.state("slow~1") == "cancelled"
    assert sim.row("evaluate~2").accepted


def test_decisions_follow_from_history_alone() -> None:
    sim = run(plan(NESTED), Outcomes({"clean": [{"clean": 0.9}], "judge": accuracy(0.9)}))
    for length in range(1, len(sim.history) + 1):
        one, other = (
            Scheduler.replay(7, lambda planned: sim.plans[0], sim.history[:length])
            for _ in range(2)
        )
        assert one.next(sim.now, sim.limits) == other.next(sim.now, sim.limits)


def test_from_makes_a_stage_run_even_if_cached() -> None:
    sim = Simulation(plan(training(), start_from=("train",)), Outcomes(cached=("train",)))
    first = sim.scheduler.next(0.0, Limits())
    assert first == [Prepare(Instance("train", (1,)), 1, force=True)]


def test_what_is_not_on_offer_is_refused_in_a_sentence() -> None:
    sim = Simulation(plan(training("pause")), Outcomes({"evaluate": accuracy(0.5)}))
    gate = Instance("evaluate", (1,))
    for match, instance, choice in (
        ("train~1 has no gate", Instance("train", (1,)), {"accept": 1}),
        ("round 1 is under way", gate, {"accept": 1}),
        ("round 1 is under way", gate, {"more": 1}),
        ("round 1 is under way", gate, {}),
        ("there is no round 7", gate, {"accept": 7}),
        ("not both", gate, {"accept": 1, "more": 1}),
    ):
        with pytest.raises(UsageError, match=match):
            sim.decide(instance, **choice)
    sim.run()
    offer = sim.scheduler.decide_options(Instance("evaluate", (3,)))
    assert offer is not None
    assert (offer.status, offer.needs) == ("paused", "accuracy ≥ 0.98")
    assert [one.is_best for one in offer.rounds] == [True, False, False]
    assert offer.rounds[2].configuration == {"c": 10, "gamma": 0.001}
    assert offer.rounds[0].gap == "accuracy 0.5, needs ≥ 0.98"


def test_a_decision_on_an_inner_loop_takes_the_outer_one_back_to_that_round() -> None:
    outcomes = Outcomes({"clean": [{"clean": 0.1}], "judge": accuracy(0.9)})
    text = NESTED.replace(
        "restart: get, max_rounds: 3}}\ntrain",
        "restart: get, max_rounds: 2, best: max(clean), otherwise: accept-best}}\ntrain",
    )
    sim = run(plan(text), outcomes)
    assert sim.sources("serve") == {"raw": "get~1:1.1", "model": "train~1.1"}
    sim.decide(Instance("clean", (1, 2)), accept=2)
    sim.run()
    sim.check_end()
    assert sim.sources("serve", 2) == {"raw": "get~1:2.1", "model": "train~1.2"}
