"""What a list on screen asks of where it comes from."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mltui.app.present.line import Line
from mltui.live.kind import Kind
from mltui.live.table import Table

if TYPE_CHECKING:
    from mltui.live.logs import LogState
    from mltui.live.verbs import Ref

Follow = Callable[["Callable[[LogState], None]"], Coroutine[Any, Any, object]]


@dataclass(frozen=True)
class Opened:
    """A list that was opened."""

    kind: Kind[Any]
    table: Table[Any]
    title: str = ""
    """What the header calls it, where that is not the kind's name."""


@dataclass(frozen=True)
class LogOf:
    """A log: the file it is in, and what brings it there (None: somebody else does)."""

    file: Path
    title: str
    follow: Follow | None = None


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

    async def log(self, kind: Kind[Any], row: Any, folder: Path, which: str) -> LogOf | None:
        """A row's log; `which`: `log`, `previous`, or the name of a container. MltuiError."""
        ...

    async def close(self) -> None:
        """The app ends."""
        ...
