"""Explain, dry runs, gc, places of things and progress, on a project that really ran."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from mltui.errors import Conflict, JournalError, SpecError, UsageError
from mltui.pipeline.model import Instance, StageRow, State
from mltui.runs import dryrun, gc, locate, progress
from mltui.runs.explain import Explanation, explain
from mltui.runs.lock import RunnerLock
from mltui.runs.project import Project
from mltui.runs.rows import RunRequest

TEXT = """\
mltui: 1
name: small
code: [use.sh, lib]
params: {c: 1, limit: 2}
stages:
  get:
    phase: data
    inputs: {seed: ./seed.txt}
    outputs: {raw: raw.txt}
    run: "echo ${round} | cat ${inputs.seed} - > ${outputs.raw}"
  check:
    phase: data
    inputs: {raw: get.raw}
    outputs: {clean: clean.txt}
    run: |
      cp ${inputs.raw} ${outputs.clean}
      echo '{"step": 1, "n": 0}' > ${metrics}
      echo "{\\"n\\": $(tail -n 1 ${inputs.raw})}" >> ${metrics}
    gate: {require: "n >= ${params.limit}", restart: get, max_rounds: 3, otherwise: fail}
  fit:
    phase: training
    for_each: {i: [a, b]}
    inputs: {clean: check.clean}
    params: [c]
    resources: {cpu: 0.1}
    outputs: {model: model.txt}
    run: "sh use.sh ${i} ${params.c} > ${outputs.model}"
  join:
    phase: inference
    inputs: {models: fit.model}
    outputs: {all: all.txt}
    run: "cat ${inputs.models}/a ${inputs.models}/b > ${outputs.all}"
"""

pytestmark = pytest.mark.slow  # each of these has a runner of its own
World = tuple[Project, Callable[..., int]]


FILES = {
    "mltui.yaml": TEXT,
    "seed.txt": "seed\n",
    "use.sh": 'echo "$1 $2"\n',
    "lib/a.txt": "1\n2\n3\n",
}


def write(root: Path) -> Project:
    for name, text in FILES.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    return Project(root)


def files(root: Path) -> dict[str, str]:
    return {str(p.relative_to(root)): p.read_text() for p in root.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def ran_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project after its first run, which nearly every test begins with."""
    project = write(tmp_path_factory.mktemp("once"))
    execute(project, RunRequest(jobs=2))
    return project.folder


@pytest.fixture
def world(tmp_path: Path, ran_once: Path) -> World:
    """A project, and how to run it to its end."""
    project = write(tmp_path)

    def run(request: RunRequest | None = None) -> int:
        if request is None and not project.folder.exists() and files(tmp_path) == FILES:
            shutil.copytree(ran_once, project.folder, symlinks=True)
            return 1
        return execute(project, request or RunRequest(jobs=2))

    return project, run


