"""From well-read values to the model of what runs; the defaults live here.

Each `make_…` belongs to an object declared in `mltui.spec.stage_fields`. A value that was wrong is
missing here and its default stands in: such a model is only looked at for further faults.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from mltui.spec.model import (
    Cache,
    Command,
    Compare,
    ForEach,
    Gate,
    Input,
    Metric,
    Monitor,
    Otherwise,
    Output,
    Phase,
    Resources,
    Retry,
    RunTrigger,
    Service,
    Stage,
    Template,
)

Values = Mapping[str, Any]
_UNREAD = Template("", ())
_ALWAYS = Compare("==", Metric("unread"), 0)


def make_input(text: str) -> Input:
    """`stage.output`, or a project file beginning with `./`."""
    if text.startswith("./"):
        return Input(path=text)
    stage, _, output = text.partition(".")
    return Input(stage=stage, output=output)


def make_command(value: object) -> Command:
    """A script, or a list of arguments."""
    return Command(shell=value) if isinstance(value, Template) else Command(argv=_tuple(value))


def make_retry(name: str, v: Values) -> Retry:
    """Defaults as in the model."""
    usual = Retry()
    on = v.get("on", usual.on)
    return Retry(
        v.get("attempts", usual.attempts),
        v.get("backoff", usual.backoff_s),
        frozenset(on if isinstance(on, tuple | frozenset) else (on,)),
    )


def make_resources(name: str, v: Values) -> Resources:
    """None means not said."""
    return Resources(v.get("cpu"), v.get("memory"), v.get("gpu", 0))


def make_gate(name: str, v: Values) -> Gate:
    """`max_rounds` becomes the smaller of what is written and the number of tries."""
    require, text = v.get("require", (_ALWAYS, ""))
    tries = v.get("try", ())
    rounds = min(v.get("max_rounds", len(tries) or 1), len(tries) or 10**9)
    otherwise = v.get("otherwise", Otherwise.FAIL)
    trigger = otherwise if isinstance(otherwise, RunTrigger) else None
    return Gate(
        require,
        text,
        restart=v.get("restart"),
        tries=tries,
        best=v.get("best"),
        max_rounds=max(rounds, 1),
        otherwise=Otherwise.FAIL if trigger else otherwise,
        trigger=trigger,
    )


def make_trigger(name: str, v: Values) -> RunTrigger:
    """A count and the seconds it counts for."""
    count, per_s = v.get("at_most", (None, None))
    return RunTrigger(v.get("run", ""), count, per_s)


def make_stage(name: str, v: Values) -> Stage:
    """Params that the text names are the stage's, as if they stood in `params`."""
    command = make_command(v.get("run", _UNREAD))
    retry = v.get("retry", Retry())
    each = None
    for variable, found in v.get("for_each", {}).items():
        if isinstance(found, ForEach):
            each = ForEach(variable, None, found.stage, found.output, found.pairs_with)
        else:
            each = ForEach(variable, items=found)
    return Stage(
        name,
        v.get("phase", Phase.INFERENCE),
        command,
        environment=v.get("environment"),
        inputs=v.get("inputs", {}),
        outputs={key: make_output(path) for key, path in v.get("outputs", {}).items()},
        params=named_params(v.get("params", ()), command),
        uses_round="round" in v.get("params", ())
        or any(ref.kind == "round" for t in command.templates for ref in t.refs),
        gate=v.get("gate"),
        for_each=each,
        retry=retry if isinstance(retry, Retry) else Retry(attempts=retry),
        timeout_s=v.get("timeout"),
        resources=v.get("resources", Resources()),
        cache=v.get("cache", Cache()),
        code=_globs(v.get("code")),
        target=v.get("target"),
        secrets=v.get("secrets", ()),
        network=v.get("network", False),
    )


def named_params(listed: tuple[str, ...], command: Command) -> tuple[str, ...]:
    """The params listed and then those that only the text names, each once."""
    used = [r.name for t in command.templates for r in t.refs if r.kind == "params"]
    return tuple(dict.fromkeys((*listed, *used)))


def make_output(path: str) -> Output:
    """A trailing slash declares a folder."""
    return Output(posixpath.normpath(path), path.endswith("/"))


def make_service(name: str, v: Values) -> Service:
    """One replica unless said."""
    command = make_command(v.get("run", _UNREAD))
    return Service(
        name,
        command,
        environment=v.get("environment"),
        inputs=v.get("inputs", {}),
        params=named_params(v.get("params", ()), command),
        port=v.get("port"),
        health=v.get("health"),
        metrics=v.get("metrics"),
        replicas=v.get("replicas", 1),
        resources=v.get("resources", Resources()),
        target=v.get("target"),
        secrets=v.get("secrets", ()),
    )


def make_monitor(name: str, v: Values) -> Monitor:
    """Its stage is of the inference phase and never cached: it runs because time has passed."""
    stage = make_stage(name, {**v, "cache": Cache(enabled=False)})
    return Monitor(name, stage, v.get("every", 0.0), v.get("window"), v.get("min_rows", 0))


def _globs(value: object) -> tuple[str, ...] | None:
    return (value,) if isinstance(value, str) else None if value is None else _tuple(value)


def _tuple(value: object) -> tuple[Any, ...]:
    assert isinstance(value, tuple)
    return value
