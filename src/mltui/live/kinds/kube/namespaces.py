"""Namespaces: `:ns`, `mltui ls namespaces`. Enter looks into one; Space marks several."""

from __future__ import annotations

import msgspec

from mltui.engines.kubernetes.resources import NAMESPACES
from mltui.live.cells import Column, age_column
from mltui.live.kind import Kind, Watched
from mltui.live.kinds.kube._object import (
    Lean,
    Row,
    common,
    context_column,
    marked,
    name_column,
)


class _Status(msgspec.Struct, gc=False):
    phase: str = ""


class Namespace(msgspec.Struct, gc=False):
    """The fields that are shown."""

    metadata: Lean = msgspec.field(default_factory=Lean)
    status: _Status = msgspec.field(default_factory=_Status)


class NamespaceRow(Row, frozen=True, gc=False, kw_only=True):
    """What is shown of a namespace."""

    phase: str = ""

    @property
    def state(self) -> str:
        """A mark."""
        return "running" if self.phase == "Active" else "waiting"


def read_namespace(found: Namespace, context: str) -> NamespaceRow:
    """The row of a namespace."""
    return NamespaceRow(**common(found.metadata, context), phase=found.status.phase)


KIND: Kind[NamespaceRow] = Kind(
    name="namespaces",
    title="namespace",
    engine="kubernetes",
    aliases=("namespace", "ns"),
    columns=(
        context_column(),
        name_column(flex=3),
        Column("state", "STATE", lambda r: marked(r.state, r.phase), width=13, priority=190),
        age_column(),
    ),
    key=lambda row: row.key,
    label=lambda row: row.name,
    actions=("edit", "delete"),
    empty="no namespaces here",
    watched=Watched(NAMESPACES, Namespace, read_namespace),
)  # fmt: skip
"""Namespaces."""
