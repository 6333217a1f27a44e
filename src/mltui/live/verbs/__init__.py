"""What can be done to the things of a Docker host: one file a verb, found by listing the package.

A verb acts on a `Ref` (identity, not a place in a list), answers with a short sentence, and says
before what it would do. Keys, confirmations on screen and the action journal are `actions`' part.
Pruning, pulling, tagging and pushing need more than an object: `prune`, `registry`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType

from mltui.live.verbs._verb import Question, Ref, Verb, ref_of, refs_of, why_not

__all__ = ["Question", "Ref", "Verb", "ref_of", "refs_of", "verbs", "why_not"]


@cache
def verbs() -> Mapping[str, Verb]:
    """All verbs by id."""
    found: dict[str, Verb] = {}
    for name in sorted(module.name for module in iter_modules(__path__)):
        if not name.startswith("_"):
            verb = getattr(import_module(f"{__name__}.{name}"), "VERB", None)
            if isinstance(verb, Verb):
                found[verb.id] = verb
    return MappingProxyType(found)
