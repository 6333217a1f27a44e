"""Autoscalers: `:hpa`, `mltui ls horizontalpodautoscalers`."""

from __future__ import annotations

from datetime import datetime

import msgspec

from mltui.engines.kubernetes.resources import AUTOSCALERS
from mltui.live.cells import Cell, Column, age, age_column, plain
from mltui.live.kind import Kind, Watched
from mltui.live.kinds.kube._object import (
    Lean,
    Row,
    columns,
    common,
    count_cell,
    marked,
    moment,
    name_column,
    place_column,
)
from mltui.live.kinds.kube._page_other import autoscaler_sections


class _Target(msgspec.Struct, gc=False):
    kind: str = ""
    name: str = ""


class _Spec(msgspec.Struct, gc=False, rename="camel"):
    scale_target_ref: _Target | None = None
    min_replicas: int | None = None
    max_replicas: int = 0


class _Condition(msgspec.Struct, gc=False):
    type: str = ""
    status: str = ""
    message: str = ""


class _Status(msgspec.Struct, gc=False, rename="camel"):
    current_replicas: int | None = None
    desired_replicas: int | None = None
    last_scale_time: datetime | None = None
    conditions: list[_Condition] | None = None


class Autoscaler(msgspec.Struct, gc=False):
    """The fields that are shown."""

    metadata: Lean = msgspec.field(default_factory=Lean)
    spec: _Spec = msgspec.field(default_factory=_Spec)
    status: _Status = msgspec.field(default_factory=_Status)


class AutoscalerRow(Row, frozen=True, gc=False, kw_only=True):
    """What is shown of an autoscaler."""

    state: str = "unknown"
    word: str = ""
    reason: str = ""
    target: str = ""
    least: int = 1
    most: int = 0
    now: int = 0
    wanted: int = 0
    scaled_at: float | None = None

    @property
    def error(self) -> str:
        """For the line about the row."""
        return self.reason


def read_autoscaler(found: Autoscaler, context: str) -> AutoscalerRow:
    """The row of an autoscaler."""
    spec, status = found.spec, found.status
    conditions = {each.type: each for each in status.conditions or ()}
    able, active = conditions.get("AbleToScale"), conditions.get("ScalingActive")
    limited = conditions.get("ScalingLimited")
    state, word, reason = "running", "active", ""
    if able is not None and able.status == "False":
        state, word, reason = "failed", "can't scale", able.message
    elif active is not None and active.status == "False":
        state, word, reason = "warning", "can't measure", active.message
    elif limited is not None and limited.status == "True":
        state, word, reason = "warning", "at its limit", limited.message
    target = spec.scale_target_ref or _Target()
    return AutoscalerRow(
        **common(found.metadata, context), state=state, word=word, reason=reason,
        target=f"{target.kind}/{target.name}", least=spec.min_replicas or 1,
        most=spec.max_replicas, now=status.current_replicas or 0,
        wanted=status.desired_replicas or 0, scaled_at=moment(status.last_scale_time),
    )  # fmt: skip


KIND: Kind[AutoscalerRow] = Kind(
    name="horizontalpodautoscalers",
    title="autoscaler",
    engine="kubernetes",
    aliases=("horizontalpodautoscaler", "hpa"),
    columns=columns(
        name_column(),
        Column("state", "STATE", lambda r: marked(r.state, r.word), width=15, priority=190),
        Column("target", "SCALES", lambda r: Cell(plain(r.target)), min=14, flex=2, max=50,
               priority=170),
        Column("now", "NOW", lambda r: count_cell(r.now), width=4, align="right", priority=180,
               sort=lambda r: r.now),
        Column("wanted", "WANTED", lambda r: count_cell(r.wanted), width=6, align="right",
               priority=160, sort=lambda r: r.wanted),
        Column("range", "RANGE", lambda r: Cell(f"{r.least}–{r.most}"), width=7, align="right",
               priority=150),
        Column("scaled", "SCALED", lambda r: Cell(age(r.scaled_at)), width=6, align="right",
               priority=120, sort=lambda r: r.scaled_at, help="how long ago it last scaled"),
        place_column(),
        age_column(),
    ),
    key=lambda row: row.key,
    label=lambda row: row.name,
    actions=("edit", "delete"),
    empty="no autoscalers here",
    watched=Watched(AUTOSCALERS, Autoscaler, read_autoscaler, sections=autoscaler_sections),
)  # fmt: skip
"""Autoscalers."""
