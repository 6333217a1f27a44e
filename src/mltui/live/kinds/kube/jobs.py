"""Jobs: `:jobs`, `mltui ls jobs`. A stage that runs on a cluster is one."""

from __future__ import annotations

from datetime import datetime

import msgspec

from mltui.engines.kubernetes.resources import JOBS
from mltui.live.cells import NOTHING, Cell, Column, age_column, now
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
from mltui.live.kinds.kube._page import job_sections
from mltui.text import format_duration


class _Condition(msgspec.Struct, gc=False):
    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""


class _Spec(msgspec.Struct, gc=False, rename="camel"):
    completions: int | None = None
    parallelism: int | None = None
    backoff_limit: int | None = None
    suspend: bool | None = None


class _Status(msgspec.Struct, gc=False, rename="camel"):
    active: int = 0
    succeeded: int = 0
    failed: int = 0
    ready: int | None = None
    start_time: datetime | None = None
    completion_time: datetime | None = None
    conditions: list[_Condition] | None = None


class Job(msgspec.Struct, gc=False):
    """The fields that are shown."""

    metadata: Lean = msgspec.field(default_factory=Lean)
    spec: _Spec = msgspec.field(default_factory=_Spec)
    status: _Status = msgspec.field(default_factory=_Status)


class JobRow(Row, frozen=True, gc=False, kw_only=True):
    """What is shown of a Job."""

    state: str = "unknown"
    word: str = ""
    reason: str = ""
    """Why it failed, in the controller's words."""
    wanted: int = 1
    succeeded: int = 0
    failed: int = 0
    active: int = 0
    started_at: float | None = None
    ended_at: float | None = None
    is_suspended: bool = False
    selector: tuple[tuple[str, str], ...] = ()

    @property
    def is_running(self) -> bool:
        """It has pods at work."""
        return bool(self.active)

    @property
    def error(self) -> str:
        """For the line about the row."""
        return self.reason


def read_job(job: Job, context: str) -> JobRow:
    """The row of a Job."""
    spec, status = job.spec, job.status
    state, word, reason = "running", "running", ""
    conditions = {c.type: c for c in status.conditions or () if c.status == "True"}
    ended = status.completion_time
    if failed := conditions.get("Failed") or conditions.get("FailureTarget"):
        state, word = "failed", failed.reason or "failed"
        reason = failed.message
    elif "Complete" in conditions or "SuccessCriteriaMet" in conditions:
        state, word = "succeeded", "complete"
    elif spec.suspend:
        state, word = "paused", "suspended"
    elif not status.active:
        state, word = "waiting", "waiting" if not status.failed else "trying again"
    elif status.ready == 0:
        state, word = "waiting", "starting"
    wanted = spec.completions if spec.completions is not None else 1
    return JobRow(
        **common(job.metadata, context),
        state=state, word=word, reason=reason, wanted=wanted, succeeded=status.succeeded,
        failed=status.failed, active=status.active, started_at=moment(status.start_time),
        ended_at=moment(ended), is_suspended=bool(spec.suspend),
        selector=(("batch.kubernetes.io/job-name", job.metadata.name),),
    )  # fmt: skip


def _time(row: JobRow) -> float | None:
    if row.started_at is None:
        return None
    if row.ended_at is None and row.state != "running":
        return None
    return max((row.ended_at or now()) - row.started_at, 0.0)


_RANK = {"failed": 0, "waiting": 1, "running": 2, "paused": 3}

KIND: Kind[JobRow] = Kind(
    name="jobs",
    title="job",
    engine="kubernetes",
    aliases=("job",),
    columns=columns(
        name_column(),
        Column("state", "STATE", lambda r: marked(r.state, r.word), min=12, flex=1, max=24,
               priority=190, shorten="end", sort=lambda r: (_RANK.get(r.state, 9), r.word)),
        Column("done", "DONE", lambda r: Cell(f"{r.succeeded}/{r.wanted}"), width=6,
               align="right", priority=170, sort=lambda r: r.succeeded / (r.wanted or 1),
               help="pods that succeeded, of those it needs"),
        Column("failed", "FAILED", lambda r: count_cell(r.failed, warns=True), width=6,
               align="right", priority=120, sort=lambda r: r.failed, help="pods that failed"),
        Column("time", "TIME", lambda r: Cell(
                   format_duration(_time(r)) if _time(r) is not None else NOTHING),
               width=6, align="right", priority=130, sort=_time, help="how long it took or runs"),
        place_column(priority=150),
        Column("owner", "OWNER", lambda r: dim(r.owner), min=8, flex=1, max=32, priority=60),
        age_column(),
    ),
    key=lambda row: row.key,
    label=lambda row: row.name,
    actions=("rerun", "suspend", "unsuspend", "edit", "delete"),
    has_logs=True,
    sort=("age", False),
    empty="no jobs here",
    watched=Watched(JOBS, Job, read_job, pods=lambda row: row.selector,
                    sections=job_sections),
)  # fmt: skip
"""Jobs."""
