"""Services: `:svc`, `mltui ls services`."""

from __future__ import annotations

from typing import Any

import msgspec

from mltui.engines.kubernetes.resources import SERVICES
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
    selector_text,
)
from mltui.live.kinds.kube._page import service_sections


class _Port(msgspec.Struct, gc=False, rename="camel"):
    name: str = ""
    port: int = 0
    protocol: str = "TCP"
    node_port: int = 0
    target_port: int | str | None = None


class _Spec(msgspec.Struct, gc=False, rename="camel"):
    type: str = ""
    cluster_ip: str = msgspec.field(default="", name="clusterIP")
    external_ips: list[str] | None = msgspec.field(default=None, name="externalIPs")
    external_name: str = ""
    ports: list[_Port] | None = None
    selector: dict[str, str] | None = None


class _Ingress(msgspec.Struct, gc=False):
    ip: str = ""
    hostname: str = ""


class _Balancer(msgspec.Struct, gc=False):
    ingress: list[_Ingress] | None = None


class _Status(msgspec.Struct, gc=False, rename="camel"):
    load_balancer: _Balancer | None = None


class Service(msgspec.Struct, gc=False):
    """The fields that are shown."""

    metadata: Lean = msgspec.field(default_factory=Lean)
    spec: _Spec = msgspec.field(default_factory=_Spec)
    status: _Status = msgspec.field(default_factory=_Status)


class ServiceRow(Row, frozen=True, gc=False, kw_only=True):
    """What is shown of a Service."""

    type: str = ""
    cluster_ip: str = ""
    external: str = ""
    """How it is reached from outside; `pending` while a load balancer is made."""
    ports: tuple[str, ...] = ()
    selector: tuple[tuple[str, str], ...] = ()


def read_service(found: Service, context: str) -> ServiceRow:
    """The row of a Service."""
    spec = found.spec
    balancer = found.status.load_balancer
    outside = [each.ip or each.hostname for each in (balancer and balancer.ingress) or ()]
    outside += spec.external_ips or []
    external = spec.external_name or ", ".join(filter(None, outside))
    if spec.type == "LoadBalancer" and not external:
        external = "pending"
    return ServiceRow(
        **common(found.metadata, context), type=spec.type, cluster_ip=spec.cluster_ip,
        external=external, ports=tuple(map(_port_text, spec.ports or ())),
        selector=tuple(sorted((spec.selector or {}).items())),
    )  # fmt: skip


def _port_text(port: _Port) -> str:
    """`http 80→8080`, `53/UDP`, `80:30080`."""
    node = f":{port.node_port}" if port.node_port else ""
    protocol = "" if port.protocol == "TCP" else f"/{port.protocol}"
    return f"{port.name} " * bool(port.name) + f"{port.port}{node}{protocol}"


def _external(row: Any) -> Cell:
    if row.external == "pending":
        return Cell("pending", "state-waiting")
    return Cell(plain(row.external) or NOTHING, "" if row.external else "dim")


KIND: Kind[ServiceRow] = Kind(
    name="services",
    title="service",
    engine="kubernetes",
    aliases=("service", "svc"),
    columns=columns(
        name_column(),
        Column("type", "TYPE", lambda r: dim(r.type), width=12, priority=120),
        Column("cluster_ip", "CLUSTER IP", lambda r: Cell(plain(r.cluster_ip)), width=15,
               priority=150),
        Column("external", "OUTSIDE", _external, min=8, flex=1, max=40, priority=100,
               help="how it is reached from outside the cluster"),
        Column("ports", "PORTS", lambda r: Cell(plain(", ".join(r.ports))), min=10, flex=2, max=40,
               priority=170, help="port:node port"),
        Column("selector", "SELECTS", lambda r: dim(selector_text(dict(r.selector))), min=10,
               flex=2, max=40, priority=80, help="labels of the pods it sends to"),
        place_column(priority=90),
        age_column(),
    ),
    key=lambda row: row.key,
    label=lambda row: row.name,
    actions=("port-forward", "edit", "delete",),
    has_logs=True,
    empty="no services here",
    watched=Watched(SERVICES, Service, read_service, pods=lambda row: row.selector,
                    sections=service_sections),
)  # fmt: skip
"""Services."""
