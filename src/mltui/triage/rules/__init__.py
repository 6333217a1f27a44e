"""Every rule: the modules of this package, each with one `RULE`.

Adding a rule is adding a file; nothing else has to know of it. Modules whose names begin with `_`
hold what rules share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from mltui.triage.finding import Finding
from mltui.triage.scene import Scene


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of thing that can be wrong."""

    name: str
    about: str
    """What it tells, in a sentence; for the docs."""
    find: Callable[[Scene], Iterable[Finding]]


@cache
def rules() -> tuple[Rule, ...]:
    """All rules, by name. ValueError when two have one name: that is a fault in a file."""
    found: dict[str, Rule] = {}
    for module in sorted(each.name for each in iter_modules(__path__)):
        if module.startswith("_"):
            continue
        rule: Rule = import_module(f"{__name__}.{module}").RULE
        if rule.name in found:
            raise ValueError(f"two rules have the name {rule.name!r}")
        found[rule.name] = rule
    return tuple(found.values())
