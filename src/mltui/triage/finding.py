"""What triage says: a finding, its evidence, and fixes that can be previewed before they are done.

Made by rules, folded and ordered by `diagnosis`, shown by the app and the CLI.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

from mltui.spec.model import YamlPath


class Harm(IntEnum):
    """How bad it is; the smallest first."""

    URGENT = 0
    """Work has stopped, and does not go on without a person."""
    WRONG = 1
    """Something is broken, or about to be."""
    WARNING = 2
    """It goes on, but not as it should."""
    NOTE = 3
    """Worth knowing; not counted."""


@dataclass(frozen=True, slots=True)
class Opens:
    """Where a piece of evidence came from. *kind*: stage, log, build, container, run, file, pod."""

    kind: str
    key: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that was seen: an exit code, a line of a log, a value and where it is written."""

    kind: str
    """log, exit, field, metric, event, build, state or history."""
    text: str
    opens: Opens | None = None


# --- fixes ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SetValue:
    """Another value in `mltui.yaml`; refused if it is not `old` any more."""

    path: YamlPath
    old: str
    new: str
    line: int


@dataclass(frozen=True, slots=True)
class Retry:
    """A new attempt at a stage, as the verb does it."""

    run: int
    label: str


@dataclass(frozen=True, slots=True)
class Ask:
    """Another verb about a run or a stage of it: decide, resume, cancel, run, rebuild."""

    verb: str
    run: int = 0
    label: str = ""


@dataclass(frozen=True, slots=True)
class Docker:
    """A verb on a container: start, restart, unpause, remove."""

    verb: str
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Kube:
    """A verb on an object of a cluster: set-memory, undo, edit, delete-now.

    Refused when it is another one, or is wanted otherwise, than when it was found wrong.
    """

    verb: str
    kind: str
    """`Deployment`."""
    namespace: str
    name: str
    context: str = ""
    uid: str = ""
    generation: int = 0
    """How often what is wanted of it was changed; 0: not known."""
    container: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """The person's editor, at the place."""

    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Command:
    """A program that is given the terminal, once the person has seen its words."""

    argv: tuple[str, ...]


Step: TypeAlias = SetValue | Retry | Ask | Docker | Kube | Edit | Command


@dataclass(frozen=True, slots=True)
class Fix:
    """What would help: its words on the screen, and the steps, in order."""

    title: str
    steps: tuple[Step, ...]


# --- findings -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong, with its cause, evidence, and fixes where there are any."""

    rule: str
    key: str
    """What it is about, for machines: `stage:14:train~2`, `container:8f2c…`, `pod:ns/name`."""
    object: str
    """The same for people: `train~2 of run 14`."""
    cause: str
    """One plain sentence without a final stop."""
    harm: Harm
    evidence: tuple[Evidence, ...] = ()
    fixes: tuple[Fix, ...] = ()
    since: float | None = None
    count: int = 1
    counted: str = ""
    """How often, or how many: `3 attempts`, `4 pods`."""
    confidence: float = 1.0
    """Less than 1 where it is a guess."""
    explains: tuple[str, ...] = ()
    """Keys of what follows from it; findings about those are folded under this one."""
    group: str = ""
    """Findings of the same group have one cause and are told as one."""
    headline: str = ""
    """What a list says of it: object and cause in one short line; empty: both, joined."""
    symptoms: tuple[str, ...] = ()
    """What was folded under it, in words."""
    cluster: str = ""
    """The kube-context that it is in; empty: in none."""

    @property
    def title(self) -> str:
        """The line of a list."""
        return self.headline or f"{self.object}: {self.cause}"

    @property
    def id(self) -> str:
        """Its identity from one look to the next."""
        return f"{self.rule}|{self.group or self.key}"
