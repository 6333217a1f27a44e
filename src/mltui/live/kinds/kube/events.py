"""Events: `:events`, `mltui ls events`. What the cluster did, and what it could not do."""

from __future__ import annotations

from datetime import datetime

import msgspec

from mltui.engines.kubernetes.resources import EVENTS
from mltui.live.cells import Cell, Column, age_column, plain
from mltui.live.kind import Kind, Watched
from mltui.live.kinds.kube._object import (
    Lean,
    Row,
    columns,
    common,
    count_cell,
    dim,
    marked,
    moment,
)


class _Object(msgspec.Struct, gc=False):
    kind: str = ""
    name: str = ""
    namespace: str = ""
    uid: str = ""


class _Source(msgspec.Struct, gc=False):
    component: str = ""
    host: str = ""


class _Series(msgspec.Struct, gc=False, rename="camel"):
    count: int = 0
    last_observed_time: datetime | None = None


class Event(msgspec.Struct, gc=False, rename="camel"):
    """The fields that are shown."""

    metadata: Lean = msgspec.field(default_factory=Lean)
    involved_object: _Object | None = None
    type: str = ""
    reason: str = ""
    message: str | None = None
    count: int | None = None
    source: _Source | None = None
    reporting_component: str | None = None
    first_timestamp: datetime | None = None
    last_timestamp: datetime | None = None
    event_time: datetime | None = None
    series: _Series | None = None


class EventRow(Row, frozen=True, gc=False, kw_only=True):
    """What is shown of an event."""

    type: str = ""
    reason: str = ""
    message: str = ""
    count: int = 1
    source: str = ""
    about: str = ""
    """`pod/train-2`: what it is about."""
    about_uid: str = ""
    first_at: float | None = None
    last_at: float | None = None

    @property
    def state(self) -> str:
        """A mark."""
        return "warning" if self.type != "Normal" else "pending"

    @property
    def error(self) -> str:
        """For the line about the row: the whole message."""
        return self.message


def read_event(event: Event, context: str) -> EventRow:
    """The row of an event; when it was last seen is told in several ways."""
    series = event.series
    last = moment(
        (series.last_observed_time if series is not None else None)
        or event.last_timestamp
        or event.event_time
        or event.first_timestamp
    )
    about = event.involved_object or _Object()
    fields = common(event.metadata, context)
    return EventRow(
        type=event.type,
        reason=event.reason,
        message=event.message or "",
        count=(series.count if series is not None else event.count) or 1,
        source=event.reporting_component or (event.source.component if event.source else ""),
        about=f"{about.kind.lower()}/{about.name}",
        about_uid=about.uid,
        first_at=moment(event.first_timestamp or event.event_time),
        last_at=last or fields["created_at"],
        **fields,
    )


def _reason(row: EventRow) -> Cell:
    return marked("warning", row.reason) if row.state == "warning" else Cell(plain(row.reason))


KIND: Kind[EventRow] = Kind(
    name="events",
    title="event",
    engine="kubernetes",
    aliases=("event", "ev"),
    columns=columns(
        age_column(lambda r: r.last_at),
        Column("state", "REASON", _reason, min=12, flex=1, max=26, priority=190, shorten="end",
               sort=lambda r: (r.type == "Normal", r.reason)),
        Column("about", "ABOUT", lambda r: Cell(plain(r.about)), min=16, flex=2, max=60,
               priority=180),
        Column("count", "×", lambda r: count_cell(r.count), width=4, align="right", priority=120,
               sort=lambda r: r.count, help="how often"),
        Column("message", "MESSAGE", lambda r: Cell(plain(r.message)), min=20, flex=5, priority=170,
               shorten="end"),
        Column("source", "FROM", lambda r: dim(r.source), min=8, flex=1, max=24, priority=40),
    ),
    key=lambda row: row.key,
    label=lambda row: row.about,
    sort=("age", False),
    empty="no events here",
    watched=Watched(EVENTS, Event, read_event),
)  # fmt: skip
"""Events."""
