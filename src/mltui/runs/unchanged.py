"""A run that could only repeat the one before it: journalled at once, without a runner.

A run that took all of its results from the cache leaves a *seal*: what it was decided from (the
text of `mltui.yaml`, what was asked, code, project files, environments). While all of that is the
same, the next run would make the same decisions from the same results, so `client.submit` copies
its history instead of starting a process that reads, plans and looks up everything again.
Anything that is not surely the same means no seal, and the ordinary way.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mltui.errors import MltuiError
from mltui.pipeline.rows import Artifact, StageRow, State
from mltui.runs.project import Project
from mltui.runs.rows import RunRequest

if TYPE_CHECKING:
    from mltui.runs.context import Context

_FORM = 1
"""Part of a seal's name: another way of sealing makes older seals worthless."""
_PROCESS = "process"


def seal_id(text: str, request: RunRequest) -> str:
    """The name of the seal of a text of `mltui.yaml` and of what was asked."""
    asked = [request.target, request.stages, sorted(request.overrides.items())]
    whole = json.dumps([_FORM, text, asked], ensure_ascii=False)
    return hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()


def repeat(project: Project, request: RunRequest, at: float) -> tuple[int, int] | None:
    """Repeat the last run if nothing it was decided from has changed.

    The new run's number and that of the run it repeats; None when a runner has to look.
    """
    if request.start_from or not (project.folder / "journal.db").exists():
        return None
    try:
        name = seal_id(project.read_text(), request)
        with closing(project.journal(write=True)) as journal:
            seal = journal.seal(name)
            if seal is None or seal[0] != journal.latest() or journal.unfinished():
                return None
            run, reads = seal
            if not _is_same(project, reads):
                return None
            commit, is_dirty = _git(project.root)
            columns = {"commit": commit, "dirty": int(is_dirty), "trigger": request.trigger}
            number = journal.repeat_run(run, name, at, columns)
            return None if number is None else (number, run)
    except MltuiError:
        return None  # the ordinary way says what is wrong, in its own words


def _git(root: Path) -> tuple[str | None, bool]:
    if not any((folder / ".git").exists() for folder in (root, *root.parents)):
        return None, False
    from mltui.runs import git

    return git.state(root)


def _is_same(project: Project, reads: Mapping[str, Any]) -> bool:
    store = project.store()
    if not all(store.check(Artifact(*kept)) for kept in reads["outputs"]):
        return False
    for path, digest in reads["files"].items():
        if _file_digest(project.root / path) != digest:
            return False
    for globs, exclude, digest in reads["code"]:
        if globs != [] and _code_digest(project, globs, exclude) != digest:
            return False
    return all(_is_built(project, fields, key) for fields, key in reads["environments"])


def _file_digest(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    except OSError:
        return None


def _code_digest(project: Project, globs: list[str] | None, exclude: list[str]) -> str:
    from mltui.runs.code import take_snapshot

    chosen = None if globs is None else tuple(globs)
    return take_snapshot(project.root, chosen, tuple(exclude), project.store()).digest


def _is_built(project: Project, fields: dict[str, Any], key: str) -> bool:
    from mltui.engines.process.environments import Environments
    from mltui.spec.model import Environment

    if fields.pop("image", None) is not None:
        return False
    environments = Environments()
    found = environments.key(Environment(**fields), project.root)
    return found == key and environments.built(key) is not None


# --- the runner's side ------------------------------------------------------------------------


def reads_of(context: Context, request: RunRequest, rows: list[StageRow]) -> dict[str, Any] | None:
    """What a finished run was decided from; None when that can't be told or need not last.

    `context` is the run's `Context`. Only runs that took every result from the cache, on the
    process engine, with results that never grow old.
    """
    from mltui.runs import planning

    blueprint = context.blueprint
    if request.start_from or not rows or any(not _is_repeatable(row) for row in rows):
        return None
    environments: dict[str, Any] = {}
    for row in rows:
        stage = blueprint.stage(row.stage)
        cache = stage.cache
        if not cache.enabled or cache.max_age_s is not None or stage.secrets:
            return None
        if blueprint.target_of(stage).engine != _PROCESS:
            return None
        if stage.for_each is not None and row.item is None:
            continue
        environment = blueprint.environment_of(row.instance)
        if environment is None or environment.name in environments:
            continue
        if environment.image is not None:
            return None
        engine = context.engines.of(blueprint.target_of(stage))
        key = engine.build_key(environment, context.project.root)
        environments[environment.name] = [asdict(environment), key]
    exclude = planning.environment_files(blueprint.spec)
    code = {}
    for name in blueprint.plan.order:
        globs = planning.code_globs(blueprint.spec, name)
        code[globs] = [globs, exclude, blueprint.code[name]]
    return {
        "outputs": sorted(_outputs(rows)),
        "files": dict(_files(context, rows)),
        "code": list(code.values()),
        "environments": list(environments.values()),
    }


def _is_repeatable(row: StageRow) -> bool:
    return row.state is State.CACHED or (row.state is State.SUCCEEDED and row.attempt == 0)


def _outputs(rows: list[StageRow]) -> set[tuple[str, int, bool]]:
    return {
        (kept.digest, kept.size_bytes, kept.is_folder)
        for row in rows
        for kept in row.outputs.values()
    }


def _files(context: Context, rows: list[StageRow]) -> Iterator[tuple[str, str]]:
    """Project files that stages read, with their digests."""
    for row in rows:
        key = context.keys.get(row.instance)
        if key is None:
            continue
        for name, read in context.blueprint.stage(row.stage).inputs.items():
            if read.path is not None:
                yield read.path, key.parts[f"inputs.{name}"]


def seal(context: Context, request: RunRequest) -> None:
    """Leave a seal for the run that is about to end well, if it may have one."""
    with suppress(MltuiError):  # without a seal the next run only takes longer
        reads = reads_of(context, request, context.scheduler.rows())
        if reads is not None:
            name = seal_id(context.blueprint.spec.text, request)
            context.journal.put_seal(name, context.run, reads)
