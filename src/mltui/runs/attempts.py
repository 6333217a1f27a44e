"""One attempt's folders: made fresh before it starts, found again after a crash.

Called by the runner. The attempt's folder (`.mltui/runs/N/SLUG`: log, metrics) stays with the run;
its working folder (`.mltui/work/N/SLUG`: code, inputs, then outputs) goes when the outputs are in
the store. Every path and name here follows from run, instance and attempt alone, so that another
process makes the same ones.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

from mltui.engines.protocol import Attempt, Built, Engine, View, view_of
from mltui.pipeline.model import InputValue
from mltui.pipeline.rows import Artifact, Instance, StageRow, attempt_slug
from mltui.runs.inputfiles import FOLDER
from mltui.runs.project import Project
from mltui.runs.store import Store
from mltui.spec import contract
from mltui.spec.model import Environment, ParamValue, Ref, Spec, Stage
from mltui.spec.template import format_value, render

INPUTS = "inputs"
"""Folder of the inputs in the working folder."""
SECRETS = "secrets"
"""Folder in `.mltui`: apart from the attempts' folders, which stay."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an attempt lives. Absolute."""

    folder: Path
    work: Path
    secrets: Path
    """Where its secrets are while it runs."""

    @property
    def metrics(self) -> Path:
        """What the stage writes its metrics to."""
        return self.folder / "metrics"


def place_of(project: Project, run: int, instance: Instance, attempt: int) -> Place:
    """The folders of an attempt."""
    slug = attempt_slug(instance, attempt)
    logs, works, secrets = _folders(project, run)
    return Place(logs / slug, works / slug, secrets / f"{run}-{slug}")


@lru_cache(maxsize=16)
def _folders(project: Project, run: int) -> tuple[Path, Path, Path]:
    """Made once a run: building a path costs more than all else in naming an attempt."""
    return project.run_folder(run), project.work_folder(run), project.folder / SECRETS


def sweep(project: Project, run: int, rows: Iterable[StageRow], busy: Iterable[StageRow]) -> None:
    """Remove what a runner that died had no time to: secrets, folders of attempts that succeeded.

    `busy`: attempts that may still be at work. What failed ones left stays to be looked at.
    """
    at_work = {attempt_slug(row.instance, row.attempt) for row in busy}
    kept = {
        attempt_slug(row.instance, row.attempt) for row in rows if not row.state.is_done
    } | at_work
    _sweep(project.work_folder(run), lambda name: name not in kept)
    prefix = f"{run}-"
    _sweep(
        project.folder / SECRETS,
        lambda name: name.startswith(prefix) and name.removeprefix(prefix) not in at_work,
    )


def sweep_secrets(project: Project, runs: Iterable[int]) -> None:
    """Remove secrets of runs that are over; `runs` are those that are not."""
    going_on = {str(run) for run in runs}
    _sweep(project.folder / SECRETS, lambda name: name.partition("-")[0] not in going_on)


def _sweep(folder: Path, is_left: Callable[[str], bool]) -> None:
    if folder.is_dir():
        for entry in folder.iterdir():
            if is_left(entry.name):
                remove_tree(entry)


def input_paths(spec: Spec, stage: Stage, work: Path | str) -> dict[str, str]:
    """Where each input is in a working folder: the name, with the suffix its producer gave it."""
    return {
        name: f"{work}/{INPUTS}/{name}{input_suffix(spec, stage, name)}" for name in stage.inputs
    }


def input_suffix(spec: Spec, stage: Stage, name: str) -> str:
    """The suffix of an input's file, many programs choose a reader by it. Folders have none."""
    source = stage.inputs[name]
    if source.path is not None:
        return _suffixes(source.path)
    if source.stage is None or source.output is None:
        return ""
    producer = spec.stages[source.stage]
    output = producer.outputs[source.output]
    whole = producer.for_each is not None and not is_paired(spec, stage, source.stage)
    if output.is_folder or whole:
        return ""
    return _suffixes(output.path)


@lru_cache(maxsize=4096)
def _suffixes(path: str) -> str:
    return "".join(PurePosixPath(path).suffixes)


def is_paired(spec: Spec, stage: Stage, producer: str) -> bool:
    """Whether a stage reads a `for_each` stage item by item, itself or through others."""
    seen = stage
    while seen.for_each is not None and seen.for_each.pairs_with is not None:
        if seen.for_each.pairs_with == producer:
            return True
        seen = spec.stages[seen.for_each.pairs_with]
    return False


def seen_by(engine: Engine, place: Place) -> View:
    """How the attempt's places are called where its command runs."""
    if hasattr(engine, "view"):
        return view_of(engine, place.folder, place.work)
    return View(str(place.work), f"{place.folder}/metrics", str(place.secrets))


def values_of(
    spec: Spec, stage: Stage, instance: Instance, view: View, params: Mapping[str, ParamValue]
) -> dict[Ref, ParamValue]:
    """What each `${…}` of a stage's command stands for in this attempt."""
    values: dict[Ref, ParamValue] = {
        Ref("inputs", name): path for name, path in input_paths(spec, stage, view.work).items()
    }
    for name, output in stage.outputs.items():
        values[Ref("outputs", name)] = f"{view.work}/{output.path.rstrip('/')}"
    for name, value in params.items():
        values[Ref("params", name)] = value
    values[Ref("metrics")] = view.metrics
    values[Ref("round")] = instance.round
    if stage.for_each is not None:
        values[Ref("item", stage.for_each.variable)] = instance.item
    return values


