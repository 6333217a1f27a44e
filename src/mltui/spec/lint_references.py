"""Do the names in a project mean something? Stages, outputs, params, environments and the like.

One part of `mltui.spec.lint`. Every check says the nearest right spelling, and keeps quiet where
the part that would declare the name could not be read.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from mltui.spec.contract import PREFIXES, variable_name
from mltui.spec.draft import Draft
from mltui.spec.environments import stage_environments
from mltui.spec.graph import actors
from mltui.spec.model import Input, Mark, Service, Stage, YamlPath
from mltui.spec.spelling import did_you_mean, nearest
from mltui.spec.target_fields import TARGET_FIELDS
from mltui.spec.template import read_template

SECTIONS = ("stages", "services", "monitors")


def check_references(draft: Draft) -> None:
    """Notes every name that is not declared, and every declaration that can't be."""
    _check_unique_names(draft)
    for path, actor in actors(draft.spec):
        for name, found in actor.inputs.items():
            if not _is_input_right(draft, path, found, draft.at(*path, "inputs", name)):
                draft.spoil(*path, "inputs", name)
        _check_listed(draft, path, actor)
        _check_environment(draft, path, actor)
        _check_variables(draft, path)
        if isinstance(actor, Stage):
            _check_outputs(draft, path, actor)
            _check_for_each(draft, path, actor)
    _check_environments(draft)
    _check_secrets(draft)
    _check_targets(draft)
    _check_services_and_monitors(draft)


def check_output(
    draft: Draft, stage: str, output: str, mark: Mark, also: Iterable[str] = ()
) -> bool:
    """Faults `stage.output` when there is no such stage, or it has no such output.

    `also` are other right spellings to guess from. True when it is there.
    """
    stages = draft.names("stages")
    if stages is None:
        return True
    if stage in stages:
        known = draft.names("stages", stage, "outputs")
        if known is None or output in known:
            return True
        declare = f"declare it: `outputs: {{{output}: FILE}}` in stage `{stage}`"
        hint = did_you_mean(output, known) if known else declare
        draft.fault(mark, f"stage `{stage}` has no output `{output}`", hint)
        return False
    outputs = ((name, draft.names("stages", name, "outputs") or ()) for name in stages)
    every = [f"{name}.{out}" for name, known in outputs for out in known]
    same = [written for written in every if written.endswith(f".{output}")]
    near = nearest(f"{stage}.{output}", [*every, *also]) or nearest(stage, stages)
    if near is None and len(same) == 1:
        near = same[0]
    hint = f"did you mean `{near}`?" if near else did_you_mean(stage, stages)
    draft.fault(mark, f"there is no stage `{stage}`", hint)
    return False


def _is_input_right(draft: Draft, path: YamlPath, found: Input, mark: Mark) -> bool:
    if found.service is not None:
        if found.output != "records":
            message = f"service `{found.service}` has no `{found.output}` to read"
            draft.fault(mark, message, f"did you mean `{found.service}.records`?")
        return found.output == "records"
    if found.stage is None or found.output is None:
        return True
    services = draft.names("services") or ()
    if found.stage not in (draft.names("stages") or ()):
        if found.stage in services:
            message = "only a monitor can read what a service recorded"
            draft.fault(mark, message, "make this a monitor, or read a stage's output")
            return False
        if found.stage in (draft.names("monitors") or ()):
            draft.fault(mark, f"`{found.stage}` is a monitor; only a stage's output can be read")
            return False
    if path == ("stages", found.stage):
        draft.fault(mark, f"stage `{found.stage}` can't read its own output")
        return False
    records = [f"{name}.records" for name in services] if path[0] == "monitors" else []
    return check_output(draft, found.stage, found.output, mark, records)


def _check_listed(draft: Draft, path: YamlPath, actor: Stage | Service) -> None:
    is_stage = path[0] == "stages"
    for name, mark in draft.listed(*path, "params"):
        if name == "round" and not is_stage:
            draft.fault(mark, f"a {str(path[0])[:-1]} has no rounds")
        else:
            draft.check_known(name, mark, "param", "params", also=("round",) if is_stage else ())
    for name, mark in draft.listed(*path, "secrets"):
        draft.check_known(name, mark, "secret", "secrets")
    if actor.target is not None:
        usual = () if draft.names("targets") else ("local",)
        mark = draft.at(*path, "target")
        draft.check_known(actor.target, mark, "target", "targets", also=usual)


