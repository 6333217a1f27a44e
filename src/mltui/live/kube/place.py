"""Where a list of Kubernetes objects looks: a set of (context, namespace). Pure.

Several namespaces and several clusters are the same code, so there is no view of only one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mltui.errors import UsageError

_SHOWN = 5
ALL = ""
"""All namespaces of a context."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A namespace of a context, or all of them."""

    context: str
    namespace: str = ALL

    @property
    def text(self) -> str:
        """`kind/digits-dev`, `kind/*`."""
        return f"{self.context}/{self.namespace or '*'}"


Where = tuple[Place, ...]


def normal(places: Iterable[Place]) -> Where:
    """Each once, in their order; a context's all makes its single ones needless."""
    found = dict.fromkeys(places)
    whole = {place.context for place in found if place.namespace == ALL}
    return tuple(place for place in found if place.namespace == ALL or place.context not in whole)


def contexts_of(where: Sequence[Place]) -> list[str]:
    """The contexts, each once."""
    return list(dict.fromkeys(place.context for place in where))


def text_of(where: Sequence[Place]) -> str:
    """`kind/digits-dev, digits-prod`, `kind/*; prod/ml`: for a header."""
    parts = []
    for context in contexts_of(where):
        names = [place.namespace or "*" for place in where if place.context == context]
        parts.append(f"{context}/{', '.join(names)}")
    return "; ".join(parts)


def parse(text: str, contexts: Iterable[str], here: Sequence[Place]) -> Where:
    """What a person typed: `dev`, `dev,prod`, `*`, `kind/dev`, `kind/dev,prod/ml`, `kind/`.

    Names without a context are of those that are shown. A context's name may hold slashes itself
    (EKS), so the longest known one that fits is meant. UsageError where none fits: no namespace
    has a slash.
    """
    known = sorted(contexts, key=len, reverse=True)
    shown = contexts_of(here)
    places: list[Place] = []
    for word in filter(None, (part.strip() for part in text.replace(";", ",").split(","))):
        context = next((name for name in known if word.startswith(f"{name}/")), None)
        namespace = word if context is None else word[len(context) + 1 :]
        if "/" in namespace:
            name = word.rpartition("/")[0]
            raise UsageError(f"there is no context {name!r} here: {_listed(known)}")
        if namespace in ("*", "all", "") or namespace == "-A":
            namespace = ALL
        of = [context] if context is not None else shown
        places += [Place(each, namespace) for each in of]
    return normal(places)


def _listed(names: Sequence[str]) -> str:
    shown = sorted(names)[:_SHOWN]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return f"there is {', '.join(shown)}{more}" if shown else "the kubeconfig has none"
