"""What a right file means, field by field, and what may be asked of it afterwards."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from mltui.errors import UsageError
from mltui.spec import (
    Graph,
    Spec,
    apply_overrides,
    check_target,
    load,
    match_environment,
    problems,
)
from mltui.spec.environments import stage_environments
from mltui.spec.model import (
    And,
    Best,
    Cache,
    Compare,
    Environment,
    FailureClass,
    ForEach,
    Image,
    Input,
    Mark,
    Metric,
    Otherwise,
    Output,
    Param,
    Phase,
    Ref,
    Retry,
    RunTrigger,
    Secret,
    Target,
)

TEXT = (Path(__file__).parent / "full.yaml").read_text()
DIGITS = Path(__file__).parents[3] / "sample_projects" / "digits" / "mltui.yaml"
MINIMAL = "mltui: 1\nname: x\nstages: {a: {phase: data, run: 'true'}}\n"


@pytest.fixture(scope="module")
def spec() -> Spec:
    return load(TEXT, "full.yaml")


def test_the_sample_project_is_right() -> None:
    text = DIGITS.read_text()
    assert problems(text, "mltui.yaml") == []
    spec = load(text)
    assert [loop.gate_stage for loop in Graph.of(spec).loops] == ["clean", "evaluate"]
    assert check_target(spec, spec.targets["local"]) == []


def test_the_smallest_project() -> None:
    spec = load(MINIMAL)
    assert spec.targets == {"local": Target("local", "process")}
    assert (spec.code, spec.params, spec.environments) == (None, {}, {})
    stage = spec.stages["a"]
    assert (stage.environment, stage.gate, stage.timeout_s) == (None, None, None)
    assert stage.retry == Retry(3, 2.0, frozenset({FailureClass.INFRASTRUCTURE}))
    assert check_target(spec, spec.targets["local"]) == []


def test_sections_keep_the_files_order(spec: Spec) -> None:
    assert list(spec.stages) == [
        "acquire", "clean", "vectorize", "train", "evaluate", "detect", "translate", "score",
        "report",
    ]  # fmt: skip
    assert list(spec.params) == ["target", "seed", "c", "gamma"]
    assert spec.params["c"] is None
    assert (spec.name, spec.code, spec.file) == ("digits", ("digits",), "full.yaml")


def test_environments_and_secrets(spec: Spec) -> None:
    assert spec.environments["train"] == Environment(
        "train", "env/train.txt", Image(build="images/train", args={"EXTRA": ""})
    )
    assert spec.environments["serve"].python == ">=3.11"
    assert spec.environments["tools"].image == Image(name="ghcr.io/example/tools:1.2")
    assert spec.secrets == {
        "HF": Secret(env="HF_TOKEN"),
        "key": Secret(file="~/.key"),
        "pull": Secret(secret="registry/token"),
    }


def test_stages(spec: Spec) -> None:
    acquire, clean, train = (spec.stages[n] for n in ("acquire", "clean", "train"))
    assert acquire.phase is Phase.DATA
    assert acquire.uses_round
    assert acquire.network
    assert acquire.secrets == ("HF",)
    assert acquire.run.shell is not None
    assert acquire.run.shell.refs == (Ref("round"), Ref("outputs", "raw"))
    assert clean.inputs == {
        "raw": Input(stage="acquire", output="raw"),
        "labels": Input(path="./data/labels.csv"),
    }
    assert not clean.uses_round
    assert train.params == ("seed", "c", "gamma")
    assert train.outputs == {"model": Output("model.joblib")}
    assert (train.resources.cpu, train.resources.memory_bytes, train.resources.gpu) == (
        1.0,
        512 * 2**20,
        0,
    )
    assert train.timeout_s == 600.0
    assert train.retry == Retry(3, 2.0, frozenset({FailureClass.INFRASTRUCTURE}))
    assert spec.stages["vectorize"].cache == Cache(True, 7 * 86400.0)
    assert spec.stages["score"].cache == Cache(False)
    assert spec.stages["score"].code == ("digits/score", "*.toml")
    assert spec.stages["detect"].retry.attempts == 2
    assert spec.stages["translate"].outputs == {"text": Output("text", is_folder=True)}
    argv = spec.stages["evaluate"].run.argv
    assert [t.source for t in argv[:3]] == ["python", "-m", "digits.evaluate"]
    assert argv[3].parts == (Ref("inputs", "model"),)


def test_a_script_keeps_the_shells_own(spec: Spec) -> None:
    script = spec.stages["vectorize"].run.shell
    assert script is not None
    text = "".join(part for part in script.parts if isinstance(part, str))
    assert "# it's only a comment, so ${this} stays" in text
    assert '"done in $HOME, ${not_ours}"' in text
    assert Ref("item", "this") not in script.refs


def test_for_each(spec: Spec) -> None:
    assert spec.stages["translate"].for_each == ForEach("pair", stage="detect", output="pairs")
    assert spec.stages["score"].for_each == ForEach("pair", pairs_with="translate")
    assert spec.stages["report"].for_each == ForEach("format", items=("html", "pdf", "3.10"))


def test_gates(spec: Spec) -> None:
    gate = spec.stages["evaluate"].gate
    assert gate is not None
    assert isinstance(gate.require, And)
    assert gate.require.terms[0] == Compare(">=", Metric("accuracy"), Param("target"))
    assert gate.metrics == {"accuracy", "loss", "val.loss"}
    assert gate.tries == ({"c": 0.01}, {"c": 1}, {"c": 10, "gamma": 0.001})
    assert (gate.best, gate.max_rounds) == (Best("max", "accuracy"), 3)
    assert gate.otherwise is Otherwise.ACCEPT_BEST
    clean = spec.stages["clean"].gate
    assert clean is not None
    assert (clean.restart, clean.max_rounds, clean.otherwise) == ("acquire", 5, Otherwise.FAIL)


@pytest.mark.parametrize(
    ("old", "new", "rounds"),
    [
        ("max_rounds: 3\n", "max_rounds: 2\n", 2),
        ("max_rounds: 3\n", "max_rounds: 9\n", 3),
        ("      max_rounds: 3\n", "", 3),
    ],
)
def test_max_rounds_is_the_smaller_of_both(old: str, new: str, rounds: int) -> None:
    gate = load(TEXT.replace(old, new)).stages["evaluate"].gate
    assert gate is not None
    assert gate.max_rounds == rounds


def test_services_and_monitors(spec: Spec) -> None:
    service = spec.services["classifier"]
    assert (service.port, service.health, service.metrics, service.replicas) == (
        8080,
        "/healthz",
        "/metrics",
        2,
    )
    drift = spec.monitors["drift"]
    assert (drift.every_s, drift.window_s, drift.min_rows) == (3600.0, 86400.0, 200)
    assert drift.stage.inputs == {
        "reference": Input(stage="vectorize", output="features"),
        "recent": Input(service="classifier", output="records"),
    }
    assert drift.stage.gate is not None
    assert drift.stage.gate.trigger == RunTrigger("acquire", 1, 86400.0)
    assert not drift.stage.cache.enabled


def test_targets(spec: Spec) -> None:
    assert spec.targets["box"] == Target("box", "docker", host="ssh://me@build-7")
    assert spec.targets["prod"].read_only
    assert spec.targets["prod"].production


def test_a_name_in_the_text_is_a_param_and_round_in_params_counts() -> None:
    text = "mltui: 1\nname: x\nparams: {a: 1, b: 2}\nstages:\n  s:\n    phase: data\n"
    stage = load(text + "    params: [b, round]\n    run: f ${params.a} ${params.b}\n").stages["s"]
    assert stage.params == ("b", "round", "a")
    assert stage.uses_round


def test_marks(spec: Spec) -> None:
    assert spec.mark("name") == Mark(2, 7)
    line = TEXT.splitlines()[spec.mark("stages", "train", "timeout").line - 1]
    assert line == "    timeout: 10m"
    assert spec.mark("stages", "train", "nothing", 3) == spec.mark("stages", "train")
    for path, mark in spec.marks.items():
        assert mark.column <= len(TEXT.splitlines()[mark.line - 1]), path


def test_a_field_may_stand_in_an_alias() -> None:
    text = MINIMAL + "environments:\n  a: &e {requirements: r.txt}\n  b: *e\n"
    spec = load(text)
    assert spec.environments["b"].requirements == "r.txt"
    assert spec.mark("environments", "b") == Mark(6, 6)


# --- environments by item -------------------------------------------------------------------


def test_an_item_finds_its_environment(spec: Spec) -> None:
    found = match_environment(spec, "apertium-es_ca")
    assert found == Environment(
        "apertium-es_ca",
        image=Image(build="images/apertium", args={"PAIR": "es_ca"}),
        variables={"LANG": "C.UTF-8", "THREADS": "2"},
    )
    assert match_environment(spec, "prep") == spec.environments["prep"]
    for text in ("apertium-", "apertium-..", "apertium-a/b", "Prep", "apertium-${pair}", "x"):
        assert match_environment(spec, text) is None


def test_a_literal_environment_comes_before_a_templated_one() -> None:
    text = TEXT.replace("  tools:\n", "  apertium-xx: {image: special:1}\n  tools:\n")
    spec = load(text)
    found = match_environment(spec, "apertium-xx")
    assert found is not None
    assert found.image == Image(name="special:1")
    names = [e.name for _, e in stage_environments(spec, spec.stages["translate"]) if e]
    assert names == ["apertium-${pair}", "apertium-xx"]


def test_literal_items_must_each_have_an_environment() -> None:
    text = TEXT.replace("for_each: {pair: detect.pairs}", "for_each: {pair: [es, ca]}")
    assert problems(text) == []
    text = text.replace('"apertium-${pair}":', "apertium-es:").replace('"${pair}"', "es")
    assert [p.message for p in problems(text)] == ["there is no environment `apertium-ca`"]


def test_what_cant_run_on_a_target(spec: Spec) -> None:
    def said(target: str) -> list[str]:
        return [p.message for p in check_target(spec, spec.targets[target])]

    assert said("local") == [
        "environment `tools` has only an image, so it can't run on target `local` (process)"
    ]
    assert said("dev") == said("box") == []
    (problem,) = check_target(spec, spec.targets["local"])
    assert TEXT.splitlines()[problem.line - 1][problem.column - 1 :] == "tools"
    bare = load(MINIMAL)
    assert [p.message for p in check_target(bare, Target("d", "docker"))] == [
        "`a` has no environment, so it can't run on target `d` (docker)"
    ]


def test_a_stages_own_target_is_judged_by_its_own_engine() -> None:
    spec = load(TEXT.replace("    target: dev\n", "    target: local\n"))
    assert [p.message for p in check_target(spec, spec.targets["dev"])] == [
        "environment `apertium-${pair}` has only an image, so it can't run on target "
        "`local` (process)"
    ]


# --- --set ----------------------------------------------------------------------------------


def test_a_set_param_is_read_as_yaml(spec: Spec) -> None:
    new, notes = apply_overrides(spec, {"target": "1e-3", "seed": "on"})
    assert (new.params["target"], new.params["seed"]) == (0.001, "on")
    assert notes == ()
    assert new.stages == spec.stages
    assert apply_overrides(spec, {"seed": ""})[0].params["seed"] is None
    assert apply_overrides(spec, {"seed": "[1, {a: ~}]"})[0].params["seed"] == [1, {"a": None}]


def test_a_set_param_that_is_tried_replaces_the_tries(spec: Spec) -> None:
    new, notes = apply_overrides(spec, {"c": "5", "seed": "1"})
    gate = new.stages["evaluate"].gate
    assert gate is not None
    assert (gate.tries, gate.max_rounds) == (({"c": 5},), 1)
    assert new.params["c"] == 5
    assert notes == (
        "--set c=5 replaces the 3 configurations that the gate on `evaluate` would try",
    )


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"sead": "1"}, "--set sead: there is no param `sead` (did you mean `seed`?)"),
        ({"seed": "[1"}, "--set seed=[1: this `[` is not closed (write `]` at the end)"),
        ({"seed": ".nan"}, "--set seed=.nan: `.nan` can't be a param; JSON has no such number"),
        ({"a": "1", "b": "1"}, "there is no param `a`.*\n--set b: there is no param `b`"),
    ],
)
def test_a_wrong_set(spec: Spec, texts: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        apply_overrides(spec, texts)
    if ".*" not in message:
        assert str(caught.value) == message
    else:
        assert len(str(caught.value).splitlines()) == 2


# --- the package ----------------------------------------------------------------------------


def test_importing_the_package_costs_nothing() -> None:
    code = "import sys, mltui.spec; print([m for m in sys.modules if 'spec.' in m or m == 'yaml'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_lazy_name_is_there() -> None:
    import mltui.spec

    for name in mltui.spec._HOMES:
        assert getattr(mltui.spec, name) is not None
    with pytest.raises(AttributeError):
        _ = mltui.spec.nothing


def test_the_model_is_immutable(spec: Spec) -> None:
    for part in (spec, spec.stages["train"], spec.services["classifier"]):
        with pytest.raises(AttributeError):
            setattr(part, fields(part)[0].name, "x")
