"""Endpoints, from EndpointSlices: `:ep`, `mltui ls endpoints`. Whom a Service reaches."""

from __future__ import annotations

import msgspec

from mltui.engines.kubernetes.resources import SLICES
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
    name_column,
)


class _Conditions(msgspec.Struct, gc=False):
    ready: bool | None = None


class _Endpoint(msgspec.Struct, gc=False):
    addresses: list[str] | None = None
    conditions: _Conditions | None = None


class _Port(msgspec.Struct, gc=False):
    name: str | None = None
    port: int | None = None


class Slice(msgspec.Struct, gc=False):
    """The fields that are shown."""

    metadata: Lean = msgspec.field(default_factory=Lean)
    endpoints: list[_Endpoint] | None = None
    ports: list[_Port] | None = None


class EndpointsRow(Row, frozen=True, gc=False, kw_only=True):
    """What is shown of an EndpointSlice."""

    service: str = ""
    addresses: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    not_ready: int = 0


def read_slice(found: Slice, context: str) -> EndpointsRow:
    """The row of an EndpointSlice."""
    ready: list[str] = []
    not_ready = 0
    for each in found.endpoints or ():
        if each.conditions is not None and each.conditions.ready is False:
            not_ready += len(each.addresses or ())
        else:
            ready += each.addresses or ()
    labels = found.metadata.labels or {}
    return EndpointsRow(
        **common(found.metadata, context),
        service=labels.get("kubernetes.io/service-name", ""),
        addresses=tuple(ready),
        ports=tuple(str(port.port) for port in found.ports or () if port.port),
        not_ready=not_ready,
    )


def _reached(row: EndpointsRow) -> Cell:
    if not row.addresses:
        return marked("warning", "reaches no pod")
    return Cell(plain(", ".join(row.addresses)))


KIND: Kind[EndpointsRow] = Kind(
    name="endpoints",
    title="endpoint slice",
    engine="kubernetes",
    aliases=("endpoint", "ep", "endpointslices", "endpointslice"),
    columns=columns(
        name_column(),
        Column("service", "SERVICE", lambda r: Cell(plain(r.service)), min=10, flex=2, max=50,
               priority=190),
        Column("count", "READY", lambda r: count_cell(len(r.addresses)), width=5, align="right",
               priority=185, sort=lambda r: len(r.addresses)),
        Column("not_ready", "NOT", lambda r: count_cell(r.not_ready, warns=True), width=3,
               align="right", priority=140, sort=lambda r: r.not_ready, help="not ready"),
        Column("addresses", "ADDRESSES", _reached, min=15, flex=3, priority=170),
        Column("ports", "PORTS", lambda r: dim(", ".join(r.ports)), min=5, flex=1, max=20,
               priority=150),
        age_column(),
    ),
    key=lambda row: row.key,
    label=lambda row: row.name,
    actions=("delete",),
    empty="no endpoints here",
    watched=Watched(SLICES, Slice, read_slice),
)  # fmt: skip
"""Endpoints."""
