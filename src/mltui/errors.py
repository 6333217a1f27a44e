"""Every error that mltui raises on purpose, as one tree.

Raised where the fault is seen, shown by exactly one place in the app and one in the CLI. Each
carries a sentence for the person: what happened, to which object, and what to do next.
"""

from __future__ import annotations

from dataclasses import dataclass


class MltuiError(Exception):
    """Base of all. `str(error)` is a sentence fit to be shown; `exit_code` is the CLI's."""

    exit_code = 1


class UsageError(MltuiError):
    """The person asked for something that does not exist or does not make sense."""

    exit_code = 2


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One fault in a project file. `line` and `column` count from 1; 0 means the whole file."""

    file: str
    line: int
    column: int
    message: str
    hint: str = ""
    """What to write instead, e.g. "did you mean `retry`?". Empty when there is no good guess."""

    def __str__(self) -> str:
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.file}:{self.line}:{self.column}: {self.message}{hint}"


class SpecError(MltuiError):
    """`mltui.yaml` is wrong. Holds every problem found, in file order, never only the first."""

    exit_code = 2

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class JournalError(MltuiError):
    """The `.mltui` folder can't be used: read-only, full, on a network file system, newer."""

    exit_code = 3


class Unreachable(MltuiError):
    """An engine does not answer, or may not be used."""

    exit_code = 3


class Forbidden(MltuiError):
    """The engine answers but refuses this person this act."""

    exit_code = 3


class Conflict(MltuiError):
    """The object is no longer as it was when the act was chosen; nothing was done."""


class BuildFailed(MltuiError):
    """An environment could not be built; its log has the details."""


class NoRoom(BuildFailed):
    """The same for want of space on the engine's disk: it is tried again by itself."""


class StartFailed(MltuiError):
    """An attempt could not begin: a missing program, an unusable environment."""


class StoreError(MltuiError):
    """The artifact store can't be used: full, read-only, an object missing or damaged."""

    exit_code = 3


class OutputError(MltuiError):
    """What a stage left is not what it declared: missing, not a file, a link, not readable."""


class CodeError(MltuiError):
    """The project's code can't be taken: a glob that fits nothing, too many or odd files."""

    exit_code = 2