def _check_environment(draft: Draft, path: YamlPath, actor: Stage | Service) -> None:
    wanted = actor.environment
    if wanted is None or not draft.is_sound(*path, "environment"):
        return
    declared = draft.names("environments")
    each = actor.for_each if isinstance(actor, Stage) else None
    if declared is None or any(ref.kind != "item" for ref in wanted.refs):
        return
    if wanted.refs and (each is None or any(ref.name != each.variable for ref in wanted.refs)):
        return  # an unknown variable; the template check says so
    mark = draft.at(*path, "environment")
    unread = [n for n in declared if n not in draft.spec.environments]
    for name, found in stage_environments(draft.spec, actor):
        if found is None and name not in unread and not any("${" in n for n in unread):
            draft.fault(mark, f"there is no environment `{name}`", did_you_mean(name, declared))


def _check_variables(draft: Draft, path: YamlPath) -> None:
    """Two names of one section may not become the same environment variable."""
    for section in PREFIXES:
        names: Iterable[tuple[str, Mark]]
        if section in ("params", "secrets"):
            names = draft.listed(*path, section)
        else:
            found = draft.names(*path, section) or ()
            names = [(name, draft.key(*path, section, name)) for name in found]
        seen: dict[str, str] = {}
        for name, mark in names:
            variable = variable_name(section, name)
            if seen.setdefault(variable, name) != name:
                message = f"`{name}` and `{seen[variable]}` both become `{variable}`"
                draft.fault(mark, message, "rename one of them")


def _check_outputs(draft: Draft, path: YamlPath, stage: Stage) -> None:
    seen: dict[str, str] = {}
    for name, output in stage.outputs.items():
        mark = draft.at(*path, "outputs", name)
        if output.path == ".":
            draft.fault(mark, "an output can't be the working folder itself")
        for path_before, other in seen.items():
            if output.path == path_before:
                draft.fault(mark, f"outputs `{other}` and `{name}` are the same path")
            elif posixpath.commonpath((output.path, path_before)) in (output.path, path_before):
                draft.fault(mark, f"the path of output `{name}` overlaps that of `{other}`")
        seen.setdefault(output.path, name)


def _check_for_each(draft: Draft, path: YamlPath, stage: Stage) -> None:
    each = stage.for_each
    if each is None:
        return
    variables = draft.names(*path, "for_each") or ()
    if len(variables) > 1:
        mark = draft.key(*path, "for_each", variables[1])
        draft.fault(mark, "`for_each` has one variable", "compute the combinations in a stage")
    if not draft.is_sound(*path, "for_each", each.variable):
        return
    mark = draft.at(*path, "for_each", each.variable)
    if each.stage is not None and each.output is not None:
        if path == ("stages", each.stage):
            draft.fault(mark, f"stage `{each.stage}` can't read its own output")
        else:
            check_output(draft, each.stage, each.output, mark)
    elif each.pairs_with is not None:
        others = [s.name for s in draft.spec.stages.values() if s.for_each and s.name != stage.name]
        stages = draft.names("stages")
        if stages is None or each.pairs_with in others:
            return
        if each.pairs_with == stage.name:
            draft.fault(mark, f"stage `{stage.name}` can't be paired with itself")
        elif each.pairs_with not in stages:
            hint = did_you_mean(each.pairs_with, others)
            draft.fault(mark, f"there is no stage `{each.pairs_with}`", hint)
        elif draft.is_sound("stages", each.pairs_with):
            hint = "write `stage.output` for the items in an output"
            draft.fault(mark, f"stage `{each.pairs_with}` has no `for_each` to pair with", hint)


