"""The rulings on `for_each` (docs/architecture.md), and who may start when there is little room."""

from __future__ import annotations

from mltui.pipeline.fanout import check_item, read_items
from mltui.pipeline.model import (
    Expand,
    Failure,
    Instance,
    Limits,
    Prepare,
    StageExpanded,
    StageFailed,
    StageKeyed,
    Start,
    State,
)
from mltui.pipeline.scheduler import Scheduler
from mltui.spec.model import FailureClass

from .projects import Outcomes, plan, run
from .simulated import Simulation

FAN = """
detect: {outputs: {pairs: pairs.json}}
translate: {for_each: {pair: detect.pairs}, inputs: {all: detect.pairs}}
check: {for_each: {pair: translate}, inputs: {text: translate.out}}
collect: {inputs: {each: check.out}}
"""


def test_items_run_side_by_side_and_pairs_wait_for_their_partner_only() -> None:
    sim = Simulation(plan(FAN), Outcomes(), limits=Limits(jobs=2))
    sim.until(lambda: sim.state("detect") == "succeeded")
    sim.pump()
    assert [one for one in sim.under_way if isinstance(one, Expand)]
    while "check[a]" not in sim.labels:
        assert sim.step()
        sim.check_replay()
    assert sim.state("translate[b]") in ("ready", "running", "succeeded", "pending")
    sim.run()
    assert sim.sources("check[b]") == {"text": "translate[b].1"}
    assert sim.sources("collect") == {"each": "a=check[a].1 b=check[b].1"}


def test_a_paired_item_starts_before_the_other_items_of_its_partner_are_done() -> None:
    sim = run(plan(FAN), Outcomes(fails={"translate[a].1": FailureClass.PROGRAM}))
    assert [sim.state(f"check[{item}]") for item in "ab"] == ["skipped", "succeeded"]


def test_one_failure_lets_the_others_finish_then_the_stage_fails() -> None:
    sim = run(plan(FAN), Outcomes(fails={"translate[a].1": FailureClass.MEMORY}))
    whole = sim.row("translate")
    assert (whole.state, whole.failure) == (State.FAILED, FailureClass.MEMORY)
    assert whole.reason == "1 of 2 items failed: a: it broke"
    assert sim.state("translate[b]") == "succeeded"
    assert sim.row("check[a]").reason == "translate[a] failed (memory)"
    assert (sim.state("check"), sim.state("collect")) == ("skipped", "skipped")


def test_retry_of_the_stage_takes_the_failed_items_only() -> None:
    sim = run(plan(FAN), Outcomes(fails={"translate[a].1": FailureClass.PROGRAM}))
    sim.retry("translate")
    sim.run()
    sim.check_end()
    assert sim.labels[-3:] == ["translate[a].2", "check[a]", "collect"]
    assert sim.labels.count("translate[b]") == 1


def test_retry_of_a_stage_without_failed_items_takes_all() -> None:
    sim = run(plan(FAN))
    sim.retry("translate")
    sim.run()
    sim.check_end()
    assert {"translate[a].2", "translate[b].2", "collect.2"} <= set(sim.labels)


def test_empty_is_succeeded_with_no_items() -> None:
    sim = Simulation(plan(FAN), Outcomes(), items=lambda instance: ())
    sim.run()
    sim.check_end()
    assert (sim.state("translate"), sim.row("translate").reason) == ("succeeded", "no items")
    assert sim.labels == ["detect", "collect"]
    assert sim.inputs[Instance("collect"), 1]["each"].items == {}


def test_an_empty_literal_list_still_waits_for_its_inputs() -> None:
    text = "a: {}\nb: {for_each: {x: []}, inputs: {a: a.out}}\nc: {inputs: {b: b.out}}"
    sim = run(plan(text), Outcomes(fails={"a": FailureClass.PROGRAM}))
    assert (sim.state("b"), sim.state("c")) == ("skipped", "skipped")


def test_a_literal_list_is_there_from_the_beginning() -> None:
    scheduler = Scheduler(1, plan("b: {for_each: {x: [one, two]}}"))
    assert [row.instance.label for row in scheduler.rows()] == ["b", "b[one]", "b[two]"]
    decisions = scheduler.next(0.0, Limits())
    assert [d.instance.item for d in decisions if isinstance(d, Prepare)] == ["one", "two"]


def test_an_item_whose_name_could_be_a_path_fails_alone() -> None:
    sim = Simulation(plan(FAN), Outcomes(), items=lambda instance: ("a", "../b", ".."))
    sim.run()
    assert sim.state("translate[a]") == "succeeded"
    bad = sim.row("translate[../b]")
    assert (bad.state, bad.failure) == (State.FAILED, FailureClass.CONFIG)
    assert sim.state("translate[..]") == "failed"
    assert sim.scheduler.ended is not None and sim.scheduler.ended.exit_code == 1


