"""The Build pane."""

from __future__ import annotations

from collections.abc import Hashable
from contextlib import closing
from typing import TYPE_CHECKING, Any

from mltui.app.panes.textpane import Subject, TextPane
from mltui.app.present.build import Environed, build_lines
from mltui.app.present.line import Line, line
from mltui.app.present.stages import Moment
from mltui.errors import MltuiError
from mltui.logs.errors import last_lines
from mltui.logs.sanitize import plain
from mltui.pipeline.rows import StageRow
from mltui.runs.project import Project

if TYPE_CHECKING:
    from mltui.spec.model import Environment

LOG_LINES = 30


class BuildPane(TextPane):
    """The environment of the selected stage."""

    def stamp(self, subject: Subject) -> Hashable:
        """It changes with the build, and while one is under way with the clock."""
        return (super().stamp(subject), subject.row.build, subject.facts.spec is not None)

    def prepare(self, subject: Subject) -> Any:
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

    def gather(self, project: Project, row: StageRow, prepared: Any) -> Any:
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
        except MltuiError as error:
            return Environed(environment.name, declared, reason=str(error))
        if build is None:
            return Environed(environment.name, declared)
        log: tuple[str, ...] = ()
        packages: tuple[str, ...] = ()
        if build.log:
            lines = last_lines(project.folder / build.log, LOG_LINES)
            log = tuple(plain(each) for each in lines)
        if build.resolved:
            try:
                text = project.store().read_bytes(build.resolved).decode("utf-8", "replace")
                packages = tuple(each for each in text.splitlines() if each.strip())
            except (MltuiError, OSError):
                packages = ()
        return Environed(environment.name, declared, build, log, packages)

    def present(self, material: Any, subject: Subject, width: int, moment: Moment) -> list[Line]:
        """The pane's lines."""
        if material is None:
            return [line((" reading mltui.yaml…", "dim"))]
        return build_lines(material, width, moment)


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
