"""Ingresses: `:ing`, `mltui ls ingresses`."""

from __future__ import annotations

import msgspec

from mltui.engines.kubernetes.resources import INGRESSES
from mltui.live.cells import NOTHING, Cell, Column, age_column, plain
from mltui.live.kind import Kind, Watched
from mltui.live.kinds.kube._object import (
    Lean,
    Row,
    columns,
    common,
    dim,
    name_column,
    place_column,
)
from mltui.live.kinds.kube._page_other import ingress_sections


class _Rule(msgspec.Struct, gc=False):
    host: str = ""


class _Tls(msgspec.Struct, gc=False):
    hosts: list[str] | None = None


class _Spec(msgspec.Struct, gc=False, rename="camel"):
    ingress_class_name: str | None = None
    rules: list[_Rule] | None = None
    tls: list[_Tls] | None = None


class _Point(msgspec.Struct, gc=False):
    ip: str = ""
    hostname: str = ""


class _Balancer(msgspec.Struct, gc=False):
    ingress: list[_Point] | None = None


class _Status(msgspec.Struct, gc=False, rename="camel"):
    load_balancer: _Balancer | None = None


class Ingress(msgspec.Struct, gc=False):
    """The fields that are shown."""

    metadata: Lean = msgspec.field(default_factory=Lean)
    spec: _Spec = msgspec.field(default_factory=_Spec)
    status: _Status = msgspec.field(default_factory=_Status)


class IngressRow(Row, frozen=True, gc=False, kw_only=True):
    """What is shown of an Ingress."""

    ingress_class: str = ""
    hosts: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    has_tls: bool = False


def read_ingress(found: Ingress, context: str) -> IngressRow:
    """The row of an Ingress."""
    balancer = found.status.load_balancer
    points = (balancer.ingress if balancer is not None else None) or ()
    return IngressRow(
        **common(found.metadata, context),
        ingress_class=found.spec.ingress_class_name or "",
        hosts=tuple(dict.fromkeys(rule.host or "*" for rule in found.spec.rules or ())),
        addresses=tuple(point.ip or point.hostname for point in points),
        has_tls=bool(found.spec.tls),
    )


KIND: Kind[IngressRow] = Kind(
    name="ingresses",
    title="ingress",
    engine="kubernetes",
    aliases=("ingress", "ing"),
    columns=columns(
        name_column(),
        Column("class", "CLASS", lambda r: dim(r.ingress_class), min=6, flex=1, max=20,
               priority=120),
        Column("hosts", "HOSTS", lambda r: Cell(plain(", ".join(r.hosts))), min=12, flex=3, max=60,
               priority=180),
        Column("addresses", "ADDRESS", lambda r: Cell(plain(", ".join(r.addresses)) or NOTHING,
                                                      "" if r.addresses else "state-waiting"),
               min=9, flex=1, max=40, priority=150),
        Column("tls", "TLS", lambda r: Cell("yes" if r.has_tls else "no", "dim"), width=3,
               priority=110),
        place_column(),
        age_column(),
    ),
    key=lambda row: row.key,
    label=lambda row: row.name,
    actions=("edit", "delete"),
    empty="no ingresses here",
    watched=Watched(INGRESSES, Ingress, read_ingress, sections=ingress_sections),
)  # fmt: skip
"""Ingresses."""
