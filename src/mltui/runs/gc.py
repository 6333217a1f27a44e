"""What may go: old runs, results nobody uses, objects nobody names. Shown first, then removed.

Asked by `mltui gc`. Kept are the newest runs, pinned ones, those that are not over, and every
artifact that any of them names. Removing takes the runner's lock, so that no run is at work.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from mltui.errors import Conflict, StoreError
from mltui.pipeline.model import RunPlanned, StageCached, StageKeyed
from mltui.pipeline.rows import Artifact, State
from mltui.runs import client
from mltui.runs.attempts import remove_tree
from mltui.runs.builds import FOLDER as BUILDS
from mltui.runs.code import code_references
from mltui.runs.inputfiles import FOLDER as FILES_OF_FOLDER
from mltui.runs.journal import Journal
from mltui.runs.lock import RunnerLock, runner_status
from mltui.runs.parts import INPUT, RESOLVED
from mltui.runs.project import Project
from mltui.runs.rows import RunRow
from mltui.runs.store import Store

KEEP = 10
KEPT = "serving/kept"
"""In `.mltui`: a file for each version that was deployed, with the digests that it needs."""
_ALIVE = (State.PENDING, State.RUNNING, State.UNKNOWN, State.PAUSED)


@dataclass(frozen=True, slots=True)
class GcPlan:
    """What would go and how much it frees."""

    keep: int
    """How many of the newest runs stay."""
    runs: tuple[int, ...] = ()
    results: tuple[str, ...] = ()
    """Keys of cached results."""
    objects: tuple[str, ...] = ()
    """Digests in the store."""
    folders: tuple[Path, ...] = ()
    """Logs, builds and working folders."""
    size_bytes: int = 0

    @property
    def is_empty(self) -> bool:
        """Nothing would go."""
        return not (self.runs or self.results or self.objects or self.folders)


def plan_gc(project: Project, keep: int = KEEP) -> GcPlan:
    """What may go when the `keep` newest runs stay. Changes nothing.

    JournalError when there are no runs yet; StoreError when a kept folder's list is damaged.
    """
    store = project.store()
    with closing(project.journal()) as journal:
        rows = journal.runs()
        kept = [row for place, row in enumerate(rows) if place < max(1, keep) or _must_stay(row)]
        numbers = {row.number for row in kept}
        gone = tuple(sorted(row.number for row in rows if row.number not in numbers))
        keys, wanted = _wanted(journal, store, kept)
        results = tuple(sorted(set(journal.result_keys()) - keys))
        builds = [b for b in journal.builds(limit=-1) if b.run is not None and b.run in gone]
    objects = [(digest, size) for digest, size in store.digests() if digest not in wanted]
    folders = [project.run_folder(run) for run in gone]
    folders += [project.folder / BUILDS / build.id for build in builds]
    folders += _work_folders(project, kept)
    folders = [folder for folder in folders if folder.is_dir()]
    size = sum(size for _, size in objects) + sum(map(_folder_bytes, folders))
    return GcPlan(max(1, keep), gone, results, tuple(d for d, _ in objects), tuple(folders), size)


def apply_gc(project: Project, plan: GcPlan) -> int:
    """Remove what was planned, as far as it may still go; bytes freed.

    Conflict when a run is at work.
    """
    lock = RunnerLock(project.folder)
    if not lock.take():
        pid = runner_status(project).pid
        raise Conflict(f"a run is at work (its runner is process {pid}): try again when it is over")
    try:
        # Whatever began to be used since the plan was shown stays.
        now = plan_gc(project, plan.keep)
        freed = _apply(project, plan, now)
    finally:
        lock.release()
    with closing(project.journal()) as journal:
        is_waiting = bool(journal.unfinished() or journal.open_requests())
    if is_waiting:  # a runner that was started meanwhile has found the lock taken and gone
        client.ensure_runner(project)
    return freed


def _apply(project: Project, plan: GcPlan, now: GcPlan) -> int:
    runs = set(plan.runs) & set(now.runs)
    results = set(plan.results) & set(now.results)
    freed = 0
    with closing(project.journal()) as journal:
        journal.forget(runs, results)
    store = project.store()
    for digest in set(plan.objects) & set(now.objects):
        freed += store.remove(digest)
    for folder in set(plan.folders) & set(now.folders):
        freed += _folder_bytes(folder)
        remove_tree(folder)
    store.remove_leftovers()
    return freed


def _must_stay(row: RunRow) -> bool:
    return row.pinned or row.state in _ALIVE


def _wanted(journal: Journal, store: Store, kept: Iterable[RunRow]) -> tuple[set[str], set[str]]:
    """Keys of results and digests of objects that the kept runs name."""
    keys: set[str] = set()
    digests: set[str] = set()
    for row in kept:
        for _, event in journal.events(row.number):
            if isinstance(event, RunPlanned):
                digests.add(event.spec)
                for code in set(event.code.values()) - digests:
                    digests.update(code_references(code, store))
            elif isinstance(event, StageKeyed | StageCached):
                keys.add(event.key)
                digests.update(_of_parts(store, event.parts))
        for stage in journal.stages(row.number)[1]:
            digests.update(_references(store, stage.outputs.values()))
    for key in keys:
        result = journal.result(key)
        if result is not None:
            digests.update(_references(store, result.outputs.values()))
            for code in {result.parts.get("code", "")} - digests - {""}:
                digests.update(code_references(code, store))
    for build in journal.builds(limit=-1):
        if build.resolved is not None:
            digests.add(build.resolved)
    for file in (store.folder.parent / KEPT).glob("*"):
        digests.update(file.read_text(encoding="ascii").split())
    return keys, digests


def _of_parts(store: Store, parts: Mapping[str, str]) -> Iterator[str]:
    """The objects that a key's parts name: project files and folders, lists of packages."""
    for name, text in parts.items():
        if text.startswith(FILES_OF_FOLDER):
            folder = Artifact(text.removeprefix(FILES_OF_FOLDER), 0, is_folder=True)
            yield from _references(store, [folder])
        elif name.startswith(INPUT) or name == RESOLVED:
            yield text


def _references(store: Store, artifacts: Iterable[Artifact]) -> Iterator[str]:
    for artifact in artifacts:
        with suppress(StoreError):  # damaged: its members can't be told, and are of no use
            yield from store.references(artifact)


def _work_folders(project: Project, kept: Iterable[RunRow]) -> list[Path]:
    """What failed attempts left to be looked at; those of runs that are not over stay."""
    busy = {str(row.number) for row in kept if row.state in _ALIVE}
    folder = project.folder / "work"
    return [f for f in folder.iterdir() if f.name not in busy] if folder.is_dir() else []


def _folder_bytes(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            if path.is_file() and not path.is_symlink():
                total += path.stat().st_blocks * 512
    return total
