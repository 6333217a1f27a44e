"""From a run to a version: which artifacts, which code, which metrics.

Called by whoever deploys (the CLI, the app, a monitor whose run made a better model). Takes what
the run *accepted*: of a loop the accepted round, never the newest. What a version needs is kept
from `gc` by a file under `serving/kept`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing

from mltui.errors import SpecError, UsageError
from mltui.pipeline.rows import Artifact, StageRow, State
from mltui.runs.code import code_references, take_snapshot
from mltui.runs.gc import KEPT
from mltui.runs.inputfiles import FOLDER, Files
from mltui.runs.planning import NO_CODE, environment_files, find_target
from mltui.runs.project import SPEC_FILE, Project
from mltui.runs.readings import Readings
from mltui.runs.rows import RunRow
from mltui.runs.store import Store
from mltui.serving.rows import Served, Version, deployment_name
from mltui.spec.environments import check_target
from mltui.spec.model import Input, Phase, Service, Spec, Stage, Target
from mltui.spec.overrides import apply_overrides
from mltui.spec.spelling import did_you_mean


def service_of(spec: Spec, name: str) -> Service:
    """A service by its name. UsageError, with the nearest right one, when there is none."""
    found = spec.services.get(name)
    if found is None:
        if not spec.services:
            raise UsageError(f"{SPEC_FILE} declares no services: add one under `services:`")
        hint = did_you_mean(name, spec.services)
        raise UsageError(f"there is no service `{name}`" + (f": {hint}" if hint else ""))
    return found


def target_of(spec: Spec, service: Service, asked: str | None) -> Target:
    """Where a service goes: where it is asked to, else its own target, else `local` or the first.

    SpecError when its environment does not fit there; UsageError for one that there is not.
    """
    name = asked or service.target or ("local" if "local" in spec.targets else None)
    name = name or next(iter(spec.targets), "local")
    target = find_target(spec, name)
    only = _only(spec, service)
    problems = check_target(only, target)
    if problems:
        raise SpecError(problems)
    return target


def _only(spec: Spec, service: Service) -> Spec:
    from dataclasses import replace

    plain = replace(service, target=None)
    return replace(spec, stages={}, services={service.name: plain}, monitors={})


def as_stage(service: Service) -> Stage:
    """A service in the form of a stage, for what lays out working folders and fills in paths."""
    return Stage(
        service.name,
        Phase.INFERENCE,
        service.run,
        environment=service.environment,
        inputs=service.inputs,
        params=service.params,
        resources=service.resources,
        secrets=service.secrets,
        network=True,
    )


def choose_run(journal: Readings, spec: Spec, service: Service, number: int | None) -> RunRow:
    """The run to deploy: this one, or the newest whose accepted rounds have all that it reads.

    UsageError when there is none.
    """
    if number is not None:
        run = journal.run(number)
        if run is None:
            raise UsageError(f"there is no run {number}: the newest is {journal.latest()}")
        return run
    needs = {one.stage for one in service.inputs.values() if one.stage is not None}
    for run in journal.runs(limit=200):
        if run.state is State.SUCCEEDED:
            rows = journal.stages(run.number)[1]
            if all(accepted_rows(rows, stage) for stage in needs):
                return run
    raise UsageError(
        f"no run has succeeded yet that made what `{service.name}` serves: start one with "
        "`mltui run`"
    )


def take(
    project: Project,
    name: str,
    *,
    target: str | None = None,
    run: int | None = None,
    by: str,
    why: str,
    at: float,
) -> Version:
    """A version of a service as the project is now, with what a run accepted; number 0.

    SpecError, UsageError, CodeError: it can't be served so. Blocks for as long as hashing takes.
    """
    spec = project.read_spec()
    service = service_of(spec, name)
    place = target_of(spec, service, target)
    store = project.store()
    with closing(project.journal()) as journal:
        row = choose_run(journal, spec, service, run)
        inputs = inputs_of(project, store, journal, row, service.inputs, service.name)
    given = {name: text for name, text in row.request.overrides.items() if name in spec.params}
    spec, _ = apply_overrides(spec, given)
    code = NO_CODE
    if spec.code != ():
        code = take_snapshot(project.root, spec.code, environment_files(spec), store).digest
    else:
        store.put_text("")
    return Version(
        deployment_name(name, place.name),
        0,
        row.number,
        at,
        by,
        why,
        store.put_text(spec.text).digest,
        code,
        inputs,
        {param: spec.params[param] for param in service.params if param in spec.params},
        row.metrics,
        place.engine,
    )


def inputs_of(
    project: Project,
    store: Store,
    journal: Readings,
    run: RunRow,
    wanted: Mapping[str, Input],
    who: str,
) -> dict[str, Served]:
    """The artifacts behind inputs, of a run's accepted rounds. UsageError when one is missing."""
    rows = journal.stages(run.number)[1]
    found: dict[str, Served] = {}
    for name, one in wanted.items():
        if one.path is not None:
            digest = Files(project.root, store).read(one.path)
            folder = digest.startswith(FOLDER)
            artifact = Artifact(digest.removeprefix(FOLDER), 0, is_folder=folder)
            found[name] = Served(artifact, one.path)
        elif one.stage is not None and one.output is not None:
            found[name] = _accepted(rows, one.stage, one.output, run.number, who)
    for name, served in found.items():
        artifacts = [served.artifact] if served.artifact is not None else served.items.values()
        if not all(store.has(artifact.digest) for artifact in artifacts):
            raise UsageError(
                f"input `{name}` of `{who}` ({served.source}) is no longer kept: run it again"
            )
    return found


def accepted_rows(rows: Iterable[StageRow], stage: str) -> list[StageRow]:
    """The rows of a stage that count outside its loops: one, or one for each item."""
    done = [r for r in rows if r.stage == stage and r.accepted is not False and r.state.is_done]
    if not done:
        return []
    path = max(row.path for row in done)
    return [row for row in done if row.path == path]


def _accepted(rows: list[StageRow], stage: str, output: str, run: int, who: str) -> Served:
    found = accepted_rows(rows, stage)
    source = f"{found[-1].instance.label} of run {run}" if found else ""
    items = {r.item: r.outputs[output] for r in found if r.item is not None and output in r.outputs}
    if items:
        return Served(None, f"{stage} of run {run}", items)
    artifacts = [row.outputs[output] for row in found if output in row.outputs]
    if not artifacts:
        raise UsageError(
            f"run {run} has no accepted `{stage}.{output}`, which `{who}` needs: deploy another "
            "run with `--run N`"
        )
    return Served(artifacts[-1], source)


def keep(project: Project, version: Version) -> None:
    """Keep what a version needs from `gc`."""
    store = project.store()
    digests = {version.spec, *code_references(version.code, store)}
    for served in version.inputs.values():
        artifacts = [served.artifact] if served.artifact is not None else served.items.values()
        for artifact in artifacts:
            digests.update(store.references(artifact))
    if version.built is not None:
        digests.add(version.built.resolved)
    folder = project.folder / KEPT
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{version.deployment}-{version.number}"
    file.write_text("\n".join(sorted(digests)), encoding="ascii")


def spec_of(store: Store, version: Version) -> Spec:
    """The project as a version has it. StoreError when its text is gone."""
    from mltui import spec as specs

    return specs.load(store.read_bytes(version.spec).decode("utf-8"), SPEC_FILE)
