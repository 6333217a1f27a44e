"""Does each `${…}` name something that is there? One part of `mltui.spec.lint`.

The error stands at the reference itself, inside the command, with the right spelling.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mltui.spec.draft import Draft
from mltui.spec.model import Ref, YamlPath
from mltui.spec.spelling import did_you_mean, nearest
from mltui.spec.template import KINDS, SINGLES

_SINGLES_OF: Mapping[str, tuple[str, ...]] = {
    "stages": ("metrics", "round"),
    "services": ("port", "records"),
    "monitors": ("metrics",),
}
_WHERE = {
    "metrics": "a stage or monitor with metrics",
    "round": "a stage",
    "port": "a service",
    "records": "a service",
}


_NEAR_MISS = re.compile(
    r"(?<![$\\{])(?:\$\(|\$(?=\w)|\{+)\s*(?P<kind>inputs|outputs|params)\.(?P<name>[\w-]+)"
    r"(?:\s*(?:\)|\}+))?"
)


@dataclass(frozen=True, slots=True)
class _Scope:
    """What may be named in the commands of one actor."""

    noun: str
    singles: tuple[str, ...]
    names: Mapping[str, tuple[str, ...] | None]
    """Declared names of each kind; None where they could not be read."""
    variables: tuple[str, ...] | None
    has_port: bool

    def spellings(self) -> list[str]:
        """Every reference that would be right."""
        dotted = [f"{kind}.{name}" for kind, names in self.names.items() for name in names or ()]
        return [*dotted, *self.singles, *(self.variables or ())]


def check_templates(draft: Draft) -> None:
    """Notes every reference that nothing would fill."""
    for path, spots in draft.reading.spots.items():
        scope = _scope(draft, path)
        find = _environment_fault if path[2] == "environment" else _fault
        for spot in spots:
            found = find(scope, spot.ref)
            if found is not None:
                draft.fault(draft.reading.place(path, spot.offset), *found)
                draft.spoil(*path)
        if path[2] == "run":
            _check_near_misses(draft, path, scope)


def _check_near_misses(draft: Draft, path: YamlPath, scope: _Scope) -> None:
    """`{inputs.raw}`, `$inputs.raw` and `$(inputs.raw)` where there is such an input."""
    for found in _NEAR_MISS.finditer(draft.reading.nodes[path].text):
        if found["name"] in (scope.names.get(found["kind"]) or ()):
            right = f"${{{found['kind']}.{found['name']}}}"
            mark = draft.reading.place(path, found.start())
            draft.fault(mark, f"`{found[0]}` is left as it is", f"write `{right}`")
            draft.spoil(*path)


def _scope(draft: Draft, path: YamlPath) -> _Scope:
    section, name = str(path[0]), path[1]
    names = {kind: draft.names(section, name, kind) for kind in ("inputs", "outputs")}
    if section == "services":
        del names["outputs"]
    variables: tuple[str, ...] | None = ()
    if section == "stages":
        is_sound = draft.is_sound(section, name, "for_each")
        variables = draft.names(section, name, "for_each") if is_sound else None
    names["params"] = draft.names("params")
    has_port = draft.has(section, name, "port")
    return _Scope(section[:-1], _SINGLES_OF[section], names, variables, has_port)


def _fault(scope: _Scope, ref: Ref) -> tuple[str, str] | None:
    """Message and hint for a reference in a command; None when it is right."""
    written = f"{ref.kind}.{ref.name}" if ref.name and ref.kind != "item" else ref.name or ref.kind
    if ref.kind in SINGLES and not ref.name:
        if ref.kind not in scope.singles:
            return f"a {scope.noun} has no `${{{written}}}`; it is for {_WHERE[ref.kind]}", ""
        if ref.kind == "port" and not scope.has_port:
            return "this service has no `port`", "add e.g. `port: 8080`"
        return None
    if ref.kind == "item":
        if scope.variables is None or ref.name in scope.variables:
            return None
    elif ref.kind in scope.names:
        known = scope.names[ref.kind]
        if known is None or ref.name in known:
            return None
    return f"`${{{written}}}` names nothing here", _hint(scope, ref, written)


def _hint(scope: _Scope, ref: Ref, written: str) -> str:
    tail = ref.name.casefold()
    same = [s for s in scope.spellings() if s.rpartition(".")[2].casefold() == tail]
    if ref.kind in scope.names:
        known = scope.names[ref.kind] or ()
        near = nearest(ref.name, known)
        if near:
            return f"did you mean `${{{ref.kind}.{near}}}`?"
    near = same[0] if len(same) == 1 else nearest(written, scope.spellings())
    if near:
        return f"did you mean `${{{near}}}`?"
    if ref.kind in scope.names:
        known = scope.names[ref.kind] or ()
        return did_you_mean(ref.name, known) or f"there are no {ref.kind} here"
    if ref.kind == "item" and ref.name in KINDS:
        return f"write e.g. `${{{ref.name}.NAME}}`"
    if ref.kind == "item":
        return f"for the shell's variable write `${ref.name}` or `$${{{ref.name}}}`"
    return "there is " + ", ".join(f"`${{{kind}.…}}`" for kind in scope.names)


def _environment_fault(scope: _Scope, ref: Ref) -> tuple[str, str] | None:
    """Message and hint for a reference in the name of an environment; None when it is right."""
    if ref.kind != "item":
        written = f"{ref.kind}.{ref.name}" if ref.name else ref.kind
        message = f"`${{{written}}}` can't stand in the name of an environment"
        return message, "only the variable of a `for_each` can"
    if scope.variables is None or ref.name in scope.variables:
        return None
    hint = "only the variable of a `for_each` can stand in it"
    if scope.variables:
        hint = f"did you mean `${{{scope.variables[0]}}}`?"
    return f"`${{{ref.name}}}` names nothing here", hint
