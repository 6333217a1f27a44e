from __future__ import annotations

from collections.abc import Mapping

from mltui.spec.graph import Graph, Loop, producers
from mltui.spec.model import (
    Command,
    Compare,
    ForEach,
    Gate,
    Input,
    Metric,
    Output,
    Phase,
    Stage,
    Template,
)


def stage(
    name: str,
    reads: str = "",
    *,
    restart: str | None = None,
    rounds: int = 3,
    each: ForEach | None = None,
) -> Stage:
    gate = Gate(Compare(">", Metric("m"), 1), "m > 1", restart=restart, max_rounds=rounds)
    return Stage(
        name,
        Phase.DATA,
        Command(shell=Template("true", ("true",))),
        inputs={x: Input(stage=x, output="out") for x in reads.split()},
        outputs={"out": Output("out")},
        gate=gate if restart else None,
        for_each=each,
    )


def graph(*stages: Stage) -> Graph:
    return Graph.of_stages({s.name: s for s in stages})


def test_order_puts_producers_first_and_keeps_the_files_order_otherwise() -> None:
    g = graph(stage("z", "m"), stage("b"), stage("m", "a"), stage("a"))
    assert g.order == ("b", "a", "m", "z")
    assert g.ancestors("z") == {"m", "a"}
    assert g.ancestors("b") == frozenset()


def test_for_each_sources_are_edges() -> None:
    fan = stage("fan", each=ForEach("x", stage="list", output="out"))
    pair = stage("pair", "list", each=ForEach("x", pairs_with="fan"))
    assert producers(fan) == ("list",)
    assert producers(pair) == ("list", "fan")
    assert graph(stage("list"), fan, pair).ancestors("pair") == {"list", "fan"}


def test_a_loops_body_is_what_lies_between_restart_and_gate() -> None:
    g = graph(
        stage("get"),
        stage("clean", "get", restart="get", rounds=5),
        stage("other", "get"),
        stage("train", "clean"),
        stage("judge", "train", restart="train"),
        stage("all", "judge other", restart="get"),
    )
    every = {"get", "clean", "other", "train", "judge", "all"}
    assert g.loops == (
        Loop("all", "get", frozenset(every), 3),
        Loop("clean", "get", frozenset({"get", "clean"}), 5),
        Loop("judge", "train", frozenset({"train", "judge"}), 3),
    )
    assert [loop.gate_stage for loop in g.loops_of("get")] == ["all", "clean"]
    assert [loop.gate_stage for loop in g.loops_of("other")] == ["all"]
    assert g.loop_of_gate("judge") == g.loops[2]
    assert g.loop_of_gate("train") is None


def test_a_wrong_graph_still_answers() -> None:
    g = graph(stage("a", "c nowhere"), stage("b", "a"), stage("c", "b"), stage("d", "c"))
    assert set(g.order) == {"a", "b", "c", "d"}
    assert g.parents["a"] == ("c",)
    cycle: Mapping[str, str] = dict(zip(g.cycle, (*g.cycle[1:], g.cycle[0]), strict=True))
    assert cycle == {"a": "b", "b": "c", "c": "a"}
    assert graph(stage("me", "me")).cycle == ("me",)
    assert graph(stage("a"), stage("b", "a")).cycle == ()


def test_a_long_chain_does_not_recurse() -> None:
    names = [f"s{i}" for i in range(3000)]
    g = graph(*(stage(n, names[i - 1] if i else "") for i, n in enumerate(names)))
    assert list(g.order) == names
    assert len(g.ancestors(names[-1])) == 2999
