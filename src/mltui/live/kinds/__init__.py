"""Every kind that lists can show: the modules of this package, each with one `KIND`.

Adding a kind is adding a file; nothing else has to know of it. Modules whose names begin with `_`
hold what kinds share.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType
from typing import Any

from mltui.live.kind import Kind


@cache
def kinds() -> Mapping[str, Kind[Any]]:
    """All kinds of a Docker host by name, sorted.

    ValueError when two claim one name: that is a fault in a file.
    """
    return _read(__name__, __path__)


@cache
def kube_kinds() -> Mapping[str, Kind[Any]]:
    """The same of a Kubernetes API; loaded when the first of them is asked for."""
    from mltui.live.kinds import kube

    return _read(kube.__name__, kube.__path__)


def _read(package: str, path: Iterable[str]) -> Mapping[str, Kind[Any]]:
    found: dict[str, Kind[Any]] = {}
    owners: dict[str, str] = {}
    for name in sorted(module.name for module in iter_modules(path) if not module.ispkg):
        if name.startswith("_"):
            continue
        kind: Kind[Any] = import_module(f"{package}.{name}").KIND
        for word in (kind.name, *kind.aliases):
            if word in owners:
                raise ValueError(f"kinds {owners[word]} and {kind.name} both claim {word!r}")
            owners[word] = kind.name
        found[kind.name] = kind
    return MappingProxyType(found)


def kube_kind(word: str) -> Kind[Any] | None:
    """The kind of a Kubernetes API with this name or alias; its own name loads that kind alone."""
    from mltui.live.kinds import kube

    if word in _own_names(tuple(kube.__path__)):
        return _alone(word, kube.__name__)
    return next((kind for kind in kube_kinds().values() if word in kind.aliases), None)


@cache
def _own_names(path: tuple[str, ...]) -> frozenset[str]:
    names = (module.name for module in iter_modules(path) if not module.ispkg)
    return frozenset(name for name in names if not name.startswith("_"))


def _alone(name: str, package: str = __name__) -> Kind[Any]:
    found: Kind[Any] = import_module(f"{package}.{name}").KIND
    assert found.name == name, f"the file of the kind {found.name} is named {name}"
    return found


def kind_named(word: str) -> Kind[Any]:
    """The kind of a name or alias. KeyError whose text says what was probably meant.

    A kind's own name loads that kind alone.
    """
    if word in _own_names(tuple(__path__)):
        return _alone(word)
    known = kinds()
    if word in known:
        return known[word]
    for kind in known.values():
        if word in kind.aliases:
            return kind
    near = difflib.get_close_matches(word, known, 1)
    hint = f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(known)}"
    raise KeyError(f"there is no kind `{word}`: {hint}")
