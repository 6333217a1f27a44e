"""Why a stage ran or was taken from the cache: its key's parts against those of an earlier result.

Asked by the Explain pane and `mltui explain`. Reads the journal and the store, computes no key.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from mltui.errors import MltuiError, UsageError
from mltui.pipeline.cachekey import diff_parts
from mltui.pipeline.model import RunPlanned, StageCached, StageKeyed
from mltui.pipeline.rows import Instance, StageRow, State
from mltui.runs import keys
from mltui.runs.code import diff_code
from mltui.runs.containers import read_container
from mltui.runs.inputfiles import FOLDER
from mltui.runs.journal import Journal
from mltui.runs.parts import INPUT, RESOLVED, resolved_changes
from mltui.runs.planning import Blueprint, blueprint_of
from mltui.runs.project import Project
from mltui.runs.rows import Result
from mltui.runs.store import Store
from mltui.spec.model import Stage

_SHOWN = 12
"""Of a digest's 64 digits."""
_SOURCES = 50
"""Among how many results of a producer the maker of an input is looked for."""


@dataclass(frozen=True, slots=True)
class Change:
    """One part of a key that differs. None: it is not there."""

    part: str
    """As the key names it: `code`, `inputs.raw`, `params.c`, `environment.resolved`, `command`."""
    before: str | None
    after: str | None
    detail: tuple[str, ...] = ()
    """What that means, a line each: files of the code, versions of packages."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an instance is as it is."""

    cached: bool
    because: tuple[Change, ...] = ()
    """Against the nearest earlier result; empty when it was taken, or there is none."""
    note: str = ""
    """In a sentence: "taken from run 12 train~3.1", "no earlier result"."""
    compared: str = ""
    """The attempt that `because` compares with: "run 12 train~3.1"."""
    stale: str = ""
    """Kept by a retry although its key would differ now: what changed."""
    remarks: tuple[str, ...] = ()
    """What else is good to know, e.g. what its engine does with `resources`."""


_NOT_YET = {
    State.PENDING: "its inputs are not all known yet",
    State.READY: "it waits for room",
    State.BUILDING: "its environment is being made",
}
_OPEN_NETWORK = (
    "it has no `network: true`, but its cluster enforces no network policies: it could reach others"
)


def explain(project: Project, run: int, instance: Instance) -> Explanation:
    """Explain an instance in a run. UsageError when the run has no such instance."""
    with closing(project.journal()) as journal:
        row = _row(journal, run, instance)
        event = journal.key_event(run, instance)
        blueprint = _blueprint(journal, project.store(), run)
        remarks = () if blueprint is None else tuple(_remarks(blueprint, row))
        container = read_container(project, row)
        if container is not None and container.is_network_open:
            remarks = (*remarks, _OPEN_NETWORK)
        stale = row.reason if row.stale else ""
        if event is None:
            note = row.reason or _NOT_YET.get(row.state, f"it is {row.state}")
            if blueprint is not None and _is_whole(blueprint, row):
                each = f"{row.stage}[…]"
                note = f"each item has a key of its own: see its items, `mltui explain '{each}'`"
            return Explanation(False, note=note, stale=stale, remarks=remarks)
        if isinstance(event, StageCached):
            note = f"taken from {event.source}: nothing that it depends on has changed"
            return Explanation(True, (), note, event.source, stale, remarks)
        before = _earlier(journal, event, row)
        if before is None:
            return Explanation(False, (), event.because, "", stale, remarks)
        explainer = _Explainer(project.store(), journal, blueprint, run, instance)
        because = tuple(
            explainer.change(part, old, new)
            for part, old, new in diff_parts(before.parts, event.parts)
        )
        return Explanation(False, because, event.because, before.source, stale, remarks)


def _row(journal: Journal, run: int, instance: Instance) -> StageRow:
    row = journal.stage(run, instance)
    if row is None:
        raise UsageError(f"there is no {instance.label} in run {run}")
    return row


def _blueprint(journal: Journal, store: Store, run: int) -> Blueprint | None:
    """The project as the run took it last; None when it is no longer kept."""
    planned = journal.newest_event(run, RunPlanned)
    try:
        return None if planned is None else blueprint_of(planned, store)
    except MltuiError:
        return None


