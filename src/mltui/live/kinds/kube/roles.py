"""Roles: `:roles`, `mltui ls roles`. What a namespace lets its users do."""

from __future__ import annotations

import msgspec

from mltui.engines.kubernetes.resources import ROLES
from mltui.live.cells import Cell, Column, age_column, plain
from mltui.live.kind import Kind, Watched
from mltui.live.kinds.kube._object import (
    Lean,
    Row,
    columns,
    common,
    count_cell,
    name_column,
)
from mltui.live.kinds.kube._page_other import role_sections


class _Rule(msgspec.Struct, gc=False):
    verbs: list[str] | None = None
    resources: list[str] | None = None


class Role(msgspec.Struct, gc=False):
    """The fields that are shown."""

    metadata: Lean = msgspec.field(default_factory=Lean)
    rules: list[_Rule] | None = None


class RoleRow(Row, frozen=True, gc=False, kw_only=True):
    """What is shown of a Role."""

    rules: tuple[str, ...] = ()
    """`get,list pods`."""


def read_role(found: Role, context: str) -> RoleRow:
    """The row of a Role."""
    rules = tuple(
        f"{','.join(rule.verbs or ())} {','.join(rule.resources or ())}".strip()
        for rule in found.rules or ()
    )
    return RoleRow(**common(found.metadata, context), rules=rules)


KIND: Kind[RoleRow] = Kind(
    name="roles",
    title="role",
    engine="kubernetes",
    aliases=("role",),
    columns=columns(
        name_column(),
        Column("count", "RULES", lambda r: count_cell(len(r.rules)), width=5, align="right",
               priority=180, sort=lambda r: len(r.rules)),
        Column("rules", "MAY", lambda r: Cell(plain("; ".join(r.rules))), min=20, flex=4,
               priority=170, shorten="end"),
        age_column(),
    ),
    key=lambda row: row.key,
    label=lambda row: row.name,
    actions=("edit", "delete"),
    empty="no roles here",
    watched=Watched(ROLES, Role, read_role, sections=role_sections),
)  # fmt: skip
"""Roles."""
