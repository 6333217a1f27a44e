"""Which declared environment a name means, and whether a target's engine can make it.

A name may be templated by item on both sides (`apertium-${pair}`). Data never names an arbitrary
image: what an item makes of a name must match a declaration. Called by the linter, and by the
runner when an attempt starts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from mltui.errors import Problem
from mltui.spec.graph import actors
from mltui.spec.model import Environment, Image, Ref, Service, Spec, Stage, Target, Template
from mltui.spec.scalars import is_item
from mltui.spec.template import fill, read_template

DEFAULT_TARGET = Target("local", "process")
"""What there is when a project declares no targets."""


def match_environment(spec: Spec, text: str) -> Environment | None:
    """The environment that a finished name means; None when no declaration matches.

    A literal name comes before a templated one, and those in the file's order. A templated one is
    returned with the item put into its name, paths, image and values.
    """
    if text in spec.environments and "${" not in text:
        return _filled(spec.environments[text], text, {})
    for declared in spec.environments.values():
        if "${" in declared.name:
            items = _match(read_template(declared.name).template, text)
            if items is not None:
                return _filled(declared, text, items)
    return None


def possible_environments(spec: Spec, wanted: Template) -> tuple[Environment, ...]:
    """The declared environments that a name, templated or not, might mean for some item."""
    if not wanted.refs:
        found = match_environment(spec, fill(wanted, {}))
        return (found,) if found else ()
    return tuple(
        declared
        for declared in spec.environments.values()
        if (
            _overlap(wanted, read_template(declared.name).template)
            if "${" in declared.name
            else _match(wanted, declared.name) is not None
        )
    )


def stage_environments(
    spec: Spec, actor: Stage | Service
) -> tuple[tuple[str, Environment | None], ...]:
    """Each environment name of a stage with what it means; templated names stay as written."""
    wanted = actor.environment
    if wanted is None:
        return ()
    each = actor.for_each if isinstance(actor, Stage) else None
    if wanted.refs and each is not None and each.items is not None:
        names = [fill(wanted, dict.fromkeys(wanted.refs, item)) for item in each.items]
        return tuple((name, match_environment(spec, name)) for name in dict.fromkeys(names))
    possible = possible_environments(spec, wanted)
    return tuple((wanted.source, e) for e in possible) or ((wanted.source, None),)


def check_target(spec: Spec, target: Target) -> list[Problem]:
    """What can't run on a target: stages, services and monitors whose environment does not fit.

    An environment with only an image can't run on `process`; the other engines need an
    environment at all. A stage with a `target` of its own is judged by that one's engine.
    """
    problems = []
    for path, actor in actors(spec):
        place = spec.targets.get(actor.target, target) if actor.target else target
        mark = spec.mark(*path, "environment")
        on = f"on target `{place.name}` ({place.engine})"
        message = hint = ""
        if actor.environment is None:
            if place.engine != "process":
                message = f"`{path[-1]}` has no environment, so it can't run {on}"
                hint = "add `environment: NAME`"
        elif place.engine == "process":
            found = [env for _, env in stage_environments(spec, actor) if env is not None]
            unfit = [e.name for e in found if e.requirements is None and e.image is not None]
            # A templated name may still mean one that fits, until its items are known.
            if unfit and (len(unfit) == len(found) or _items_known(actor)):
                message = f"environment `{unfit[0]}` has only an image, so it can't run {on}"
                hint = "add `requirements: FILE` to it, or choose another target"
        if message:
            problems.append(Problem(spec.file, mark.line, mark.column, message, hint))
    return sorted(problems)


def _items_known(actor: Stage | Service) -> bool:
    each = actor.for_each if isinstance(actor, Stage) else None
    return each is not None and each.items is not None


def _match(template: Template, text: str) -> dict[str, str] | None:
    """The item of each variable when the template can become this text, else None."""
    seen: list[str] = []
    pattern = ""
    for part in template.parts:
        if isinstance(part, str):
            pattern += re.escape(part)
        elif part.name in seen:
            pattern += f"(?P=v{seen.index(part.name)})"
        else:
            pattern += f"(?P<v{len(seen)}>[A-Za-z0-9._-]+)"
            seen.append(part.name)
    found = re.fullmatch(pattern, text)
    if found is None or not all(is_item(item) for item in found.groups()):
        return None
    return dict(zip(seen, found.groups(), strict=True))


def _overlap(one: Template, other: Template) -> bool:
    """Whether two templates could become the same text, judged by their fixed ends."""
    heads = [t.parts[0] if isinstance(t.parts[0], str) else "" for t in (one, other)]
    tails = [t.parts[-1] if isinstance(t.parts[-1], str) else "" for t in (one, other)]
    heads.sort(key=len)
    tails.sort(key=len)
    return heads[1].startswith(heads[0]) and tails[1].endswith(tails[0])


def _filled(declared: Environment, name: str, items: Mapping[str, str]) -> Environment:
    values = {Ref("item", variable): item for variable, item in items.items()}

    def put(text: str | None) -> str | None:
        if text is None:
            return None
        template = read_template(text).template
        # A name that nothing fills stays: the linter has refused it already.
        return fill(template, {ref: f"${{{ref.name}}}" for ref in template.refs} | values)

    def put_all(texts: Mapping[str, str]) -> dict[str, str]:
        return {key: put(text) or "" for key, text in texts.items()}

    image = declared.image
    if image is not None:
        image = Image(
            put(image.name),
            put(image.build),
            put(image.dockerfile),
            put_all(image.args),
            image.build_target,
        )
    return Environment(
        name,
        put(declared.requirements),
        image,
        declared.python,
        put_all(declared.variables),
    )
