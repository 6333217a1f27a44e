"""CronJobs: `:cj`, `mltui ls cronjobs`."""

from __future__ import annotations

from datetime import datetime

import msgspec

from mltui.engines.kubernetes.resources import CRON_JOBS
from mltui.live.cells import Cell, Column, age, age_column, plain
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
    name_column,
    place_column,
)
from mltui.live.kinds.kube._page_other import cron_sections


class _Active(msgspec.Struct, gc=False):
    name: str = ""


class _Spec(msgspec.Struct, gc=False, rename="camel"):
    schedule: str = ""
    time_zone: str | None = None
    suspend: bool | None = None


class _Status(msgspec.Struct, gc=False, rename="camel"):
    active: list[_Active] | None = None
    last_schedule_time: datetime | None = None
    last_successful_time: datetime | None = None


class CronJob(msgspec.Struct, gc=False):
    """The fields that are shown."""

    metadata: Lean = msgspec.field(default_factory=Lean)
    spec: _Spec = msgspec.field(default_factory=_Spec)
    status: _Status = msgspec.field(default_factory=_Status)


class CronJobRow(Row, frozen=True, gc=False, kw_only=True):
    """What is shown of a CronJob."""

    schedule: str = ""
    zone: str = ""
    active: int = 0
    last_at: float | None = None
    succeeded_at: float | None = None
    is_suspended: bool = False

    @property
    def state(self) -> str:
        """A mark."""
        return "paused" if self.is_suspended else "running" if self.active else "pending"

    @property
    def word(self) -> str:
        """In words."""
        return "suspended" if self.is_suspended else "running" if self.active else "waits"


def read_cron_job(found: CronJob, context: str) -> CronJobRow:
    """The row of a CronJob."""
    return CronJobRow(
        **common(found.metadata, context),
        schedule=found.spec.schedule,
        zone=found.spec.time_zone or "",
        active=len(found.status.active or ()),
        last_at=moment(found.status.last_schedule_time),
        succeeded_at=moment(found.status.last_successful_time),
        is_suspended=bool(found.spec.suspend),
    )


KIND: Kind[CronJobRow] = Kind(
    name="cronjobs",
    title="cronjob",
    engine="kubernetes",
    aliases=("cronjob", "cj"),
    columns=columns(
        name_column(),
        Column("state", "STATE", lambda r: marked(r.state, r.word), width=12, priority=190),
        Column("schedule", "SCHEDULE", lambda r: Cell(plain(r.schedule)), min=11, flex=1, max=24,
               priority=180),
        Column("zone", "ZONE", lambda r: dim(r.zone), min=4, flex=1, max=20, priority=60),
        Column("active", "ACTIVE", lambda r: count_cell(r.active), width=6, align="right",
               priority=120, sort=lambda r: r.active, help="its jobs that run"),
        Column("last", "LAST", lambda r: Cell(age(r.last_at)), width=5, align="right",
               priority=150, sort=lambda r: r.last_at, help="when it was last due"),
        Column("good", "LAST GOOD", lambda r: Cell(age(r.succeeded_at)), width=9, align="right",
               priority=130, sort=lambda r: r.succeeded_at, help="when one last succeeded"),
        place_column(),
        age_column(),
    ),
    key=lambda row: row.key,
    label=lambda row: row.name,
    actions=("trigger", "suspend", "unsuspend", "edit", "delete"),
    empty="no cronjobs here",
    watched=Watched(CRON_JOBS, CronJob, read_cron_job, sections=cron_sections),
)  # fmt: skip
"""CronJobs."""
