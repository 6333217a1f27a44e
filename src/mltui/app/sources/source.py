"""What a list on screen asks of where it comes from."""

from __future__ import annotations

import shlex
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mltui.app.present.line import Line
from mltui.live.kind import Kind
from mltui.live.table import Table

if TYPE_CHECKING:
    from mltui.live.logstate import LogState
    from mltui.live.verbs import Ref
    from mltui.logs.timed import Note

Follow = Callable[["Callable[[LogState], None]", int | None], Coroutine[Any, Any, object]]
"""Brings a log: tells how it stands; begins so many lines before its end, None: with the first."""


@dataclass(frozen=True)
class Opened:
    """A list that was opened."""

    kind: Kind[Any]
    table: Table[Any]
    title: str = ""
    """What the header calls it, where that is not the kind's name."""


@dataclass(frozen=True)
class LogOf:
    """A log: the file it is in, and what brings it there (None: somebody else does).

    What `follow` brings are lines with their hosts' times (`live.timedlog`); it returns when the
    log is over for good, and tells meanwhile how the log stands.
    """

    file: Path
    label: str
    """What tells it from others beside it."""
    follow: Follow | None = None
    notes: list[Note] = field(default_factory=list)
    """What is to be said between its lines; `follow` adds to it."""
    target: str = ""
    """How `mltui logs` calls it: `pod/web-1`."""


@dataclass(frozen=True)
class Logs:
    """Logs to be shown: one, or several as one by time."""

    title: str
    come: AsyncGenerator[Sequence[LogOf], None]
    """Those that are there now, then those that come later, as long as any may."""
    is_one: bool = False
    """It is one log and stays one."""
    target: str = ""
    """How `mltui logs` calls all of them: `deployment/web`; empty: each by its own target."""
    options: str = ""
    """What `mltui logs` needs besides the targets: `-n digits-dev --context kind`."""


async def once(*logs: LogOf) -> AsyncGenerator[Sequence[LogOf], None]:
    """Just these, and none come later: for `Logs.come`."""
    yield logs


def target_of(kind: Kind[Any], row: Any) -> str:
    """How `mltui logs` calls the pods of an object: `deployment/web`."""
    return f"{kind.title}/{row.name}"


def options_of(rows: Sequence[Any]) -> str:
    """Where `mltui logs` finds these: `-n dev,prod --context kind`, `-n kind/dev,prod/ml`."""
    places = dict.fromkeys((row.context, row.namespace) for row in rows)
    contexts = {context for context, _ in places}
    if len(contexts) > 1:
        return f"-n {shlex.quote(','.join(f'{context}/{name}' for context, name in places))}"
    names = ",".join(name for _, name in places)
    return f"-n {names} --context {shlex.quote(next(iter(contexts)))}"


class Source(Protocol):
    """One place that lists come from."""

    @property
    def host(self) -> str:
        """Where the things are, in words: `docker@build-7`, `kind/digits-dev`."""
        ...

    @property
    def band(self) -> str:
        """`PROD`, `READ-ONLY`: what the header says in a filled band; empty mostly."""
        ...

    async def open(self, name: str) -> Opened:
        """The list of a name. MltuiError."""
        ...

    def leave(self) -> None:
        """It is not on screen any more."""
        ...

    def watch_rows(self, keys: Sequence[str]) -> None:
        """These rows are on screen: what is dear to know of them is wanted."""
        ...

    def refs(self, kind: Kind[Any], rows: Iterable[Any]) -> Sequence[Ref]:
        """What verbs on these rows act on."""
        ...

    async def page(self, view: str, kind: Kind[Any], row: Any, width: int) -> list[Line]:
        """A page about a row: `describe`, `inspect`, … MltuiError."""
        ...

    async def logs(
        self, kind: Kind[Any], rows: Sequence[Any], folder: Path, which: str
    ) -> Logs | None:
        """The logs of these rows, to be kept in *folder*; None: there is none. MltuiError.

        *which*: `log`, `previous`, or the name of a container.
        """
        ...

    async def close(self) -> None:
        """The app ends."""
        ...
