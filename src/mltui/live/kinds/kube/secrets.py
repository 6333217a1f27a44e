"""Secrets: `:secrets`, `mltui ls secrets`. Values are not kept, nor shown unless asked for."""

from __future__ import annotations

import msgspec

from mltui.engines.kubernetes.resources import SECRETS
from mltui.live.cells import Column, age_column
from mltui.live.kind import Kind, Watched
from mltui.live.kinds.kube._object import (
    Lean,
    Row,
    columns,
    common,
    count_cell,
    dim,
    name_column,
    place_column,
)


class Secret(msgspec.Struct, gc=False):
    """The fields that are shown; values are not kept."""

    metadata: Lean = msgspec.field(default_factory=Lean)
    type: str = ""
    data: dict[str, msgspec.Raw] | None = None
    immutable: bool | None = None


class SecretRow(Row, frozen=True, gc=False, kw_only=True):
    """What is shown of a Secret."""

    type: str = ""
    keys: tuple[str, ...] = ()


def read_secret(found: Secret, context: str) -> SecretRow:
    """The row of a Secret."""
    return SecretRow(
        **common(found.metadata, context), type=found.type, keys=tuple(sorted(found.data or ()))
    )


KIND: Kind[SecretRow] = Kind(
    name="secrets",
    title="secret",
    engine="kubernetes",
    aliases=("secret", "sec"),
    columns=columns(
        name_column(),
        Column("type", "TYPE", lambda r: dim(r.type), min=12, flex=1, max=36, priority=150),
        Column("count", "KEYS", lambda r: count_cell(len(r.keys)), width=4, align="right",
               priority=180, sort=lambda r: len(r.keys)),
        Column("keys", "NAMES", lambda r: dim(", ".join(r.keys)), min=10, flex=2, priority=140),
        place_column(),
        age_column(),
    ),
    key=lambda row: row.key,
    label=lambda row: row.name,
    actions=("reveal", "edit", "delete"),
    empty="no secrets here",
    watched=Watched(SECRETS, Secret, read_secret),
)  # fmt: skip
"""Secrets."""
