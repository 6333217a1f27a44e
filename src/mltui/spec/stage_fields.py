"""The declaration of what runs: stages, their gates, services and monitors.

Each field is declared once, here; validation, the JSON Schema and the documentation follow. Used
by `mltui.spec.document`.
"""

from __future__ import annotations

import re

from mltui.spec import building, scalars
from mltui.spec.fields import Either, Field, Keys, Listed, Mapped, Object, Scalar, Unfit
from mltui.spec.model import Cache, FailureClass, ForEach, Input, Otherwise, Phase
from mltui.spec.search import SEARCH
from mltui.spec.template import KINDS, SINGLES
from mltui.spec.yaml12 import ScalarNode

NAMES = Keys(scalars.NAME_PATTERN, scalars.name_problem)


def _convert_input(node: ScalarNode) -> Input:
    text = scalars.text_of(node)
    stage, dot, output = text.partition(".")
    if text.startswith(("./", "/", "~", "..")):
        complaint = scalars.path_problem(text)
        if not complaint and "${" in text:
            complaint = "has a `${…}` in it; this path is fixed"
        if complaint:
            raise Unfit(f"the input `{text}` {complaint}")
        return building.make_input(text)
    if "/" in text:
        raise Unfit(hint=f"a project file begins with `./`: `./{text}`")
    if not dot or scalars.name_problem(stage) or scalars.name_problem(output):
        raise Unfit(hint="write `stage.output`, e.g. `acquire.raw`")
    return building.make_input(text)


def _convert_cache(node: ScalarNode) -> Cache:
    if isinstance(node.value, bool):
        return Cache(enabled=node.value)
    return Cache(max_age_s=scalars.duration().convert(node))


def _convert_source(node: ScalarNode) -> ForEach:
    """The source of a `for_each`; the variable is put in by `building.make_stage`."""
    text = scalars.text_of(node)
    stage, dot, output = text.partition(".")
    if scalars.name_problem(stage) or (dot and scalars.name_problem(output)):
        raise Unfit(hint="write `stage.output`, a `for_each` stage, or a list")
    return ForEach("", stage=stage, output=output) if dot else ForEach("", pairs_with=stage)


def _variable_problem(text: str) -> str:
    if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]{0,62}", text):
        return "can't name a variable: letters, digits and `_`, not a digit first"
    return "is built in; choose another name" if text in (*SINGLES, *KINDS, "item") else ""


_GLOB = scalars.inner_path("a path or glob in the project", folder=True)
CODE = Either("a path or glob, or a list of them", _GLOB, Listed(_GLOB, "a list of globs"))
_SCRIPT = scalars.Templated("a command", shell=True)
RUN = Either(
    "a command, or a list of arguments",
    _SCRIPT,
    Listed(scalars.Templated("an argument"), "a list of arguments", minimum=1),
)
ENVIRONMENT = scalars.Templated("the name of an environment", pattern="[A-Za-z0-9._-]*")
_CLASSES = scalars.choice(c for c in FailureClass if c is not FailureClass.CANCELLED)
_STAGE_NAME = scalars.name("the name of a stage")

