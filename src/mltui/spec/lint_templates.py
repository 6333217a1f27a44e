"""Does each `${…}` name something that is there? One part of `mltui.spec.lint`.

The error stands at the reference itself, inside the command, with the right spelling.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mltui.spec.draft import Draft
from mltui.spec.model import Mark, Ref, YamlPath
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


@dataclass(frozen=True, slots=True)
class _Scope:
    """What may be named in the commands of one actor."""

    noun: str
    singles: tuple[str, ...]
    names: Mapping[str, tuple[str, ...] | None]
    """Declared names of each kind; None where they could not be read."""
    variables: tuple[str, ...] | None

    def spellings(self) -> list[str]:
        """Every reference that would be right."""
        dotted = [f"{kind}.{name}" for kind, names in self.names.items() for name in names or ()]
        return [*dotted, *self.singles, *(self.variables or ())]


def check_templates(draft: Draft) -> None:
    """Notes every reference that nothing would fill."""
    for path, spots in draft.reading.spots.items():
        scope = _scope(draft, path)
        for spot in spots:
            mark = draft.reading.place(path, spot.offset)
            if path[2] == "environment":
                _check_environment(draft, scope, spot.ref, mark)
            else:
                _check(draft, scope, spot.ref, mark)
                if spot.ref.kind == "port" and not draft.has(*path[:2], "port"):
                    message = f"service `{path[1]}` has no `port`"
                    draft.fault(mark, message, "add e.g. `port: 8080`")


def _scope(draft: Draft, path: YamlPath) -> _Scope:
    section, name = str(path[0]), path[1]
    names = {kind: draft.names(section, name, kind) for kind in ("inputs", "outputs")}
    if section == "services":
        del names["outputs"]
    variables = draft.names(section, name, "for_each") if section == "stages" else ()
    return _Scope(
        section[:-1], _SINGLES_OF[section], {**names, "params": draft.names("params")}, variables
    )


def _check(draft: Draft, scope: _Scope, ref: Ref, mark: Mark) -> None:
    written = f"{ref.kind}.{ref.name}" if ref.name and ref.kind != "item" else ref.name or ref.kind
    if ref.kind in SINGLES and not ref.name:
        if ref.kind not in scope.singles:
            message = f"a {scope.noun} has no `${{{written}}}`; it is for {_WHERE[ref.kind]}"
            draft.fault(mark, message)
        return
    if ref.kind == "item":
        if scope.variables is None or ref.name in scope.variables:
            return
    elif ref.kind in scope.names:
        known = scope.names[ref.kind]
        if known is None or ref.name in known:
            return
    draft.fault(mark, f"`${{{written}}}` names nothing here", _hint(scope, ref, written))


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


def _check_environment(draft: Draft, scope: _Scope, ref: Ref, mark: Mark) -> None:
    if ref.kind == "item":
        if scope.variables is not None and ref.name not in scope.variables:
            hint = did_you_mean(ref.name, scope.variables)
            if not scope.variables:
                hint = "only the variable of a `for_each` can stand in it"
            draft.fault(mark, f"`${{{ref.name}}}` names nothing here", hint)
        return
    written = f"{ref.kind}.{ref.name}" if ref.name else ref.kind
    message = f"`${{{written}}}` can't stand in the name of an environment"
    draft.fault(mark, message, "only the variable of a `for_each` can")
