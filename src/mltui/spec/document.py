"""The declaration of `mltui.yaml` as a whole: its sections and what each of their fields is.

Used by `mltui.spec.reader` to validate and by `mltui.spec.schema` for editors and the
documentation, which therefore can't disagree. What runs is declared in `stage_fields`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mltui.spec import scalars
from mltui.spec.fields import Either, Field, Keys, Mapped, Object, Scalar, Unfit
from mltui.spec.model import Environment, Image, Secret
from mltui.spec.stage_fields import CODE, MONITOR, NAMES, SERVICE, STAGE
from mltui.spec.target_fields import TARGET
from mltui.spec.template import read_template
from mltui.spec.yaml12 import ScalarNode

VERSION = 1
Values = Mapping[str, Any]


def make_environment(name: str, v: Values) -> Environment:
    """The image by name or as a build."""
    image = v.get("image")
    return Environment(
        name,
        v.get("requirements"),
        Image(name=image) if isinstance(image, str) else image,
        v.get("python"),
        v.get("variables", {}),
    )


def make_image(name: str, v: Values) -> Image:
    """A build; `target` is the stage of a multi-stage Dockerfile."""
    return Image(None, v.get("build"), v.get("dockerfile"), v.get("args", {}), v.get("target"))


def make_secret(name: str, v: Values) -> Secret:
    """Where it is read from."""
    return Secret(v.get("env"), v.get("file"), v.get("secret"))


def make_project(name: str, v: Values) -> Values:
    """As read; `mltui.spec.reader` makes the Spec, which also holds the text."""
    return v


def _convert_version(node: ScalarNode) -> int:
    if type(node.value) is int and node.value == VERSION:
        return VERSION
    if type(node.value) is int and node.value > VERSION:
        message = f"this file is of version {node.value}; this mltui reads version {VERSION}"
        raise Unfit(message, "use a newer mltui")
    raise Unfit(hint=f"write `mltui: {VERSION}`")


def _environment_name_problem(name: str) -> str:
    if "${" not in name:
        return scalars.name_problem(name)
    found = read_template(name)
    if found.faults or any(ref.kind != "item" for ref in found.template.refs):
        return "is not a name; only a variable such as `${pair}` may stand in it"
    fixed = "".join(part for part in found.template.parts if isinstance(part, str))
    if not re.fullmatch("[A-Za-z0-9._-]+", fixed):
        return "is not a name; letters, digits, `.`, `_` and `-` must stand beside `${…}`"
    return "" if len(name) <= 63 else "has more than 63 characters"


def _variable_name_problem(name: str) -> str:
    if name.startswith("MLTUI_"):
        return "is set by mltui itself"
    valid = re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name)
    return "" if valid else "is not the name of an environment variable"


_TEXT = scalars.text("text, a number or a boolean", also_numbers=True)
_IMAGE_NAME = scalars.text(
    "the name of an image such as `python:3.11-slim`",
    r"[A-Za-z0-9](?:[A-Za-z0-9._/:@-]|\$\{[A-Za-z_][A-Za-z0-9_]*\})*(?<![:/@.-])",
)
IMAGE = Object(
    "image",
    "An image built from a folder of the project.",
    (
        Field(
            "build",
            scalars.inner_path("a folder of the project", templated=True),
            "The build's context: a folder with a Dockerfile.",
            "images/train",
            required=True,
            also=("context", "path"),
        ),
        Field(
            "dockerfile",
            scalars.inner_path("a path in the project", templated=True),
            "The Dockerfile, relative to the context; by default `Dockerfile`.",
            "Dockerfile.gpu",
        ),
        Field(
            "args",
            Mapped(
                Keys("[A-Za-z_][A-Za-z0-9_]*", _variable_name_problem),
                _TEXT,
                "a mapping of names to text",
            ),
            "Build arguments.",
            {"EXTRA": ""},
            also=("build_args",),
        ),
        Field("target", scalars.text("text"), "The stage of a multi-stage Dockerfile.", "runtime"),
    ),
    make_image,
)
ENVIRONMENT = Object(
    "environment",
    "The isolated dependencies a stage runs in.",
    (
        Field(
            "requirements",
            scalars.inner_path("a path in the project", templated=True),
            "A requirements file: what the process engine installs.",
            "env/train.txt",
            also=("pip", "dependencies", "packages"),
        ),
        Field(
            "image",
            Either("the name of an image, or a mapping with `build`", _IMAGE_NAME, mapped=IMAGE),
            "What engines with containers run: an image's name, or how to build it.",
            {"build": "images/train"},
            also=("docker", "container"),
        ),
        Field("python", scalars.python_version(), "Which Python it needs (PEP 440).", ">=3.11"),
        Field(
            "variables",
            Mapped(
                Keys("[A-Za-z_][A-Za-z0-9_]*", _variable_name_problem),
                _TEXT,
                "a mapping of names to text",
            ),
            "Environment variables; never for secrets.",
            {"OMP_NUM_THREADS": "1"},
            also=("env", "vars", "environment"),
        ),
    ),
    make_environment,
)
SECRET = Object(
    "secret",
    "Where a secret is read from when an attempt starts; exactly one of the keys.",
    (
        Field(
            "env",
            scalars.text("the name of an environment variable", "[A-Za-z_][A-Za-z0-9_]*"),
            "An environment variable of the person who starts the run.",
            "HF_TOKEN",
        ),
        Field("file", scalars.text("a path"), "A file on the runner's machine.", "~/.hf-token"),
        Field(
            "secret",
            scalars.text("`name/key`", r"[a-z0-9][a-z0-9.-]*/[A-Za-z0-9._-]+"),
            "A key of a Kubernetes Secret, as `name/key`.",
            "hf/token",
        ),
    ),
    make_secret,
)
_ENVIRONMENT_KEYS = Keys(
    r"[A-Za-z$][A-Za-z0-9._${}-]*",
    _environment_name_problem,
)
PROJECT = Object(
    "project",
    "A pipeline of machine learning: its stages, where they run and what they make.",
    (
        Field(
            "mltui",
            Scalar(f"`{VERSION}`", _convert_version, {"const": VERSION}),
            "The version of this file's format.",
            VERSION,
            required=True,
            also=("version",),
        ),
        Field("name", scalars.name("a name"), "The project's name.", "digits", required=True),
        Field(
            "code", CODE, "Globs of the files that are code; by default all of git's.", ["digits"]
        ),
        Field(
            "params",
            Mapped(NAMES, scalars.AnyValue(), "a mapping of names to values"),
            "Every param with its usual value; `null` is unset.",
            {"seed": 7, "c": None},
            also=("parameters", "vars", "variables"),
        ),
        Field(
            "environments",
            Mapped(_ENVIRONMENT_KEYS, ENVIRONMENT, "a mapping of names to environments"),
            "The isolated dependencies that stages run in.",
            {"train": {"requirements": "env/train.txt", "image": {"build": "images/train"}}},
            also=("envs", "images", "containers"),
        ),
        Field(
            "secrets",
            Mapped(NAMES, SECRET, "a mapping of names to secrets"),
            "Where secrets are read from.",
            {"HF": {"env": "HF_TOKEN"}},
        ),
        Field(
            "stages",
            Mapped(NAMES, STAGE, "a mapping of names to stages", minimum=1),
            "The steps of the pipeline.",
            {"acquire": {"phase": "data", "run": "python -m digits.acquire"}},
            required=True,
            also=("steps", "tasks", "jobs", "pipeline"),
        ),
        Field(
            "services",
            Mapped(NAMES, SERVICE, "a mapping of names to services"),
            "Deployed models.",
            {"classifier": {"run": "python -m digits.serve --port ${port}", "port": 8080}},
        ),
        Field(
            "monitors",
            Mapped(NAMES, MONITOR, "a mapping of names to monitors"),
            "Stages that run on a schedule over what services recorded.",
            {"drift": {"every": "1h", "run": "python -m digits.drift"}},
        ),
        Field(
            "targets",
            Mapped(NAMES, TARGET, "a mapping of names to targets"),
            "Named places to run; without any there is `local` (process).",
            {"local": {"engine": "process"}},
        ),
    ),
    make_project,
)