RETRY = Object(
    "retry",
    "New attempts after a failure.",
    (
        Field("attempts", scalars.integer(1, 100), "How many in all, the first counted.", 3),
        Field(
            "backoff", scalars.duration(zero=True), "Wait before the second, then doubled.", "2s"
        ),
        Field(
            "on",
            Either(
                _CLASSES.what,
                _CLASSES,
                Listed(_CLASSES, "a list of failure classes", 1, unique=True),
            ),
            "The classes of failure that are tried again; by default `infrastructure`.",
            ["infrastructure"],
        ),
    ),
    building.make_retry,
)
RESOURCES = Object(
    "resources",
    "What an attempt asks for and may use.",
    (
        Field("cpu", scalars.cpu(), "CPUs; fractions are allowed.", 1),
        Field("memory", scalars.size(), "Memory; going over it fails as `memory`.", "512Mi"),
        Field("gpu", scalars.integer(0, 1024), "GPUs.", 0),
    ),
    building.make_resources,
)
_REQUIRE = Field(
    "require",
    scalars.Condition(),
    "Comparisons of metrics with numbers or params, joined by `and`, `or`, `not`.",
    "accuracy >= ${params.target}",
    required=True,
    also=("condition", "when", "if", "expect", "metric"),
)
GATE = Object(
    "gate",
    "A condition on the stage's metrics that decides whether the pipeline goes on.",
    (
        _REQUIRE,
        Field(
            "restart",
            _STAGE_NAME,
            "First stage of the loop: it and all up to this one run again when not passed.",
            "train",
            also=("from", "goto", "loop", "retry"),
        ),
        Field(
            "try",
            Either(
                "a list of configurations, or a search with `grid` or `random`",
                listed=Listed(
                    Mapped(NAMES, scalars.AnyValue(), "a mapping of params to values"),
                    "a list of configurations",
                    minimum=1,
                ),
                mapped=SEARCH,
            ),
            "Params of each round, in order; or a `grid`, or a `random` search.",
            [{"c": 0.01}, {"c": 1}],
            also=("tries", "params", "grid", "configurations"),
        ),
        Field("best", scalars.best(), "Which round `accept-best` takes.", "max(accuracy)"),
        Field(
            "max_rounds",
            scalars.integer(1, 10_000),
            "Most rounds of the loop; by default as many as `try` has.",
            5,
            also=("rounds", "max_attempts", "limit"),
        ),
        Field(
            "otherwise",
            scalars.choice(Otherwise),
            "When no round passed: fail, take the best, or pause for a person.",
            "accept-best",
            also=("else", "on_failure"),
        ),
    ),
    building.make_gate,
)
_COMMAND = Field(
    "run",
    RUN,
    "A script for `sh -eu -c`, or a list executed as it is; `${…}` names inputs and the like.",
    "python -m digits.train ${inputs.features} ${outputs.model}",
    required=True,
    also=("command", "cmd", "script", "exec", "entrypoint"),
)
_ENVIRONMENT = Field(
    "environment",
    ENVIRONMENT,
    "Where it runs: the name of an environment.",
    "train",
    also=("env", "image", "container"),
)
_INPUT = Scalar(
    "`stage.output` or a project file such as `./data/x.csv`",
    _convert_input,
    {"type": "string", "pattern": r"^(?:[A-Za-z][A-Za-z0-9_-]*\.[A-Za-z][A-Za-z0-9_-]*|\./.+)$"},
)
_COMMON = (
    Field(
        "inputs",
        Mapped(NAMES, _INPUT, "a mapping of names to sources"),
        "Files it reads, by name: another stage's output, or a project file.",
        {"raw": "acquire.raw"},
        also=("input", "needs", "depends_on", "deps", "depends"),
    ),
    Field(
        "params",
        Listed(scalars.name("the name of a param"), "a list of params", unique=True),
        "Params it sees; `round` is the number of the loop's round.",
        ["seed"],
        also=("parameters", "args", "vars"),
    ),
    Field("resources", RESOURCES, "What it asks for.", {"cpu": 1, "memory": "512Mi"}),
    Field(
        "target",
        scalars.name("the name of a target"),
        "Where it runs, if not where the run does.",
        "dev",
    ),
    Field(
        "secrets",
        Listed(scalars.name("the name of a secret"), "a list of secrets", unique=True),
        "Secrets mounted as files; `MLTUI_SECRET_HF` is the path.",
        ["HF"],
    ),
)
_ATTEMPT = (
    Field(
        "outputs",
        Mapped(
            NAMES,
            scalars.inner_path("a path in the working folder", folder=True),
            "a mapping of names to paths",
        ),
        "Files it must write, by name; a trailing `/` declares a folder.",
        {"model": "model.joblib"},
        also=("output", "outs", "artifacts", "produces"),
    ),
    Field("timeout", scalars.duration(), "An attempt that takes longer fails.", "10m"),
    Field(
        "retry",
        Either("a number of attempts, or a mapping", scalars.integer(1, 100), mapped=RETRY),
        "New attempts after a failure; a number alone is `attempts`.",
        3,
        also=("retries", "attempts"),
    ),
    Field(
        "code", CODE, "Globs of the project's files it uses; by default the project's.", ["digits"]
    ),
    Field("network", scalars.boolean(), "Whether its container may use the network.", True),
)
_ITEMS = Listed(scalars.item(), "a list of items", maximum=1000, unique=True)
_SOURCE = Scalar("`stage.output` or a `for_each` stage", _convert_source, {"type": "string"})
_CACHE = Scalar(
    "`true`, `false` or a duration such as `7d`",
    _convert_cache,
    {"anyOf": [{"type": "boolean"}, *scalars.duration().json["anyOf"]]},
)
STAGE = Object(
    "stage",
    "A step of the pipeline: a command in an environment, from inputs to outputs.",
    (
        Field(
            "phase",
            scalars.choice(Phase),
            "Where in the lifecycle it belongs.",
            "data",
            required=True,
        ),
        _ENVIRONMENT,
        _COMMAND,
        *_COMMON,
        *_ATTEMPT,
        Field(
            "gate",
            GATE,
            "Decides on the stage's metrics whether the pipeline goes on.",
            {"require": "accuracy >= 0.9"},
        ),
        Field(
            "for_each",
            Mapped(
                Keys("[A-Za-z_][A-Za-z0-9_]*", _variable_problem),
                Either("a list, `stage.output` or a `for_each` stage", _SOURCE, _ITEMS),
                "a mapping of one variable to its items",
                minimum=1,
            ),
            "Runs once for each item of a list, or of an output that is a JSON array.",
            {"pair": "detect.pairs"},
            also=("foreach", "matrix", "with_items", "loop", "map"),
        ),
        Field(
            "cache",
            _CACHE,
            "Whether a result may be taken from an earlier run, or for how long.",
            "7d",
        ),
    ),
    building.make_stage,
)

