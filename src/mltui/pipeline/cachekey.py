"""The key under which a result is kept, and the parts of it that Explain compares.

Called by the runner before an attempt. Ruling (design: Cache key): inputs, code, the resolved
command, the named params and the environment; the round only if the stage uses it; never the
attempt, the gate, retry, timeout, resources, target or a secret.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping

from mltui.spec.model import ParamValue, Ref, Stage, Template
from mltui.spec.template import format_value

_ORDER = ("code", "inputs", "params", "environment", "round", "item", "outputs", "command")


def key_parts(
    stage: Stage,
    *,
    inputs: Mapping[str, str],
    code: str,
    params: Mapping[str, ParamValue],
    environment: str | Mapping[str, str],
    number: int = 1,
    item: str | None = None,
) -> dict[str, str]:
    """The parts of a key, by name: `command`, `code`, `inputs.raw`, `params.c`, `environment`, ….

    inputs: name → digest of its content. code: digest of the code that the stage sees. params:
    what `Scheduler.params_of` gives. environment: one digest, or its own parts by name (then
    `environment.requirements`, …). number: the innermost round, kept only if the stage uses it.
    """
    parts = {"command": command_text(stage, params, number, item), "code": code}
    parts.update({f"inputs.{name}": digest for name, digest in inputs.items()})
    parts.update({f"params.{name}": _json(value) for name, value in params.items()})
    if isinstance(environment, str):
        parts["environment"] = environment
    else:
        parts.update({f"environment.{name}": text for name, text in environment.items()})
    if stage.uses_round:
        parts["round"] = str(number)
    if item is not None:
        parts["item"] = item
    parts["outputs"] = _json(
        {name: [output.path, output.is_folder] for name, output in stage.outputs.items()}
    )
    return parts


def key_of(parts: Mapping[str, str]) -> str:
    """The key: SHA-256, in hex, of the parts as canonical JSON."""
    return hashlib.sha256(_json(dict(parts)).encode()).hexdigest()


def diff_parts(
    before: Mapping[str, str], after: Mapping[str, str]
) -> list[tuple[str, str | None, str | None]]:
    """What changed: (part, from, to), causes before the command that follows from them.

    None stands for a part that is not there.
    """
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    names.sort(key=lambda name: (_rank(name), name))
    return [(name, before.get(name), after.get(name)) for name in names]


def command_text(
    stage: Stage, params: Mapping[str, ParamValue], number: int = 1, item: str | None = None
) -> str:
    """The command with params, round and item filled in, and paths as `${inputs.raw}`.

    A shell command as the shell would get it; a list as a JSON array.
    """
    if stage.run.shell is not None:
        return _render(stage.run.shell, params, number, item, is_shell=True)
    rendered = [
        _render(template, params, number, item, is_shell=False) for template in stage.run.argv
    ]
    return json.dumps(rendered, ensure_ascii=False)


def _render(
    template: Template,
    params: Mapping[str, ParamValue],
    number: int,
    item: str | None,
    *,
    is_shell: bool,
) -> str:
    out = []
    for part in template.parts:
        text = part if isinstance(part, str) else _value(part, params, number, item)
        if text is None:
            assert isinstance(part, Ref)
            text = f"${{{part.kind}.{part.name}}}" if part.name else f"${{{part.kind}}}"
        elif is_shell and isinstance(part, Ref):
            text = shlex.quote(text)
        out.append(text)
    return "".join(out)


def _value(ref: Ref, params: Mapping[str, ParamValue], number: int, item: str | None) -> str | None:
    """What a reference stands for in a key; None if it stays as it is written."""
    if ref.kind == "params" and ref.name in params:
        return format_value(params[ref.name])
    if ref.kind == "round":
        return str(number)
    return item if ref.kind == "item" else None


def _rank(name: str) -> int:
    return _ORDER.index(name.partition(".")[0])


# `json.dumps` with options makes an encoder a call.
_json = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
