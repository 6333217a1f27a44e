"""What of Kubernetes is production, or must stay as it is: as targets and the config file say.

Asked by the lists and by the first look, so that both show the same band. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from mltui.live.kube.place import Where, contexts_of

if TYPE_CHECKING:
    from mltui.spec.model import Target

Said = Mapping[str, Mapping[str, Any]]
"""`contexts` of the config file."""


def band(where: Where, targets: Iterable[Target], said: Said, current: str) -> str:
    """`PROD`, `READ-ONLY`, both, or nothing. *current*: the context of targets that name none."""
    is_production, is_read_only = False, forbids(where, (), said, current)
    for target in _at(where, targets, current):
        is_production |= target.production
        is_read_only |= target.read_only and not target.production
    is_production |= any(each.get("production") for each in _said(where, said))
    words = ("PROD" if is_production else "", "READ-ONLY" if is_read_only else "")
    return " ".join(filter(None, words))


def forbids(where: Where, targets: Iterable[Target], said: Said, current: str) -> bool:
    """Whether nothing may be changed in these places."""
    is_said = any(each.get("read_only") for each in _said(where, said))
    return is_said or any(target.read_only for target in _at(where, targets, current))


def _said(where: Where, said: Said) -> list[Mapping[str, Any]]:
    return [said[name] for name in contexts_of(where) if name in said]


def _at(where: Where, targets: Iterable[Target], current: str) -> list[Target]:
    return [
        target
        for target in targets
        if target.engine == "kubernetes"
        and any(
            (target.context or current) == place.context
            and (not target.namespace or place.namespace in ("", target.namespace))
            for place in where
        )
    ]