_PATH = scalars.text("a path such as `/healthz`", r"/[^\s?#]*")
SERVICE = Object(
    "service",
    "A deployed model: an image and its inputs, replicas, health, metrics.",
    (
        _COMMAND,
        _ENVIRONMENT,
        *_COMMON,
        Field(
            "port",
            scalars.integer(1, 65535),
            "The port it listens on, for `${port}`.",
            8080,
            also=("ports", "expose"),
        ),
        Field(
            "health",
            _PATH,
            "HTTP path that answers 200 when it is well.",
            "/healthz",
            also=("healthcheck", "readiness", "liveness"),
        ),
        Field("metrics", _PATH, "HTTP path of its metrics, as Prometheus text.", "/metrics"),
        Field("replicas", scalars.integer(0, 10_000), "How many of it run.", 2, also=("scale",)),
    ),
    building.make_service,
)
_TRIGGER = Object(
    "trigger",
    "Starts a run when the gate is not passed.",
    (
        Field(
            "run",
            _STAGE_NAME,
            "The stage that the run starts from; it runs even if it is cached.",
            "acquire",
            required=True,
        ),
        Field("at_most", scalars.rate(), "How often at most.", "1 per day"),
    ),
    building.make_trigger,
)
_FAIL = scalars.choice([Otherwise.FAIL])
MONITOR = Object(
    "monitor",
    "A stage that runs on a schedule over what a service recorded.",
    (
        Field(
            "every",
            scalars.duration(),
            "How often it runs.",
            "1h",
            required=True,
            also=("schedule", "interval", "cron"),
        ),
        Field("window", scalars.duration(), "How far back it looks into the records.", "24h"),
        Field("min_rows", scalars.integer(0), "With fewer records it measures nothing.", 200),
        _COMMAND,
        _ENVIRONMENT,
        *_COMMON,
        *_ATTEMPT,
        Field(
            "gate",
            Object(
                "monitor gate",
                "A condition on the monitor's metrics that may start a run.",
                (
                    _REQUIRE,
                    Field(
                        "otherwise",
                        Either("`fail` or a mapping with `run`", _FAIL, mapped=_TRIGGER),
                        "When not passed: a finding, or a run from some stage.",
                        {"run": "acquire", "at_most": "1 per day"},
                    ),
                ),
                building.make_gate,
            ),
            "Decides on the monitor's metrics whether all is well.",
            {"require": "psi < 0.2", "otherwise": {"run": "acquire", "at_most": "1 per day"}},
        ),
    ),
    building.make_monitor,
)
