"""`Kind`: all that mltui knows of one sort of thing, in one declaration.

The grid's columns, `:name`, the footer, `describe`, `mltui ls NAME` and the feed that keeps its
table true are made from these records. One file in `kinds/` holds one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from mltui.live.cells import Column

if TYPE_CHECKING:
    from mltui.engines.kubernetes.resources import Resource
    from mltui.live.daemon import Daemon
    from mltui.live.page import Page, Section

R = TypeVar("R")
Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Heard:
    """What an event means for a kind: keys to read again, keys that are gone."""

    again: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


NOTHING_HEARD = Heard()


# no slots: generic (see cells.Column)
@dataclass(frozen=True)
class Reading(Generic[R]):
    """What reading one key gave."""

    rows: Sequence[R] = ()
    gone: Sequence[str] = ()
    again: Sequence[str] = ()
    """Other keys that are different now, and must be read too."""


@dataclass(frozen=True)
class Relation(Generic[R]):
    """From a row to rows of another kind."""

    title: str
    kind: str
    keys: Callable[[R], Iterable[str]]
    by_label: bool = False
    """`keys` gives what people call them instead."""


@dataclass(frozen=True)
class Join(Generic[R]):
    """How the rows of a kind depend on containers.

    *uses* gives the keys that a container row concerns; *with_users* makes the row from its own
    part (None for a kind that has none of its own) and those containers; None: there is no row.
    """

    uses: Callable[[Any], Iterable[str]]
    with_users: Callable[[str, R | None, Sequence[Any]], R | None]


@dataclass(frozen=True)
class Measured(Generic[R]):
    """What metrics.k8s.io measures of the objects of a kind."""

    resource: Resource
    item: type[Any]
    usage: Callable[[Any], tuple[float, float]]
    """Of a measured object: cores and bytes in use."""
    with_usage: Callable[[R, float | None, float | None], R]


@dataclass(frozen=True)
class Watched(Generic[R]):
    """How the rows of a kind come from a Kubernetes API: list and watch of a resource."""

    resource: Resource
    item: type[Any]
    """A msgspec Struct with the fields that are read."""
    row: Callable[[Any, str], R]
    """The row of a decoded object, as a context has it."""
    shape: Any = None
    """How answers are read where not as `item` (an `engines.kubernetes.watch.Shape`)."""
    measured: Measured[R] | None = None
    pods: Callable[[R], Sequence[tuple[str, str]]] | None = None
    """The labels by which it chooses its pods."""
    sections: Callable[[Mapping[str, Any]], Iterable[Section | None]] = lambda found: ()
    """What `describe` shows of an object beside what all objects have."""


@dataclass(frozen=True)
class Kind(Generic[R]):
    """One kind of thing on an engine's host."""

    name: str
    """Plural, as on the `:` line and in `mltui ls NAME`."""
    title: str
    """Of one of them, in sentences: `container`."""
    engine: str
    columns: tuple[Column[R], ...]
    key: Callable[[R], str]
    """Its identity on the host; never reused for another thing where the host has such a key."""
    label: Callable[[R], str]
    """What people call it."""
    aliases: tuple[str, ...] = ()
    list_rows: Callable[[Daemon], Awaitable[list[R]]] | None = None
    read: Callable[[Daemon, str, Mapping[str, R]], Awaitable[Reading[R]]] | None = None
    """Read one key again; the rows known so far help it."""
    heard: Callable[[Event, Mapping[str, R]], Heard] = lambda event, rows: NOTHING_HEARD
    unfinished: Callable[[R], bool] = lambda row: False
    """A row of the list that lacks what only reading it gives."""
    carry: Callable[[R, R], R] = lambda old, new: new
    """The new row with what is not the list's to say, taken from the old one."""
    join: Join[R] | None = None
    measure: Callable[[Daemon, Mapping[str, R]], Awaitable[list[R]]] | None = None
    """Rows with what costs the daemon much to find out, such as sizes; only when asked for."""
    actions: tuple[str, ...] = ()
    """Ids of the verbs that apply, in the footer's order (`live.verbs`)."""
    acts_on: tuple[str, Callable[[R], Iterable[str]]] | None = None
    """Verbs act on these things of another kind instead; None: on the thing itself."""
    relations: tuple[Relation[R], ...] = ()
    describe: Callable[[Daemon, str, bool], Awaitable[Page]] | None = None
    """A readable page of one; the last argument shows secrets."""
    inspect: Callable[[Daemon, str, bool], Awaitable[str]] | None = None
    """All that the host says of it, as JSON text; secrets masked unless asked for."""
    pages: Mapping[str, Callable[[Daemon, str, bool], Awaitable[Page]]] = field(
        default_factory=dict, hash=False
    )
    """Other pages by name: `top`, `environment`, `changes`, `layers`; called like `describe`."""
    lasting: frozenset[str] = frozenset(("describe", "environment", "layers"))
    """Pages that are true until an event says otherwise; others are read again while shown."""
    has_logs: bool = False
    has_stats: bool = False
    watched: Watched[R] | None = None
    """For kinds of a Kubernetes API; what is above of lists, readings and events is Docker's."""
    text: Callable[[R], str] | None = None
    """What filters look at, where that is quicker than the text of all columns."""
    sort: tuple[str, bool] = ("name", False)
    """Column to sort by at first, and whether the largest comes first."""
    empty: str = ""
    """What a screen says when there are none."""
