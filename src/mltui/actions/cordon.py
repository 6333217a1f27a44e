"""Cordon and uncordon nodes."""

from __future__ import annotations

from mltui.actions._kube import do, kube_action
from mltui.actions.context import Context
from mltui.actions.selection import Selection


def _is_closed(selection: Selection) -> bool:
    return bool(selection.things) and bool(getattr(selection.things[0], "is_cordoned", False))


async def _cordon(context: Context, argument: str) -> None:
    from mltui.live.kube.verbs.nodes import cordon

    await do(context, context.refs(), "cordoning…", lambda c, ref: cordon(c, ref, True))


async def _uncordon(context: Context, argument: str) -> None:
    from mltui.live.kube.verbs.nodes import cordon

    await do(context, context.refs(), "uncordoning…", lambda c, ref: cordon(c, ref, False))


CORDON = kube_action(
    "cordon", "Cordon", "Let no new pods onto a node.", _cordon, keys=("c",), rank=16,
    applies=lambda selection: not _is_closed(selection),
)  # fmt: skip
UNCORDON = kube_action(
    "uncordon", "Uncordon", "Let new pods onto a node again.", _uncordon, keys=("c",), rank=16,
    applies=_is_closed,
)  # fmt: skip
