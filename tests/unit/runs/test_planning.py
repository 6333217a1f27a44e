"""A project as a run takes it: what is refused, which code, which environment, which key."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from mltui import spec
from mltui.errors import CodeError, SpecError, UsageError
from mltui.pipeline.model import Artifact, Instance
from mltui.runs import keys, planning
from mltui.runs.code import read_code
from mltui.runs.parts import resolved_changes
from mltui.runs.project import Project
from mltui.runs.rows import Result, RunRequest
from mltui.spec.model import Cache, Spec

TEXT = """\
mltui: 1
name: plans
params: {c: 1}
environments:
  prep: {requirements: env/prep.txt, image: {build: images/prep}}
  only: {image: "busybox:1"}
  "say-${i}": {requirements: "env/${i}.txt"}
stages:
  a: {phase: data, environment: prep, outputs: {x: x.txt}, run: "true"}
  b: {phase: data, inputs: {x: a.x}, code: [], params: [c], run: "true"}
  c: {phase: data, code: ["lib/*.py"], run: "true"}
  d: {phase: data, for_each: {i: [en, fr]}, environment: "say-${i}", run: "echo ${i}"}
  e: {phase: data, environment: only, target: box, run: "true"}
targets:
  local: {engine: process}
  box: {engine: docker}
  sealed: {engine: process, read_only: true}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "mltui.yaml").write_text(TEXT)
    for name in ("main.py", "lib/a.py", "lib/b.txt", "env/prep.txt", "images/prep/Dockerfile"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    made = Project(tmp_path)
    made.prepare()
    return made


@pytest.fixture
def plans(project: Project) -> Spec:
    return project.read_spec()


@pytest.mark.parametrize(
    ("request_", "error", "sentence"),
    [
        (RunRequest(stages=("aa",)), UsageError, "no stage `aa`"),
        (RunRequest(stages=("a",), start_from=("c",)), UsageError, "takes no part"),
        (RunRequest(target="boxx"), UsageError, "no target `boxx`"),
        (RunRequest(target="sealed"), UsageError, "read-only"),
        (RunRequest(overrides={"d": "1"}), UsageError, "no param `d`"),
        (RunRequest(overrides={"c": "[1"}), UsageError, "--set c=\\[1"),
    ],
)
def test_what_is_refused(
    plans: Spec, request_: RunRequest, error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        planning.plan_of(plans, request_)


def test_only_what_takes_part_must_fit_the_target(plans: Spec) -> None:
    text = TEXT.replace(", target: box, run", ", run")
    unfit = spec.load(text, "mltui.yaml")
    with pytest.raises(SpecError, match="only an image"):
        planning.plan_of(unfit, RunRequest())
    assert planning.plan_of(unfit, RunRequest(stages=("b",))).plan.order == ("a", "b")


def test_a_project_without_targets_has_one() -> None:
    text = 'mltui: 1\nname: x\nstages: {a: {phase: data, run: "true"}}\n'
    found = planning.find_target(spec.load(text, "mltui.yaml"), "local")
    assert (found.name, found.engine) == ("local", "process")


def test_each_stage_has_its_code(project: Project) -> None:
    store = project.store()
    event, blueprint = planning.take(project, store, RunRequest(overrides={"c": "2"}), 1.0)
    assert blueprint.spec.params == {"c": 2}
    assert sorted(read_code(event.code["a"], store)) == ["lib/a.py", "lib/b.txt", "main.py"]
    assert event.code["b"] == planning.NO_CODE
    assert sorted(read_code(event.code["c"], store)) == ["lib/a.py"]
    again = planning.blueprint_of(event, store)
    assert (again.spec, again.code, again.target) == (
        blueprint.spec,
        blueprint.code,
        blueprint.target,
    )
    (project.root / "lib" / "a.py").unlink()
    with pytest.raises(CodeError, match="fits no file"):
        planning.take(project, store, RunRequest(), 2.0)


def test_environments_by_item(plans: Spec) -> None:
    found = planning.environment_of(plans, Instance("d", (), "fr"))
    assert found is not None and found.requirements == "env/fr.txt"
    assert planning.environment_of(plans, Instance("c")) is None
    assert planning.environment_files(plans) == ("env/prep.txt", "images/prep")


def test_what_is_in_a_key(project: Project) -> None:
    store = project.store()
    _, blueprint = planning.take(project, store, RunRequest(), 1.0)
    environment = planning.environment_of(blueprint.spec, Instance("a"))
    assert environment is not None

    def key(**changes: object) -> keys.Key:
        given = {
            "inputs": {},
            "params": {},
            "environment": environment,
            "resolved": "sha256:r",
            **changes,
        }
        return keys.key_for(blueprint, Instance("a"), **given)  # type: ignore[arg-type]

    assert key() == key()
    others = [
        key(resolved="sha256:other"),
        key(environment=None, resolved=None),
        key(environment=replace(environment, variables={"A": "1"})),
        key(inputs={"x": "sha256:i"}),
        key(params={"c": 1}),
    ]
    assert len({one.key for one in (key(), *others)}) == 6
    assert "environment.platform" in others[1].parts


def test_why_a_result_is_not_taken(project: Project) -> None:
    store = project.store()
    stage = project.read_spec().stages["a"]
    kept = store.put_text("x")
    result = Result("k", "a", "run 1 a.1", 100.0, {"x": kept}, {}, {})
    with closing(project.journal(write=True)) as journal:
        assert keys.find_result(journal, store, stage, "k", 1.0) == (None, "")
        journal.append(1, [], results=[result])
        assert keys.find_result(journal, store, stage, "k", 200.0)[0] == result
        old = replace(stage, cache=Cache(True, 60.0))
        assert keys.find_result(journal, store, old, "k", 150.0)[0] == result
        assert "older than 1m00s" in keys.find_result(journal, store, old, "k", 200.0)[1]
        off = replace(stage, cache=Cache(False))
        assert keys.find_result(journal, store, off, "k", 150.0) == (None, "its cache is off")
        store.remove(kept.digest)
        assert "no longer kept" in keys.find_result(journal, store, stage, "k", 150.0)[1]


def test_changes_in_words(project: Project) -> None:
    store = project.store()
    old = store.put_text("# CPython 3.11.7 linux\nnumpy==1.26\nold==1\n").digest
    new = store.put_text("# CPython 3.12.1 linux\nnumpy==2.0\n").digest
    assert resolved_changes(store, old, new) == [
        ("CPython", "3.11.7 linux", "3.12.1 linux"),
        ("numpy", "1.26", "2.0"),
        ("old", "1", None),
    ]
    gone, none = ("sha256:" + c * 64 for c in "ab")
    image = f"platform linux/amd64\ndockerfile {'c' * 64}\narg MODE=a b\nbase debian:12 {gone}\n"
    moved = image.replace(gone, none).replace("a b", "c d")
    made, anew = store.put_text(image).digest, store.put_text(moved).digest
    assert resolved_changes(store, made, anew) == [
        ("arg MODE", "a b", "c d"),
        ("base debian:12", "a" * 12, "b" * 12),
    ]
    named, other = (store.put_text(f"image x:1\n{digest}\n").digest for digest in (gone, none))
    assert resolved_changes(store, named, other) == [("digest", "a" * 12, "b" * 12)]
    before = {"code": gone, "params.c": "1", "command": "x 1", "environment.resolved": old}
    after = {"code": none, "params.c": "2", "command": "x 2", "environment.resolved": old}
    assert keys.sentence(store, before, after) == "its code changed, c 1 → 2"
    assert keys.sentence(store, before, {**before, "environment.resolved": new}).endswith(
        "and 1 more"
    )
    assert keys.sentence(store, before, {**before, "command": "y"}) == "command changed"
    assert keys.sentence(store, {}, {"inputs.x": "d"}) == "input x is new"
    assert keys.sentence(store, before, before) == ""


def test_the_nearest_result(project: Project) -> None:
    def result(label: str, c: str) -> Result:
        parts = {"command": "x", "params.c": c}
        return Result(label, "a", f"run 1 {label}.1", time.time(), {}, {}, parts)

    far, near = result("a~1", "1"), result("a~2", "2")
    wanted = {"command": "x", "params.c": "3"}
    assert keys.nearest_of([near, far], Instance("a", (1,)), wanted) is far, "of equals, itself"
    assert keys.nearest_of([near, far], Instance("a", (7,)), wanted) is near
    assert keys.nearest_of([far, near], Instance("a", (1,)), near.parts) is near
    assert keys.nearest_of([], Instance("a"), wanted) is None


def test_a_digest_of_items_is_that_of_their_list(project: Project) -> None:
    from mltui.pipeline.model import InputValue

    store = project.store()
    one, two = Artifact("sha256:1", 1), Artifact("sha256:2", 1)
    found = keys.input_digest(store, InputValue(items={"b": two, "a": one}))
    assert found == keys.input_digest(store, InputValue(items={"a": one, "b": two}))
    assert found != keys.input_digest(store, InputValue(items={"a": two, "b": one}))
    assert keys.input_digest(store, InputValue(artifact=one)) == "sha256:1"
