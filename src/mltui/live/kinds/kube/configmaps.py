"""ConfigMaps: `:cm`, `mltui ls configmaps`."""

from __future__ import annotations

import msgspec

from mltui.engines.kubernetes.resources import CONFIGMAPS
from mltui.live.cells import Cell, Column, age_column
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
from mltui.live.kinds.kube._page_other import config_sections


class ConfigMap(msgspec.Struct, gc=False, rename="camel"):
    """The fields that are shown; values are not kept."""

    metadata: Lean = msgspec.field(default_factory=Lean)
    data: dict[str, msgspec.Raw] | None = None
    binary_data: dict[str, msgspec.Raw] | None = None
    immutable: bool | None = None


class ConfigMapRow(Row, frozen=True, gc=False, kw_only=True):
    """What is shown of a ConfigMap."""

    keys: tuple[str, ...] = ()
    is_fixed: bool = False


def read_config_map(found: ConfigMap, context: str) -> ConfigMapRow:
    """The row of a ConfigMap."""
    keys = (*(found.data or ()), *(found.binary_data or ()))
    return ConfigMapRow(
        **common(found.metadata, context), keys=tuple(sorted(keys)), is_fixed=bool(found.immutable)
    )


KIND: Kind[ConfigMapRow] = Kind(
    name="configmaps",
    title="configmap",
    engine="kubernetes",
    aliases=("configmap", "cm"),
    columns=columns(
        name_column(),
        Column("count", "KEYS", lambda r: count_cell(len(r.keys)), width=4, align="right",
               priority=180, sort=lambda r: len(r.keys)),
        Column("keys", "NAMES", lambda r: dim(", ".join(r.keys)), min=10, flex=3, priority=150),
        Column("fixed", "FIXED", lambda r: Cell("yes" if r.is_fixed else "", "dim"), width=5,
               priority=60, help="it can't be changed"),
        place_column(),
        age_column(),
    ),
    key=lambda row: row.key,
    label=lambda row: row.name,
    actions=("edit", "delete"),
    empty="no configmaps here",
    watched=Watched(CONFIGMAPS, ConfigMap, read_config_map, sections=config_sections),
)  # fmt: skip
"""ConfigMaps."""
