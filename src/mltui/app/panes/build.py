"""The Build pane."""

from __future__ import annotations

from collections.abc import Hashable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mltui.actions.buildtree import FILE as STEPS
from mltui.actions.buildtree import StepsFile, durations, waiting
from mltui.app.panes.textpane import FileShown, Subject, TextPane
from mltui.app.present.build import Environed, build_lines
from mltui.app.present.buildnews import News, news_of
from mltui.app.present.buildtree import Steps
from mltui.app.present.line import Line, line
from mltui.app.present.moment import Moment
from mltui.errors import MltuiError
from mltui.logs.errors import last_lines
from mltui.logs.sanitize import plain
from mltui.pipeline.rows import StageRow, State
from mltui.runs.containers import read_container
from mltui.runs.journal import Journal
from mltui.runs.project import Project
from mltui.runs.rows import BuildRow

if TYPE_CHECKING:
    from mltui.spec.model import Environment

LOG_LINES = 30
_SEEN_IN_STEPS = ("dockerfile", "context")
"""Digests of what the steps tell in words."""
_GOOD = 100
"""So many earlier builds are looked through for one that came to a good end."""
EARLIER = 5
"""So many earlier builds are asked how long a cached step took when it ran."""


class BuildPane(TextPane):
    """The environment of the selected stage, and the steps of its build as they happen."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.file: Path | None = None
        self._reader = BuildReader()

    def _stamp(self, subject: Subject) -> Hashable:
        """It changes with the build, and while one is under way with the clock."""
        row = subject.row
        return (super()._stamp(subject), row.build, row.object, subject.facts.spec is not None)

    def _prepare(self, subject: Subject) -> Any:
        """The environment as the file declares it."""
        spec, row = subject.facts.spec, subject.row
        if spec is None or row.stage not in spec.stages:
            return None
        from mltui.errors import UsageError
        from mltui.runs.planning import environment_of

        try:
            found = environment_of(spec, row.instance)
        except UsageError as error:
            return str(error)
        return found if found is not None else False

    def _gather(self, project: Project, row: StageRow, prepared: Any) -> Any:
        """The build, the end of its log, what was installed."""
        if prepared is None:
            return None
        if prepared is False:
            return Environed(None)
        if isinstance(prepared, str):
            return Environed("?", reason=prepared)
        environment: Environment = prepared
        declared = tuple(_declared(environment))
        try:
            with closing(project.journal()) as journal:
                build = journal.build(row.build) if row.build else None
                if build is None:
                    build = next(iter(journal.builds(environment=environment.name, limit=1)), None)
                kept = journal.result(row.key) if build is None and row.key else None
                digest = kept.parts.get("environment.resolved", "") if kept is not None else ""
        except MltuiError as error:
            return Environed(environment.name, declared, reason=str(error))
        container = read_container(project, row)
        if build is None:
            packages = _packages(project, digest)
            return Environed(
                environment.name,
                declared,
                packages=packages,
                container=container,
                is_used=row.state is State.RUNNING or row.state.is_done,
            )
        return replace(self._reader.read(project, build, declared), container=container)

    def _present(self, material: Any, subject: Subject, width: int, moment: Moment) -> list[Line]:
        """The pane's lines."""
        if material is None:
            return [line((" reading mltui.yaml…", "dim"))]
        self._watch(material, subject)
        return build_lines(material, width, moment, self.size.height)

    def _watch(self, material: Environed, subject: Subject) -> None:
        build = material.build
        file = None
        if build is not None and build.log and not build.state.is_final:
            file = (subject.project.folder / build.log).parent / STEPS
        if file != self.file:
            self.file = file
            self.post_message(FileShown(file))