def _is_whole(blueprint: Blueprint, row: StageRow) -> bool:
    stage = blueprint.spec.stages.get(row.stage)
    return stage is not None and stage.for_each is not None and row.item is None


def _remarks(blueprint: Blueprint, row: StageRow) -> Iterator[str]:
    stage = blueprint.spec.stages.get(row.stage)
    if stage is None:
        return
    target = blueprint.target_of(stage)
    asked = stage.resources
    if target.engine == "process" and (asked.cpu or asked.memory_bytes or asked.gpu):
        yield (
            "on the process engine `resources` decide how much starts at once and are measured, "
            "not enforced"
        )
    if stage.environment is None:
        yield "it has no environment: the programs on your PATH are not part of its key"
    if stage.secrets:
        yield "its secrets are not part of its key"


def _earlier(journal: Journal, event: StageKeyed, row: StageRow) -> Result | None:
    """The nearest result that is not this attempt's own."""
    results = [
        result
        for result in keys.candidates(journal, row.stage)
        if result.at < event.at and result.key != event.key
    ]
    return keys.nearest_of(results, row.instance, event.parts)


@dataclass(slots=True)
class _Explainer:
    store: Store
    journal: Journal
    blueprint: Blueprint | None
    run: int
    instance: Instance

    @property
    def stage(self) -> Stage | None:
        """The stage as the run knows it."""
        if self.blueprint is None:
            return None
        return self.blueprint.spec.stages.get(self.instance.stage)

    def change(self, part: str, old: str | None, new: str | None) -> Change:
        """A difference in words."""
        if part == "code":
            return Change(part, _short(old), _short(new), tuple(self._code(old, new)))
        if part == RESOLVED:
            changes = resolved_changes(self.store, old, new)
            detail = tuple(f"{name} {a or 'none'} → {b or 'none'}" for name, a, b in changes)
            return Change(part, _short(old), _short(new), detail)
        if part.startswith(INPUT):
            name = part.removeprefix(INPUT)
            detail = tuple(self._members(old, new))
            return Change(part, self._source(name, old), self._source(name, new), detail)
        return Change(part, old, new)

    def _code(self, old: str | None, new: str | None) -> Iterator[str]:
        """The files that differ: `digits/train.py +3 −1`."""
        if old is None or new is None or not (self.store.has(old) and self.store.has(new)):
            return
        for file in diff_code(old, new, self.store):
            if file.kind == "changed":
                yield f"{file.path} +{file.lines_added} −{file.lines_removed}"
            else:
                yield f"{file.path} {file.kind}"

    def _members(self, old: str | None, new: str | None) -> Iterator[str]:
        """The files of a project's folder that differ."""
        if old is None or new is None or not (old.startswith(FOLDER) and new.startswith(FOLDER)):
            return
        kept = [digest.removeprefix(FOLDER) for digest in (old, new)]
        if not all(map(self.store.has, kept)):
            return
        before, after = ({m.path: m for m in self.store.manifest(digest)} for digest in kept)
        for path in sorted({*before, *after}):
            if before.get(path) != after.get(path):
                verb = "changed" if path in before and path in after else "added"
                yield f"{path} {verb if path in after else 'removed'}"

    def _source(self, name: str, digest: str | None) -> str | None:
        """Which attempt made an input, or which project file it is."""
        if digest is None:
            return None
        stage = self.stage
        source = stage.inputs.get(name) if stage is not None else None
        if source is not None and source.path is not None:
            return f"{source.path} {_short(digest)}"
        if source is not None and source.stage is not None:
            for result in self.journal.results(source.stage, limit=_SOURCES):
                if any(artifact.digest == digest for artifact in result.outputs.values()):
                    return f"{result.source} {_short(digest)}"
        return _short(digest)


def _short(digest: str | None) -> str | None:
    """A digest as people see it: `sha256:8f2c…`."""
    if digest is None:
        return None
    kind, _, text = digest.removeprefix(FOLDER).partition(":")
    return f"{kind}:{text[:_SHOWN]}" if text else digest[:_SHOWN]
