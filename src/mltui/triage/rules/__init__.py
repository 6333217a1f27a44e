"""Every rule: the modules of this package, each with one `RULE`.

Adding a rule is adding a file; nothing else has to know of it. Modules whose names begin with `_`
hold what rules share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, TypeAlias

from mltui.triage.cluster import Cluster
from mltui.triage.finding import Finding
from mltui.triage.scene import Scene

Examine: TypeAlias = Callable[[Cluster, Any], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of thing that can be wrong with a project or a Docker host."""

    name: str
    about: str
    """What it tells, in a sentence; for the docs."""
    find: Callable[[Scene], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class ClusterRule:
    """One kind of thing that can be wrong in a cluster; asked about one row at a time."""

    name: str
    about: str
    examines: Mapping[type, Examine]
    """Rows of which types, and how. Of pods only those that are not plainly well."""


@cache
def rules() -> tuple[Rule | ClusterRule, ...]:
    """All rules, by name. ValueError when two have one name: that is a fault in a file."""
    found: dict[str, Rule | ClusterRule] = {}
    for module in sorted(each.name for each in iter_modules(__path__)):
        if module.startswith("_"):
            continue
        rule: Rule | ClusterRule = import_module(f"{__name__}.{module}").RULE
        if rule.name in found:
            raise ValueError(f"two rules have the name {rule.name!r}")
        found[rule.name] = rule
    return tuple(found.values())


@cache
def project_rules() -> tuple[Rule, ...]:
    """Those about the project and Docker hosts."""
    return tuple(each for each in rules() if isinstance(each, Rule))


@cache
def examining(row: str) -> tuple[Examine, ...]:
    """How rules examine rows of a type, by its name."""
    asked = (each.examines.items() for each in rules() if isinstance(each, ClusterRule))
    return tuple(how for items in asked for type_, how in items if type_.__name__ == row)