class BuildReader:
    """Reads builds with their steps, in a thread; what was read of a file is not read again."""

    def __init__(self) -> None:
        self._files: dict[str, StepsFile] = {}
        self._last: dict[str, dict[str, float]] = {}

    def read(
        self, project: Project, build: BuildRow, declared: tuple[tuple[str, str], ...] = ()
    ) -> Environed:
        """All that is shown of a build."""
        log: tuple[str, ...] = ()
        packages: tuple[str, ...] = ()
        steps: Steps | None = None
        if build.log:
            file = project.folder / build.log
            try:
                log = tuple(plain(each) for each in last_lines(file, LOG_LINES))
            except OSError:
                log = ()
            steps = self._steps(project, build, file, log)
        if build.resolved:
            packages = _packages(project, build.resolved)
        found = Environed(build.environment, declared, build, log, packages, steps=steps)
        if steps is None or not (build.state.is_done or build.state is State.FAILED):
            return found
        before = self._good_before(project, build)
        if before is None:
            return found
        old = StepsFile(project.folder / before.log).read() if before.log else None
        differs: list[tuple[str, str | None, str | None]] = []
        if build.resolved is not None:
            from mltui.runs.parts import resolved_changes

            found_differs = resolved_changes(project.store(), before.resolved, build.resolved)
            differs = [each for each in found_differs if each[0] not in _SEEN_IN_STEPS]
        took = (before.ended_at or before.started_at) - before.started_at
        news = News(before.id, news_of(old, steps.tree, differs))
        return replace(found, news=news, before_s=took)

    @staticmethod
    def _good_before(project: Project, build: BuildRow) -> BuildRow | None:
        """The last build of this environment before this one that came to a good end."""
        try:
            with closing(project.journal()) as journal:
                same = journal.builds(environment=build.environment, limit=_GOOD)
        except MltuiError:
            return None
        return next(
            (
                each
                for each in same
                if each.started_at < build.started_at
                and each.state.is_done
                and each.engine == build.engine
            ),
            None,
        )

    def figures(self, project: Project, build: BuildRow) -> tuple[float | None, int | None]:
        """Which share of the steps came from the cache, and the size of the image."""
        tree = StepsFile(project.folder / build.log).read() if build.log else None
        return (None, None) if tree is None else (tree.cached_share, tree.size_bytes)

    def _steps(
        self, project: Project, build: BuildRow, log: Path, lines: tuple[str, ...]
    ) -> Steps | None:
        known = self._files.get(build.id)
        if known is None:
            known = StepsFile(log)
        tree = known.read()
        if tree is None:
            return None
        if len(self._files) > 20:
            self._files.clear()
        self._files[build.id] = known
        later = waiting(tree, project.root, build.started_at)
        requirement = ""
        if tree.fault is not None and tree.fault.requirement_file:
            requirement = _line_of(
                project.root / tree.fault.requirement_file, tree.fault.requirement_line
            )
        return Steps(tree, later, self._earlier(project, build), requirement, _output(lines))

    def _earlier(self, project: Project, build: BuildRow) -> dict[str, float]:
        found = self._last.get(build.id)
        if found is None:
            try:
                with closing(project.journal()) as journal:
                    before = earlier(journal, build)
            except MltuiError:
                before = []
            trees = [StepsFile(project.folder / each.log).read() for each in before if each.log]
            found = dict(durations([tree for tree in trees if tree is not None]))
            self._last = {build.id: found}
        return found


def _packages(project: Project, digest: str) -> tuple[str, ...]:
    """What is in an environment, by the digest of its list; empty where that is not kept."""
    if not digest:
        return ()
    try:
        text = project.store().read_bytes(digest).decode("utf-8", "replace")
    except (MltuiError, OSError):
        return ()
    return tuple(each for each in text.splitlines() if each.strip())


def earlier(journal: Journal, build: BuildRow) -> list[BuildRow]:
    """The builds of this environment before this one, newest first."""
    same = journal.builds(environment=build.environment, limit=EARLIER + 20)
    return [each for each in same if each.started_at < build.started_at][:EARLIER]


def _output(lines: tuple[str, ...]) -> tuple[str, ...]:
    """What the tools wrote, without what mltui added below it."""
    for number, text in enumerate(lines):
        if text.startswith(("# failed", "# cancelled", "# that is")):
            return lines[:number]
    return lines


def _line_of(file: Path, number: int) -> str:
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return lines[number - 1].strip() if 0 < number <= len(lines) else ""


def _declared(environment: Environment) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    if environment.requirements:
        found.append(("requirements", environment.requirements))
    if environment.python:
        found.append(("python", environment.python))
    image = environment.image
    if image is not None and image.name:
        found.append(("image", image.name))
    if image is not None and image.build:
        found.append(("image from", image.build))
    found += [("variable", f"{name}={value}") for name, value in environment.variables.items()]
    return found
