"""A project as a run takes it: which text of `mltui.yaml`, which code, planned for what was asked.

Called by `client` to refuse what can't work before it is queued, by the runner when a run begins or
is retried, and again when a run is rebuilt from its journal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mltui import spec as specs
from mltui.errors import SpecError, UsageError
from mltui.pipeline.model import RunPlanned
from mltui.pipeline.plan import Plan
from mltui.pipeline.rows import Instance
from mltui.runs import best
from mltui.runs.code import take_snapshot
from mltui.runs.project import SPEC_FILE, Project
from mltui.runs.rows import RunRequest
from mltui.runs.store import Store
from mltui.spec.environments import DEFAULT_TARGET, check_target, match_environment
from mltui.spec.model import Environment, Ref, Spec, Stage, Target
from mltui.spec.overrides import apply_overrides
from mltui.spec.template import fill

NO_CODE = f"sha256:{hashlib.sha256(b'').hexdigest()}"
"""The manifest of no file at all."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A project planned for a request; nothing was taken yet."""

    spec: Spec
    plan: Plan
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Blueprint:
    """A project as it was taken: what the event `RunPlanned` stands for."""

    spec: Spec
    plan: Plan
    code: Mapping[str, str]
    """Stage → digest of its code manifest in the store."""
    target: str
    code_bytes: Mapping[str, int] = field(default_factory=dict)
    """Stage → size of its code, where it is known: what a working folder takes."""

    def stage(self, name: str) -> Stage:
        """A stage of the plan."""
        return self.spec.stages[name]

    def target_of(self, stage: Stage) -> Target:
        """Where a stage runs: its own target, else the run's."""
        return find_target(self.spec, stage.target or self.target)

    def environment_of(self, instance: Instance) -> Environment | None:
        """The environment of an instance, None without one.

        UsageError when an item makes a name of it that is not declared.
        """
        return environment_of(self.spec, instance)


def environment_of(spec: Spec, instance: Instance) -> Environment | None:
    """The environment that an instance runs in; None: the person's own programs.

    UsageError when its item makes a name of it that is not declared.
    """
    stage = spec.stages[instance.stage]
    if stage.environment is None:
        return None
    values = {}
    if stage.for_each is not None:
        values[Ref("item", stage.for_each.variable)] = instance.item
    name = fill(stage.environment, values)
    found = match_environment(spec, name)
    if found is None:
        raise UsageError(f"no environment is declared that `{name}` could mean")
    return found


def find_target(spec: Spec, name: str) -> Target:
    """A target by its name. UsageError, with the nearest right one, when there is none."""
    targets = spec.targets or {DEFAULT_TARGET.name: DEFAULT_TARGET}
    found = targets.get(name)
    if found is None and name == DEFAULT_TARGET.name:
        return DEFAULT_TARGET
    if found is None:
        raise UsageError(f"there is no target `{name}`: {SPEC_FILE} has {', '.join(targets)}")
    return found


def plan_of(spec: Spec, request: RunRequest) -> Draft:
    """Plan what was asked for. SpecError or UsageError when it can't be run like that."""
    spec, notes = apply_overrides(spec, request.overrides)
    plan = Plan.of(spec, request.stages, request.start_from)
    target = find_target(spec, request.target)
    taking_part = {name: spec.stages[name] for name in plan.order}
    problems = check_target(replace(spec, stages=taking_part, services={}, monitors={}), target)
    if problems:
        raise SpecError(problems)
    if target.read_only:
        raise UsageError(f"target `{target.name}` is read-only: nothing is run there")
    return Draft(spec, plan, notes)


def blueprint_of(event: RunPlanned, store: Store) -> Blueprint:
    """The project as an earlier runner took it. StoreError when it is no longer kept."""
    text = store.read_bytes(event.spec).decode("utf-8")
    request = RunRequest(event.target, event.stages, event.start_from, event.overrides)
    draft = plan_of(specs.load(text, SPEC_FILE), request)
    return Blueprint(draft.spec, draft.plan, event.code, event.target)


def take(
    project: Project, store: Store, request: RunRequest, at: float
) -> tuple[RunPlanned, Blueprint]:
    """Take the project as it is now: its text and each stage's code go to the store.

    SpecError, UsageError or CodeError when it can't be run. Blocks for as long as hashing takes.
    """
    spec = project.read_spec()
    draft = plan_of(spec, request)
    exclude = environment_files(draft.spec)
    taken: dict[tuple[str, ...] | None, tuple[str, int]] = {}
    for name in draft.plan.order:
        globs = code_globs(draft.spec, name)
        if globs not in taken:
            taken[globs] = _take_code(project, store, globs, exclude)
    found = {name: taken[code_globs(draft.spec, name)] for name in draft.plan.order}
    event = RunPlanned(
        at,
        store.put_text(spec.text).digest,
        {name: digest for name, (digest, _) in found.items()},
        request.overrides,
        request.stages,
        request.start_from,
        request.target,
    )
    best.keep(project.folder, event.spec, best.directions(spec))
    sizes = {name: size for name, (_, size) in found.items()}
    return event, Blueprint(draft.spec, draft.plan, event.code, request.target, sizes)


def code_globs(spec: Spec, stage: str) -> tuple[str, ...] | None:
    """What a stage calls its code; None: all that git does not ignore."""
    own = spec.stages[stage].code
    return spec.code if own is None else own


def environment_files(spec: Spec) -> tuple[str, ...]:
    """What belongs to environments and so is no code: requirements, folders of images."""
    names: list[str] = []
    for environment in spec.environments.values():
        image = environment.image
        names.extend(
            name
            for name in (
                environment.requirements,
                image.build if image is not None else None,
                image.dockerfile if image is not None else None,
            )
            if name is not None and "${" not in name
        )
    return tuple(dict.fromkeys(names))


def _take_code(
    project: Project, store: Store, globs: tuple[str, ...] | None, exclude: tuple[str, ...]
) -> tuple[str, int]:
    if globs == ():  # `code: []`: the stages need none
        return store.put_text("").digest, 0
    found = take_snapshot(project.root, globs, exclude, store)
    return found.digest, found.size_bytes
