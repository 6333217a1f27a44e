"""How requests get to pods: rows of Services, their addresses and Ingresses.

Made by `kube_reading`; kept in a `Cluster` with those of `kube`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ServicePort:
    """A port of a Service and where it leads."""

    port: int
    target: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Service:
    """A Service and the addresses behind it."""

    namespace: str
    name: str
    selector: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[ServicePort, ...] = ()
    ready: int | None = None
    """Addresses that get traffic; None: not known."""
    not_ready: int = 0
    created_at: float | None = None
    lacks_address: bool = False
    """It is to have an address outside of the cluster, and has none."""
    lacks_selector: bool = False
    """Its addresses are given by somebody else than the cluster."""

    @property
    def key(self) -> str:
        """`service:ns/name`."""
        return f"service:{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Slice:
    """A share of the addresses behind a Service."""

    namespace: str
    name: str
    service: str
    ready: int = 0
    not_ready: int = 0


@dataclass(frozen=True, slots=True)
class Backend:
    """Where one path of an Ingress leads."""

    at: str
    """Host and path: `shop.example/cart`."""
    service: str
    port: str
    """A number or a name."""


@dataclass(frozen=True, slots=True)
class IngressClass:
    """A kind of Ingress that a controller takes up."""

    name: str


@dataclass(frozen=True, slots=True)
class Ingress:
    """Rules by which requests from outside reach Services of its namespace."""

    namespace: str
    name: str
    backends: tuple[Backend, ...] = ()
    created_at: float | None = None
    class_name: str = ""
    secrets: tuple[str, ...] = ()
    """Names of those that its certificates are in."""
    has_address: bool = False
    """A controller has taken it up."""

    @property
    def key(self) -> str:
        """`ingress:ns/name`."""
        return f"ingress:{self.namespace}/{self.name}"
