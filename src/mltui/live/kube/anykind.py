"""Any resource that a cluster has, custom ones too, in the columns that the server itself gives.

Called for names that are no kind of `live.kinds.kube`. The server's Table form has the columns of
`kubectl get`; rows come with their metadata. Source: Kubernetes docs, "Receiving resources as
Tables".
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from mltui.errors import UsageError
from mltui.live.cells import NOTHING, Cell, Column, age_column, plain
from mltui.live.kind import Kind, Watched
from mltui.live.kinds import kube_kinds
from mltui.live.kinds.kube._object import (
    Lean,
    Row,
    common,
    context_column,
    name_column,
    namespace_column,
)
from mltui.live.kube.cluster import Cluster

if TYPE_CHECKING:
    from mltui.engines.kubernetes.resources import Resource

_GOOD = frozenset(("true", "ready", "running", "active", "bound", "healthy", "available", "synced"))
_BAD = frozenset(("failed", "error", "lost", "degraded", "unhealthy", "notready"))


class _Partial(msgspec.Struct, gc=False):
    metadata: Lean = msgspec.field(default_factory=Lean)


class _TableRow(msgspec.Struct, gc=False):
    cells: list[Any] | None = None
    object: _Partial | None = None


class _Heading(msgspec.Struct, gc=False):
    name: str = ""
    type: str = ""
    priority: int = 0
    description: str = ""


class _ListMeta(msgspec.Struct, gc=False, rename="camel"):
    resource_version: str = ""


class _Table(msgspec.Struct, gc=False, rename="camel"):
    column_definitions: list[_Heading] | None = None
    rows: list[_TableRow] | None = None
    metadata: _ListMeta = msgspec.field(default_factory=_ListMeta)


class AnyRow(Row, frozen=True, gc=False, kw_only=True):
    """A row of the server's own columns."""

    cells: tuple[str, ...] = ()


_tables = msgspec.json.Decoder(_Table)


class TableShape:
    """Lists and events in Table form."""

    def __init__(self) -> None:
        from mltui.engines.kubernetes.client import TABLE

        self.accept = TABLE

    def page(self, raw: bytes) -> tuple[Sequence[_TableRow], str]:
        """See `Shape`."""
        found = _tables.decode(raw)
        return found.rows or (), found.metadata.resource_version

    def item(self, raw: bytes) -> tuple[Sequence[_TableRow], str]:
        """See `Shape`; the version is the row's object's."""
        rows, version = self.page(raw)
        for row in rows:
            if row.object is not None and row.object.metadata.resource_version:
                version = row.object.metadata.resource_version
        return rows, version


def _read(found: _TableRow, context: str) -> AnyRow:
    meta = found.object.metadata if found.object is not None else Lean()
    cells = tuple(["" if cell is None else str(cell) for cell in found.cells or ()])
    return AnyRow(**common(meta, context), cells=cells)


def find(resources: Sequence[Resource], word: str) -> Resource | None:
    """The resource of a name: plural, singular, short, kind, with or without its group."""
    low = word.lower()
    name, _, group = low.partition(".")
    for each in resources:
        words = {each.plural, each.kind.lower(), *each.short_names}
        if low in words or low == each.full_name or (name in words and group == each.group):
            return each
    return None


async def any_kind(cluster: Cluster, word: str) -> Kind[AnyRow]:
    """A kind for a resource of this cluster. UsageError for an unknown one; Unreachable."""
    resources = await cluster.resources()
    resource = find(resources, word)
    if resource is None:
        known = [*kube_kinds(), *(each.plural for each in resources)]
        near = difflib.get_close_matches(word, known, 1)
        hint = f": did you mean `{near[0]}`?" if near else ""
        raise UsageError(f"{cluster.name} has no resource `{word}`{hint}")
    from mltui.engines.kubernetes.client import TABLE

    found = await cluster.client.get(resource, cluster.namespace, query={"limit": 1}, accept=TABLE)
    headings = msgspec.convert(found, _Table).column_definitions or []
    return kind_of(resource, headings)


def kind_of(resource: Resource, headings: Sequence[_Heading]) -> Kind[AnyRow]:
    """A kind with the server's columns; Name and Age are ours, as they must live."""
    own = [
        _column(index, heading)
        for index, heading in enumerate(headings)
        if heading.name.lower() not in ("name", "age", "created at")
    ]
    where = [namespace_column()] if resource.is_namespaced else []
    return Kind(
        name=resource.full_name,
        title=resource.kind.lower(),
        engine="kubernetes",
        columns=(context_column(), *where, name_column(), *own, age_column()),
        key=lambda row: row.key,
        label=lambda row: row.name,
        actions=("edit", "delete"),
        empty=f"no {resource.plural} here",
        watched=Watched(resource, _TableRow, _read, shape=TableShape()),
    )


def _column(index: int, heading: _Heading) -> Column[AnyRow]:
    is_number = heading.type in ("integer", "number")

    def cell(row: AnyRow) -> Cell:
        text = row.cells[index] if index < len(row.cells) else ""
        low = text.lower()
        role = "state-failed" if low in _BAD else "dim" if not text or low in _GOOD else ""
        return Cell(plain(text) or NOTHING, role)

    def order(row: AnyRow) -> Any:
        text = row.cells[index] if index < len(row.cells) else ""
        if not is_number:
            return text
        try:
            return float(text)
        except ValueError:
            return None

    return Column(
        f"c{index}", heading.name.upper(), cell, min=max(min(len(heading.name), 12), 5),
        flex=1, max=40, align="right" if is_number else "left",
        # The server's priority: 0 is always shown, others where there is room.
        priority=150 - index if heading.priority == 0 else 50 - index,
        sort=order, help=heading.description,
    )  # fmt: skip