def execute(project: Project, request: RunRequest) -> int:
    project.prepare()
    with closing(project.journal(write=True)) as journal:
        number = journal.queue_run(request, time.time())
        command = [sys.executable, "-P", "-m", "mltui.runs.runner", str(project.root)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        row = journal.run(number)
    assert row is not None and row.state is State.SUCCEEDED, (row, done.stderr)
    return number


def row_of(project: Project, run: int, instance: Instance) -> StageRow:
    with closing(project.journal()) as journal:
        row = journal.stage(run, instance)
    assert row is not None
    return row


def parts(found: Explanation) -> dict[str, tuple[str | None, str | None]]:
    return {change.part: (change.before, change.after) for change in found.because}


def test_explain(world: World) -> None:
    project, run = world
    run()
    first = explain(project, 1, Instance("get", (1,)))
    assert (first.cached, first.because, first.note) == (False, (), "no earlier result")
    second = explain(project, 1, Instance("get", (2,)))
    assert parts(second)["round"] == ("1", "2")
    assert second.note == "round 1 → 2" and second.compared == "run 1 get~1.1"
    whole = explain(project, 1, Instance("fit"))
    assert "its items" in whole.note
    item = explain(project, 1, Instance("fit", (), "a"))
    assert any("not enforced" in remark for remark in item.remarks)

    run(RunRequest(jobs=2, overrides={"c": "0.5"}))
    assert explain(project, 2, Instance("check", (2,))).cached
    changed = explain(project, 2, Instance("fit", (), "a"))
    assert parts(changed)["params.c"] == ("1", "0.5")
    assert changed.note == "c 1 → 0.5"
    join = explain(project, 2, Instance("join"))
    assert list(parts(join)) == ["inputs.models"]

    (project.root / "use.sh").write_text('echo "$1 $2"\n# more\n')
    (project.root / "lib" / "b.txt").write_text("new\n")
    (project.root / "seed.txt").write_text("other\n")
    run()
    get = explain(project, 3, Instance("get", (1,)))
    before, after = parts(get)["inputs.seed"]
    assert str(before).startswith("./seed.txt sha256:") and before != after
    code = next(change for change in get.because if change.part == "code")
    assert code.detail == ("lib/b.txt added", "use.sh +1 −0")
    check = explain(project, 3, Instance("check", (1,)))
    made, now = parts(check)["inputs.raw"]
    assert str(made).startswith("run 1 get~1.1 ") and str(now).startswith("run 3 get~1.1 ")
    with pytest.raises(UsageError, match="no nope"):
        explain(project, 3, Instance("nope"))


def test_dry_run(world: World) -> None:
    project, run = world

    def will(request: RunRequest | None = None) -> dict[str, str]:
        found = dryrun.dry_run(project, request or RunRequest())
        return {one.instance.label: one.will for one in found}

    assert will() == {
        "get~1": "run",
        "check~1": "depends",
        "fit": "depends",
        "join": "depends",
    }
    assert not project.folder.exists(), "looking makes nothing"
    run()
    assert set(will().values()) == {"cached"}
    assert list(will()) == ["get~1", "get~2", "check~1", "check~2", "fit[a]", "fit[b]", "join"]
    found = {o.instance.label: o for o in dryrun.dry_run(project, RunRequest(overrides={"c": "3"}))}
    assert (found["fit[a]"].will, found["fit[a]"].because) == ("run", "c 1 → 3")
    assert found["fit[a]"].estimate_s is not None
    assert (found["join"].will, found["join"].because) == ("depends", "on fit")
    assert found["check~2"].will == "cached"
    fewer = will(RunRequest(overrides={"limit": "1"}))
    assert "check~2" not in fewer and fewer["fit[a]"] == "run"
    forced = will(RunRequest(start_from=("join",)))
    assert (forced["join"], forced["fit[a]"]) == ("run", "cached")
    with pytest.raises(UsageError, match="no stage"):
        will(RunRequest(stages=("nope",)))
    project.file.write_text(TEXT.replace("phase: data", "phase: date"))
    with pytest.raises(SpecError):
        will()
    with closing(project.journal()) as journal:
        assert journal.latest() == 1


def test_gc_keeps_what_is_named(world: World) -> None:
    project, run = world
    run()
    run(RunRequest(jobs=2, overrides={"c": "2"}))
    run(RunRequest(jobs=2, overrides={"c": "3"}))
    with closing(project.journal()) as journal:
        journal.pin(2, True)
    assert gc.plan_gc(project, keep=10).is_empty
    plan = gc.plan_gc(project, keep=1)
    assert plan.runs == (1,) and plan.objects and plan.results
    before = dict(project.store().digests())
    assert set(plan.objects) < set(before)
    with RunnerLock(project.folder) as lock:
        assert lock.take()
        with pytest.raises(Conflict, match="at work"):
            gc.apply_gc(project, plan)
    store = project.store()
    left = store.folder / "tmp" / "left"
    left.touch()
    os.utime(left, (0, 0))
    assert gc.apply_gc(project, plan) == plan.size_bytes
    assert not left.exists(), "what a killed process left half-written"
    assert gc.plan_gc(project, keep=1).is_empty
    for number in (2, 3):
        with closing(project.journal()) as journal:
            rows = journal.stages(number)[1]
        assert all(store.check(a, verify=True) for row in rows for a in row.outputs.values())
    assert not project.run_folder(1).exists()
    for request in (RunRequest(overrides={"c": "2"}), RunRequest(overrides={"c": "3"})):
        assert {one.will for one in dryrun.dry_run(project, request)} == {"cached"}
    again = {o.instance.label: o.will for o in dryrun.dry_run(project, RunRequest())}
    assert again["fit[a]"] == "run"
    assert again["get~1"] == "cached", "a later run names it too"


def test_gc_spares_what_is_not_over(world: World) -> None:
    project, run = world
    run()
    with closing(project.journal(write=True)) as journal:
        journal.append(1, [], update={"state": "paused"})
        (project.work_folder(1) / "fit@a.1").mkdir(parents=True)
        journal.queue_run(RunRequest(), 1.0)
    plan = gc.plan_gc(project, keep=0)
    assert plan.is_empty
    with closing(project.journal()) as journal:
        journal.append(1, [], update={"state": "failed"})
        journal.append(2, [], update={"state": "failed"})
    plan = gc.plan_gc(project, keep=2)
    assert [folder.name for folder in plan.folders] == ["1"], "what a failed attempt left"


def test_places(world: World) -> None:
    project, run = world
    run()
    run()
    own = row_of(project, 1, Instance("check", (2,)))
    place = locate.place_of_row(project, own)
    assert place is not None and place.is_own and place.log.exists()
    cached = row_of(project, 2, Instance("check", (2,)))
    assert cached.state is State.CACHED
    there = locate.place_of_row(project, cached)
    assert there is not None and not there.is_own and there.log == place.log
    fit = locate.place_of_row(project, row_of(project, 2, Instance("fit", (), "a")))
    assert fit is not None and fit.folder == project.run_folder(1) / "fit@a.1"
    assert locate.place_of_row(project, row_of(project, 1, Instance("fit"))) is None
    assert [p.attempt for p in locate.attempts_of(project, 1, Instance("fit", (), "a"))] == [1]
    assert locate.attempts_of(project, 9, Instance("fit")) == []


@pytest.mark.parametrize(
    "instance",
    [Instance("a"), Instance("a", (3,)), Instance("a", (2, 3), "en-es"), Instance("a", (), "x.y")],
)
def test_labels_are_read_back(instance: Instance) -> None:
    assert locate.read_label(instance.label) == instance


def test_outputs_by_name(world: World) -> None:
    project, run = world
    run()
    clean = locate.read_output(project, 1, "check.clean")
    path = clean.path(project)
    assert path is not None and path.read_text() == "seed\n2\n"
    first = locate.read_output(project, 1, "check~1.clean").path(project)
    assert first is not None and first.read_text() == "seed\n1\n"
    whole = locate.read_output(project, 1, "fit.model")
    assert whole.items is not None and set(whole.items) == {"a", "b"}
    assert whole.path(project) is None
    assert locate.read_output(project, 1, "fit[a].model").artifact == whole.items["a"]
    for name, sentence in (
        ("clean", "STAGE.OUTPUT"),
        ("nope.x", "no stage `nope`"),
        ("check.nope", "no output `nope`"),
        ("check~9.clean", "no output"),
        ("[.x", "names no stage"),
    ):
        with pytest.raises(UsageError, match=sentence):
            locate.read_output(project, 1, name)


def test_progress(world: World) -> None:
    project, run = world
    with pytest.raises(JournalError):
        progress.progress_of(project, 1, time.time())
    run()
    found = progress.progress_of(project, 1, time.time())
    assert (found.done, found.total, found.left_s) == (7, 7, 0.0)
    with closing(project.journal()) as journal:
        plan = progress.plan_of_run(project, journal, 1)
        assert plan is not None
        queued = journal.queue_run(RunRequest(), 1.0)
        assert progress.plan_of_run(project, journal, queued) is None
    assert progress.progress_of(project, queued, 1.0).left_s is None


def test_a_damaged_cache_runs_again(world: World) -> None:
    """An output that was lost or cut short is noticed before it is used."""
    project, run = world
    run()
    digest = row_of(project, 1, Instance("join")).outputs["all"].digest
    kept = project.store().path(digest)
    kept.chmod(0o600)
    os.truncate(kept, 1)
    found = {o.instance.label: o for o in dryrun.dry_run(project, RunRequest())}
    assert found["join"].will == "run"
    assert "no longer kept" in found["join"].because
    run()
    again = row_of(project, 2, Instance("join"))
    assert again.state is State.SUCCEEDED
    assert project.store().check(again.outputs["all"], verify=True)


def test_a_folder_of_the_project(world: World) -> None:
    """Explain names its files, gc keeps them as long as a run names them."""
    project, run = world
    project.file.write_text(
        "mltui: 1\nname: f\ncode: []\nstages:\n"
        "  a: {phase: data, inputs: {d: ./lib}, outputs: {x: x},"
        ' run: "cat ${inputs.d}/a.txt > ${outputs.x}"}\n'
    )
    run()
    (project.root / "lib" / "b.txt").write_text("new\n")
    (project.root / "lib" / "a.txt").write_text("other\n")
    run()
    found = explain(project, 2, Instance("a"))
    assert found.because[0].detail == ("a.txt changed", "b.txt added")
    assert str(found.because[0].after).startswith("./lib sha256:")
    store = project.store()
    first, second = dict(store.digests()), gc.plan_gc(project, keep=2)
    assert second.is_empty and first
    plan = gc.plan_gc(project, keep=1)
    gc.apply_gc(project, plan)
    with closing(project.journal()) as journal:
        event = journal.key_event(2, Instance("a"))
    assert event is not None
    manifest = event.parts["inputs.d"].removeprefix("folder:")
    assert all(store.has(member.digest) for member in store.manifest(manifest))
    assert len(dict(store.digests())) < len(first)