def environment_of(
    values: Mapping[Ref, ParamValue], stage: Stage, instance: Instance, attempt: int, view: View
) -> dict[str, str]:
    """The `MLTUI_…` variables of an attempt. The engine adds the mark that strays are found by."""
    env = {
        contract.METRICS: str(values[Ref("metrics")]),
        contract.ATTEMPT: str(attempt),
    }
    for ref, value in values.items():
        if ref.kind in ("inputs", "outputs", "params"):
            env[contract.variable_name(ref.kind, ref.name)] = format_value(value)
    if stage.uses_round:
        env[contract.ROUND] = str(instance.round)
    for name in stage.secrets:
        env[contract.variable_name("secrets", name)] = f"{view.secrets}/{name}"
    return env


def attempt_name(project: Project, spec: Spec, run: int, instance: Instance, attempt: int) -> str:
    """Unique among all that this machine's engines run, and the same after a crash.

    Two checkouts of one project have the same name and run numbers; their folders differ.
    """
    return f"{spec.name}-{_mark(project)}-{run}-{attempt_slug(instance, attempt)}"


@lru_cache(maxsize=16)
def _mark(project: Project) -> str:
    return hashlib.sha256(os.fsencode(project.root)).hexdigest()[:8]


def make_attempt(
    project: Project,
    spec: Spec,
    run: int,
    instance: Instance,
    attempt: int,
    *,
    place: Place,
    engine: Engine,
    params: Mapping[str, ParamValue],
    built: Built | None,
    environment: Environment | None,
    told: Callable[[str], None] | None = None,
) -> Attempt:
    """What an engine needs of an attempt. Touches no file, so it also describes one that runs."""
    stage = spec.stages[instance.stage]
    name = attempt_name(project, spec, run, instance, attempt)
    view = seen_by(engine, place)
    values = values_of(spec, stage, instance, view, params)
    variables = dict(environment.variables) if environment is not None else {}
    return Attempt(
        name=name,
        labels={
            "mltui.project": spec.name,
            "mltui.run": str(run),
            "mltui.stage": instance.stage,
            "mltui.round": ":".join(map(str, instance.path)) or "1",
            "mltui.attempt": str(attempt),
        }
        | ({"mltui.item": instance.item} if instance.item is not None else {}),
        argv=tuple(render(stage.run, values)),
        env={**variables, **environment_of(values, stage, instance, attempt, view)},
        folder=place.folder,
        work=place.work,
        built=built,
        resources=stage.resources,
        network=stage.network,
        outputs=tuple(
            output.path.rstrip("/") + "/" * output.is_folder for output in stage.outputs.values()
        ),
        secrets=place.secrets if stage.secrets else None,
        timeout_s=stage.timeout_s,
        told=told,
    )


def make_folders(place: Place) -> None:
    """Both folders, empty. OSError when there is no room.

    What an attempt of the same name left (its start was intended, it never began) goes.
    """
    for folder in (place.folder, place.work):
        try:
            os.mkdir(folder)  # noqa: PTH102 - most often its parent is there
        except FileExistsError:
            remove_tree(folder)
            folder.mkdir(parents=True)
        except FileNotFoundError:
            folder.mkdir(parents=True)


def output_paths(stage: Stage, work: Path) -> list[str]:
    """Where the stage is to leave its outputs."""
    return [f"{work}/{output.path.rstrip('/')}" for output in stage.outputs.values()]


def make_output_parents(place: Place, stage: Stage) -> None:
    """The folders that outputs go to."""
    for output in stage.outputs.values():
        if "/" in (path := output.path.rstrip("/")):
            (place.work / path).parent.mkdir(parents=True, exist_ok=True)


def put_inputs(
    store: Store,
    spec: Spec,
    stage: Stage,
    inputs: Mapping[str, InputValue],
    digests: Mapping[str, str],
    work: Path,
) -> None:
    """Fill the working folder's `inputs`. `digests`: input → digest, as the key names it.

    StoreError when an artifact is gone or there is no room.
    """
    if not inputs:
        return
    os.mkdir(f"{work}/{INPUTS}")  # noqa: PTH102 - a Path costs more than the call
    paths = input_paths(spec, stage, work)
    for name, value in inputs.items():
        path = paths[name]
        if value.artifact is not None and not value.artifact.is_folder:
            store.copy_out(value.artifact.digest, path)
        elif value.artifact is not None:
            store.materialise(value.artifact, Path(path))
        elif value.items is not None:
            store.items(value.items, Path(path))
        elif digests[name].startswith(FOLDER):
            kept = Artifact(digests[name].removeprefix(FOLDER), 0, is_folder=True)
            store.materialise(kept, Path(path))
        else:
            store.copy_out(digests[name], path)


def remove_tree(folder: Path) -> None:
    """Remove a folder that a stage may have made unreadable; harmless when it is not there."""

    def again(function: object, path: str, error: BaseException) -> None:
        if isinstance(error, FileNotFoundError):
            return
        parent = os.path.dirname(path)  # noqa: PTH120
        for name in (parent, path):
            if os.path.isdir(name) and not os.path.islink(name):  # noqa: PTH112, PTH114
                os.chmod(name, 0o700)  # noqa: PTH101
        if os.path.isdir(path) and not os.path.islink(path):  # noqa: PTH112, PTH114
            shutil.rmtree(path, ignore_errors=True)
        else:
            os.unlink(path)  # noqa: PTH108

    if folder.is_symlink():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder, onerror=lambda function, path, info: again(function, path, info[1]))
