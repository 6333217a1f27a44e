"""A broken workload, and what must be said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .objects import Object


@dataclass(frozen=True, slots=True)
class Case:
    """One broken workload."""

    objects: tuple[Object, ...]
    says: str
    """In the finding's title or cause."""
    rule: str
    about: str = ""
    """What the finding's object names; empty: the case's own name."""
    space: str = "main"
    """Which of the test's namespaces it is in: `main`, `quota`, `strict`."""
    more: Mapping[str, str] = field(default_factory=dict)
