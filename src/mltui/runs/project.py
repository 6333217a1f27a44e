"""A project's folder: where `mltui.yaml` is, and the `.mltui` beside it.

Made by whoever is asked about a project (CLI, app, runner). Opening one executes nothing and, until
`prepare`, writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from mltui.errors import JournalError, Problem, SpecError, UsageError
from mltui.runs.files import SPEC_FILE as SPEC_FILE
from mltui.runs.journal import FOLDER, Journal

if TYPE_CHECKING:
    from mltui.runs.store import Store
    from mltui.spec.model import Spec


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with `mltui.yaml`. `root` is absolute."""

    root: Path

    @classmethod
    def find(cls, start: Path) -> Project:
        """The nearest folder with `mltui.yaml`, from `start` upwards. UsageError without one."""
        start = start.resolve()
        for folder in (start, *start.parents):
            if (folder / SPEC_FILE).is_file():
                return cls(folder)
        raise UsageError(
            f"no {SPEC_FILE} in {start} or above it: write one with `mltui init`, "
            "or look at an example with `mltui demo`"
        )

    @property
    def folder(self) -> Path:
        """`.mltui`: journal, store, logs, working folders."""
        return self.root / FOLDER

    @property
    def file(self) -> Path:
        """`mltui.yaml`."""
        return self.root / SPEC_FILE

    def read_text(self) -> str:
        """The text of `mltui.yaml`. SpecError when it is missing or not UTF-8."""
        try:
            return self.file.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            problem = f"this is not UTF-8 text (byte {error.start})"
        except OSError as error:
            problem = f"it can't be read: {(error.strerror or 'unreadable').lower()}"
        raise SpecError([Problem(SPEC_FILE, 0, 0, problem)])

    def read_spec(self) -> Spec:
        """What `mltui.yaml` means. SpecError with every problem in it."""
        from mltui import spec

        return spec.load(self.read_text(), SPEC_FILE)

    def prepare(self) -> None:
        """Make `.mltui` where it is missing, hidden from git.

        JournalError when the folder can't be written or lies on a network file system, where
        neither SQLite's nor the runner's lock can be trusted.
        """
        from mltui.runs import fsinfo

        try:
            self.folder.mkdir(exist_ok=True)
            ignore = self.folder / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n", encoding="utf-8")
        except OSError as error:
            raise JournalError(
                f"{self.folder} can't be written ({error.strerror}): a run keeps its journal and "
                "its outputs there"
            ) from error
        fsinfo.refuse_network(self.folder)

    def journal(self, *, write: bool = False) -> Journal:
        """A connection to the journal. JournalError, see `Journal.open`."""
        return Journal.open(self.folder, write=write)

    def store(self) -> Store:
        """The artifacts. One object a process: two would choose the same temporary names."""
        return _store(self.folder)

    def run_folder(self, run: int) -> Path:
        """Where the attempts of a run keep logs and metrics."""
        return self.folder / "runs" / str(run)

    def work_folder(self, run: int) -> Path:
        """Where the attempts of a run work."""
        return self.folder / "work" / str(run)


@lru_cache(maxsize=8)
def _store(folder: Path) -> Store:
    from mltui.runs.store import Store

    return Store(folder)