def _check_unique_names(draft: Draft) -> None:
    """What runs is shown side by side and names containers, so a name means one thing."""
    seen: dict[str, tuple[str, str]] = {}
    for section in SECTIONS:
        for name in draft.names(section) or ():
            key = name.lower().replace("_", "-")
            other = seen.setdefault(key, (section, name))
            if other == (section, name):
                continue
            what = f"the {other[0][:-1]} `{other[1]}`"
            if other[1] == name:
                draft.fault(draft.key(section, name), f"`{name}` is already {what}")
            else:
                message = f"`{name}` and {what} would have containers of the same name"
                draft.fault(draft.key(section, name), message, "rename one of them")
    for name in draft.names("params") or ():
        if name == "round":
            message = "`round` is built in: it is the number of a loop's round"
            draft.fault(draft.key("params", name), message, "choose another name")


def _check_environments(draft: Draft) -> None:
    for name, environment in draft.spec.environments.items():
        path = ("environments", name)
        if not draft.is_sound(*path):
            continue
        if not (environment.requirements or environment.image or environment.python):
            message = f"environment `{name}` needs `requirements` or `image`"
            draft.fault(draft.key(*path), message, "add e.g. `requirements: env/train.txt`")
        variables = {ref.name for ref in read_template(name).template.refs}
        for at, text in _texts_below(draft, path):
            found = read_template(text)
            for spot in found.spots:
                if spot.ref.kind == "item" and spot.ref.name in variables:
                    continue
                shown = "${" + spot.ref.name + "}"
                hint = "only the variable of the environment's own name can stand here"
                if variables:
                    hint = f"did you mean `${{{min(variables)}}}`?"
                draft.fault(draft.at(*at), f"nothing fills `{shown}` in an environment", hint)
            for fault in found.faults:
                draft.fault(draft.at(*at), fault.message, fault.hint)


def _texts_below(draft: Draft, path: YamlPath) -> list[tuple[YamlPath, str]]:
    found = []
    todo = [path]
    while todo:
        at = todo.pop()
        for name in draft.names(*at) or ():
            todo.append((*at, name))
        if "${" in draft.reading.texts.get(at, ""):
            found.append((at, draft.reading.texts[at]))
    return found


def _check_secrets(draft: Draft) -> None:
    for name in draft.spec.secrets:
        given = draft.names("secrets", name)
        if given is not None and draft.is_sound("secrets", name) and len(given) != 1:
            said = " and ".join(f"`{key}`" for key in given) or "none"
            message = f"secret `{name}` needs exactly one of `env`, `file`, `secret`; it has {said}"
            mark = draft.key("secrets", name, given[1]) if given else draft.key("secrets", name)
            draft.fault(mark, message)


def _check_targets(draft: Draft) -> None:
    for name, target in draft.spec.targets.items():
        if not draft.is_sound("targets", name, "engine"):
            continue
        for key, engines in TARGET_FIELDS.items():
            if draft.has("targets", name, key) and target.engine not in engines:
                only = " and ".join(f"`{engine}`" for engine in engines)
                message = f"engine `{target.engine}` has no `{key}`; it is of {only}"
                draft.fault(draft.key("targets", name, key), message)


def _check_services_and_monitors(draft: Draft) -> None:
    for name, service in draft.spec.services.items():
        path = ("services", name)
        for key in ("health", "metrics"):
            if draft.has(*path, key) and service.port is None and draft.is_sound(*path, "port"):
                message = f"service `{name}` has a `{key}` path but no port"
                draft.fault(draft.key(*path, key), message, "add e.g. `port: 8080`")
    for name, monitor in draft.spec.monitors.items():
        path = ("monitors", name)
        reads = any(found.service for found in monitor.stage.inputs.values())
        for key in ("window", "min_rows"):
            if draft.has(*path, key) and not reads and draft.is_sound(*path, "inputs"):
                message = f"`{key}` counts a service's records, but no input reads any"
                services = draft.names("services") or ("classifier",)
                hint = f"add e.g. `inputs: {{recent: {services[0]}.records}}`"
                draft.fault(draft.key(*path, key), message, hint)
        trigger = monitor.stage.gate.trigger if monitor.stage.gate else None
        at = (*path, "gate", "otherwise", "run")
        if trigger is not None and draft.is_sound(*at):
            draft.check_known(trigger.run_from, draft.at(*at), "stage", "stages")