def test_a_list_that_can_not_be_read_fails_the_stage_until_a_retry() -> None:
    sim = Simulation(plan(FAN), Outcomes())
    sim.until(lambda: any(isinstance(one, Expand) for one in sim.under_way))
    failure = Failure(FailureClass.CONFIG, "the list of items is not JSON")
    sim.emit(StageFailed(sim.tick(), Instance("translate"), 1, failure))
    sim.run()
    assert [sim.state(name) for name in ("translate", "check", "collect")] == [
        "failed",
        "skipped",
        "skipped",
    ]
    sim.retry("detect")
    sim.run()
    assert sim.state("collect") == "succeeded"


def test_a_list_made_anew_may_have_other_items() -> None:
    items = [("a", "b"), ("b", "c")]
    sim = Simulation(plan(FAN), Outcomes(), items=lambda instance: items[0])
    sim.run()
    items.pop(0)
    sim.retry("detect")
    sim.run()
    sim.check_end()
    sim.check_changes()
    assert sorted(sim.inputs[Instance("collect"), 2]["each"].items or {}) == ["b", "c"]
    assert "translate[b].2" in sim.labels, "numbers grow"


def test_what_may_be_a_list_of_items() -> None:
    assert read_items('["en-es", 3, 1.5]') == ("en-es", "3", "1.5")
    assert read_items("[]") == ()
    for text in ("{}", "[", "[null]", "[true]", '[["a"]]', '["a", "a"]', "[" * 100_000):
        found = read_items(text)
        assert isinstance(found, Failure) and found.kind is FailureClass.CONFIG, text[:20]
    odd = read_items(r'["\ud800", "a\u001b[2J", "b"]')
    assert odd == (r"\ud800", r"a\x1b[2J", "b"), "kept, shown and refused as they are written"
    long = read_items('["a", "' + "x" * 1001 + '"]')
    assert isinstance(long, Failure) and "item 2" in long.message
    many = read_items("[" + ",".join(map(str, range(1001))) + "]")
    assert isinstance(many, Failure) and "1000 are allowed" in many.message
    assert [
        check_item(name) is None for name in ("a.b-c_D1", "", ".", "..", "a b", "ä", "a\n")
    ] == [
        True,
        *[False] * 6,
    ]


# --- room -----------------------------------------------------------------------------------


def started(text: str, limits: Limits, over: tuple[str, ...] = ()) -> list[str]:
    """Which stages start when all are ready, in order."""
    scheduler = Scheduler(1, plan(text))
    for decision in scheduler.next(0.0, limits):
        if isinstance(decision, Prepare):
            scheduler.apply(StageKeyed(0.0, decision.instance, 1, "k", {}))
    found = scheduler.next(0.0, limits)
    return [d.instance.stage for d in found if isinstance(d, Start)]


def test_jobs_bound_what_runs_at_once() -> None:
    assert started("a: {}\nb: {}\nc: {}", Limits(jobs=2)) == ["a", "b"]


def test_cpu_memory_and_gpu_bound_what_runs_at_once() -> None:
    text = """
    a: {resources: {cpu: 2}}
    b: {resources: {cpu: 1.5}}
    c: {resources: {memory: 1Gi}}
    d: {resources: {gpu: 1}}
    e: {resources: {gpu: 1}}
    """
    limits = Limits(jobs=9, cpu=3, memory_bytes=2 << 30, gpu=1)
    assert started(text, limits) == ["a", "c", "d"]


def test_a_stage_that_waits_is_not_overtaken_by_one_that_wants_the_same() -> None:
    text = """
    a: {resources: {cpu: 2}}
    big: {resources: {cpu: 4}}
    small: {resources: {cpu: 1}}
    free: {}
    """
    assert started(text, Limits(jobs=9, cpu=4)) == ["a", "free"]


def test_a_stage_larger_than_the_machine_runs_alone_rather_than_never() -> None:
    huge = "a: {}\nhuge: {resources: {memory: 64Gi}}\nb: {}"
    limits = Limits(jobs=4, memory_bytes=1 << 30)
    assert started(huge, limits) == ["a"], "nothing begins before it that came after it"
    sim = Simulation(plan(huge), Outcomes(), limits=limits)
    sim.run()
    assert sim.labels == ["a", "huge", "b"]


def test_each_item_takes_a_slot() -> None:
    text = "b: {for_each: {x: [one, two, three]}}"
    assert len(started(text, Limits(jobs=2))) == 2


def test_an_expansion_that_comes_late_changes_nothing() -> None:
    sim = run(plan(FAN))
    rows = sim.scheduler.rows()
    sim.scheduler.apply(StageExpanded(sim.tick(), Instance("translate"), ("z",)))
    assert sim.scheduler.rows() == rows
