"""What leads to Services from outside: rows of Ingresses, made by `kube_reading`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backend:
    """Where one path of an Ingress leads."""

    at: str
    """Host and path: `shop.example/cart`."""
    service: str
    port: str
    """A number or a name."""


@dataclass(frozen=True, slots=True)
class Ingress:
    """Rules by which requests from outside reach Services of its namespace."""

    namespace: str
    name: str
    backends: tuple[Backend, ...] = ()
    created_at: float | None = None

    @property
    def key(self) -> str:
        """`ingress:ns/name`."""
        return f"ingress:{self.namespace}/{self.name}"
