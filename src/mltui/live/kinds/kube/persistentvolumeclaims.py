"""Volume claims: `:pvc`, `mltui ls persistentvolumeclaims`."""

from __future__ import annotations

import msgspec

from mltui.engines.kubernetes.resources import CLAIMS
from mltui.live.cells import Cell, Column, age_column
from mltui.live.kind import Kind, Watched
from mltui.live.kinds.kube._object import (
    Lean,
    Row,
    columns,
    common,
    dim,
    marked,
    name_column,
    place_column,
)
from mltui.live.kinds.kube._page_other import claim_sections
from mltui.live.kinds.kube._quantity import amount, format_memory


class _Requests(msgspec.Struct, gc=False):
    requests: dict[str, str] | None = None


class _Spec(msgspec.Struct, gc=False, rename="camel"):
    access_modes: list[str] | None = None
    storage_class_name: str | None = None
    volume_name: str = ""
    resources: _Requests | None = None


class _Status(msgspec.Struct, gc=False):
    phase: str = ""
    capacity: dict[str, str] | None = None


class Claim(msgspec.Struct, gc=False):
    """The fields that are shown."""

    metadata: Lean = msgspec.field(default_factory=Lean)
    spec: _Spec = msgspec.field(default_factory=_Spec)
    status: _Status = msgspec.field(default_factory=_Status)


class ClaimRow(Row, frozen=True, gc=False, kw_only=True):
    """What is shown of a claim."""

    phase: str = ""
    size: str = ""
    """What it has, else what it asks for."""
    storage_class: str = ""
    modes: tuple[str, ...] = ()
    volume: str = ""

    @property
    def state(self) -> str:
        """A mark."""
        return {"Bound": "running", "Pending": "waiting", "Lost": "failed"}.get(
            self.phase, "unknown"
        )


_SHORT = {
    "ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}  # fmt: skip


def read_claim(found: Claim, context: str) -> ClaimRow:
    """The row of a claim."""
    spec, status = found.spec, found.status
    asked = (spec.resources.requests if spec.resources is not None else None) or {}
    return ClaimRow(
        **common(found.metadata, context),
        phase=status.phase,
        size=(status.capacity or {}).get("storage") or asked.get("storage", ""),
        storage_class=spec.storage_class_name or "",
        modes=tuple(_SHORT.get(mode, mode) for mode in spec.access_modes or ()),
        volume=spec.volume_name,
    )


KIND: Kind[ClaimRow] = Kind(
    name="persistentvolumeclaims",
    title="volume claim",
    engine="kubernetes",
    aliases=("persistentvolumeclaim", "pvc"),
    columns=columns(
        name_column(),
        Column("state", "STATE", lambda r: marked(r.state, r.phase), width=10, priority=190),
        Column("size", "SIZE", lambda r: Cell(format_memory(amount(r.size))), width=7,
               align="right", priority=180, sort=lambda r: amount(r.size)),
        Column("class", "CLASS", lambda r: dim(r.storage_class), min=8, flex=1, max=24,
               priority=120),
        Column("modes", "MODES", lambda r: dim(", ".join(r.modes)), width=8, priority=110),
        Column("volume", "VOLUME", lambda r: dim(r.volume), min=10, flex=1, max=44, priority=70),
        place_column(),
        age_column(),
    ),
    key=lambda row: row.key,
    label=lambda row: row.name,
    actions=("edit", "delete"),
    empty="no volume claims here",
    watched=Watched(CLAIMS, Claim, read_claim, sections=claim_sections),
)  # fmt: skip
"""Volume claims."""
