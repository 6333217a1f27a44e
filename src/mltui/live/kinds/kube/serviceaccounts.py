"""ServiceAccounts: `:sa`, `mltui ls serviceaccounts`."""

from __future__ import annotations

import msgspec

from mltui.engines.kubernetes.resources import SERVICE_ACCOUNTS
from mltui.live.cells import Cell, Column, age_column
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


class _Named(msgspec.Struct, gc=False):
    name: str = ""


class Account(msgspec.Struct, gc=False, rename="camel"):
    """The fields that are shown."""

    metadata: Lean = msgspec.field(default_factory=Lean)
    secrets: list[_Named] | None = None
    image_pull_secrets: list[_Named] | None = None
    automount_service_account_token: bool | None = None


class AccountRow(Row, frozen=True, gc=False, kw_only=True):
    """What is shown of a ServiceAccount."""

    secrets: tuple[str, ...] = ()
    pull_secrets: tuple[str, ...] = ()
    mounts_token: bool = True


def read_account(found: Account, context: str) -> AccountRow:
    """The row of a ServiceAccount."""
    return AccountRow(
        **common(found.metadata, context),
        secrets=tuple(each.name for each in found.secrets or ()),
        pull_secrets=tuple(each.name for each in found.image_pull_secrets or ()),
        mounts_token=found.automount_service_account_token is not False,
    )


KIND: Kind[AccountRow] = Kind(
    name="serviceaccounts",
    title="service account",
    engine="kubernetes",
    aliases=("serviceaccount", "sa"),
    columns=columns(
        name_column(),
        Column("pull", "PULLS WITH", lambda r: dim(", ".join(r.pull_secrets)), min=10, flex=1,
               max=40, priority=120, help="secrets for image registries"),
        Column("secrets", "SECRETS", lambda r: dim(", ".join(r.secrets)), min=8, flex=1, max=40,
               priority=100),
        Column("token", "TOKEN", lambda r: Cell("yes" if r.mounts_token else "no", "dim"), width=5,
               priority=110, help="pods get its token"),
        place_column(),
        age_column(),
    ),
    key=lambda row: row.key,
    label=lambda row: row.name,
    actions=("edit", "delete"),
    empty="no service accounts here",
    watched=Watched(SERVICE_ACCOUNTS, Account, read_account),
)  # fmt: skip
"""ServiceAccounts."""
