"""What is in a key, what is not, and how two keys are told apart (docs: Cache)."""

from __future__ import annotations

from dataclasses import replace

from mltui.pipeline.cachekey import command_text, diff_parts, key_of, key_parts
from mltui.spec.model import Cache, Resources, Retry, Stage

from .projects import project

TRAIN = """
get: {}
train: {params: [c], inputs: {raw: get.out}, outputs: {model: m.bin},
  run: "train ${inputs.raw} --c ${params.c} > ${outputs.model} # costs $HOME"}
evaluate: {inputs: {model: train.model}, run: [eval, "${inputs.model}", "${metrics}"],
  gate: {require: acc > 1}}
round: {run: "echo ${round}"}
each: {for_each: {pair: [a, b]}, run: "echo ${pair}"}
"""
STAGES = project(TRAIN).stages


def parts(stage: Stage = STAGES["train"], **changes: object) -> dict[str, str]:
    values: dict[str, object] = {
        "inputs": {"raw": "sha256:1"},
        "code": "sha256:2",
        "params": {"c": 0.5},
        "environment": "sha256:3",
    }
    return key_parts(stage, **{**values, **changes})  # type: ignore[arg-type]


def test_the_parts_of_a_key() -> None:
    assert parts() == {
        "command": "train ${inputs.raw} --c 0.5 > ${outputs.model} # costs $HOME",
        "inputs.raw": "sha256:1",
        "code": "sha256:2",
        "params.c": "0.5",
        "environment": "sha256:3",
        "outputs": '{"model":["m.bin",false]}',
    }


def test_values_are_quoted_for_the_shell_as_they_will_be() -> None:
    text = command_text(STAGES["train"], {"c": "it's; rm"})
    assert "--c 'it'\"'\"'s; rm' >" in text
    assert command_text(STAGES["evaluate"], {}) == '["eval", "${inputs.model}", "${metrics}"]'


def test_the_round_is_in_it_only_if_the_stage_uses_it() -> None:
    assert key_of(parts(number=1)) == key_of(parts(number=2))
    one, two = (parts(STAGES["round"], number=n) for n in (1, 2))
    assert one["round"] == "1" and one["command"] == "echo 1"
    assert key_of(one) != key_of(two)


def test_each_item_has_its_own_key() -> None:
    one = parts(STAGES["each"], item="a")
    assert (one["item"], one["command"]) == ("a", "echo a")
    assert key_of(one) != key_of(parts(STAGES["each"], item="b"))


def test_gate_retry_timeout_resources_target_and_cache_are_not_in_it() -> None:
    stage = STAGES["evaluate"]
    other = replace(
        stage,
        gate=None,
        retry=Retry(9),
        timeout_s=1.0,
        resources=Resources(cpu=8),
        target="prod",
        cache=Cache(enabled=False),
        secrets=("HF",),
    )
    assert key_of(parts(stage)) == key_of(parts(other))


def test_everything_else_changes_it() -> None:
    before = key_of(parts())
    changes: list[dict[str, object]] = [
        {"inputs": {"raw": "sha256:9"}},
        {"code": "sha256:9"},
        {"params": {"c": 0.25}},
        {"params": {"c": "0.5"}},
        {"environment": "sha256:9"},
        {"environment": {"requirements": "sha256:3", "python": "3.11"}},
    ]
    keys = {key_of(parts(STAGES["train"], **change)) for change in changes}
    assert len(keys) == len(changes) and before not in keys


def test_a_key_does_not_depend_on_the_order_of_its_parts() -> None:
    found = parts()
    assert key_of(found) == key_of(dict(reversed(found.items())))
    assert len(key_of(found)) == 64


def test_the_difference_names_causes_before_what_follows_from_them() -> None:
    assert diff_parts(parts(), parts(params={"c": 1}, code="sha256:9")) == [
        ("code", "sha256:2", "sha256:9"),
        ("params.c", "0.5", "1"),
        (
            "command",
            "train ${inputs.raw} --c 0.5 > ${outputs.model} # costs $HOME",
            "train ${inputs.raw} --c 1 > ${outputs.model} # costs $HOME",
        ),
    ]
    gone = diff_parts(parts(), parts(params={}))
    assert ("params.c", "0.5", None) in gone
    assert diff_parts(parts(), parts()) == []
