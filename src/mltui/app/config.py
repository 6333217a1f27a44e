"""The person's one config file: what may stand in it, read with every fault said, and from where.

`config.yaml` in the config folder. Read before the first paint, so YAML is imported only where
there is a file. What is wrong is told with its line and left out; the rest counts.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from mltui.errors import Problem

FILE = "config.yaml"


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of the file."""

    name: str
    help: str
    schema: Mapping[str, Any]
    """As JSON Schema says it."""
    default: Any = None
    env: str = ""
    """A variable that comes first."""


_TEXTS = {"type": "array", "items": {"type": "string"}}
_KEYS = {"oneOf": [{"type": "string"}, _TEXTS]}
_LOOK = {
    "columns": _TEXTS,
    "sort": {"type": "array", "minItems": 2, "maxItems": 2},
    "group": {"type": "string"},
    "wide": {"type": "boolean"},
}
SETTINGS = (
    Setting("theme", "The colours; `:theme` lists what there is and shows each while you choose.",
            {"type": "string"}, "mltui-dark", "MLTUI_THEME"),
    Setting("opens", "The list that `mltui` begins with where there is no project: `pods prod`.",
            {"type": "string"}, "hosts"),
    Setting("ascii", "Only ASCII on the screen, whatever the locale says.",
            {"type": "boolean"}, False, "MLTUI_ASCII"),
    Setting("notify", "A command that is run when a run ends or waits.",
            {"type": "string"}, "", "MLTUI_NOTIFY"),
    Setting("keys", "Other keys for actions, by their ids (`mltui config --keys` lists them).",
            {"type": "object", "additionalProperties": _KEYS}, {}),
    Setting("lists", "How lists are arranged until you arrange them otherwise, by kind.",
            {"type": "object", "additionalProperties": {"type": "object", "properties": _LOOK,
                                                        "additionalProperties": False}}, {}),
    Setting("views", "Views by name for `:view`: a list, its places, a filter, its look.",
            {"type": "object", "additionalProperties": {
                "type": "object", "required": ["list"], "additionalProperties": False,
                "properties": {"list": {"type": "string"}, "places": {"type": "string"},
                               "filter": {"type": "string"}, **_LOOK}}}, {}),
    Setting("contexts", "What a Kubernetes context is: `production` (a band in the header), "
            "`read_only` (nothing can be changed).",
            {"type": "object", "additionalProperties": {
                "type": "object", "additionalProperties": False,
                "properties": {"production": {"type": "boolean"},
                               "read_only": {"type": "boolean"}}}}, {}),
)  # fmt: skip
_BY_NAME = {each.name: each for each in SETTINGS}


@dataclass(frozen=True)
class Config:
    """What the file says, and what is wrong with it."""

    file: Path
    values: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def get(self, name: str) -> Any:
        """The file's value of a setting, else its default."""
        return self.values.get(name, _BY_NAME[name].default)


def folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the person's settings are."""
    base = environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(base).expanduser() / "mltui"


def read(environ: Mapping[str, str] = os.environ) -> Config:
    """The file as it is now; without one, nothing but defaults."""
    file = folder(environ) / FILE
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Config(file)
    except (OSError, UnicodeDecodeError) as error:
        return Config(file, problems=(Problem(str(file), 0, 0, f"it can't be read: {error}"),))
    return parse(text, file)


def parse(text: str, file: Path) -> Config:
    """What a text says. Never raises; a setting that is wrong is left out."""
    import yaml

    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 0
        said = getattr(error, "problem", None) or "it is not YAML"
        return Config(file, problems=(Problem(str(file), line, 1, said),))
    except (
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        ArithmeticError,
        RecursionError,
    ) as error:  # what PyYAML makes values of raises its own
        said = f"a value in it can't be read: {error}"
        return Config(file, problems=(Problem(str(file), 0, 0, said),))
    if raw is None:
        return Config(file)
    if not isinstance(raw, dict):
        said = "it is a list of settings: `theme: mltui-light`"
        return Config(file, problems=(Problem(str(file), 1, 1, said),))
    assert isinstance(tree, yaml.MappingNode)
    lines = {str(key.value): key.start_mark.line + 1 for key, _ in tree.value}
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, value in raw.items():
        setting = _BY_NAME.get(str(name))
        line = lines.get(str(name), 0)
        if setting is None:
            near = get_close_matches(str(name), _BY_NAME, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(_BY_NAME)}"
            problems.append(Problem(str(file), line, 1, f"there is no setting `{name}`", hint))
            continue
        fault = _fault(value, setting.schema, str(name))
        if fault:
            problems.append(Problem(str(file), line, 1, fault))
        else:
            values[setting.name] = value
    return Config(file, values, lines, tuple(problems))


_TYPES: dict[str, tuple[type, str]] = {
    "string": (str, "a text"),
    "boolean": (bool, "true or false"),
    "array": (list, "a list"),
    "object": (dict, "a mapping"),
}


def _fault(value: Any, schema: Mapping[str, Any], where: str) -> str:
    """What is wrong with a value, as a sentence; empty: nothing."""
    if "oneOf" in schema:
        faults = [_fault(value, each, where) for each in schema["oneOf"]]
        return "" if "" in faults else faults[0]
    if "type" not in schema:
        return ""
    kind, word = _TYPES[schema["type"]]
    if not isinstance(value, kind):
        return f"`{where}` is {word}, not `{_shown(value)}`"
    if isinstance(value, list):
        if "minItems" in schema and len(value) != schema["minItems"]:
            return f"`{where}` has {schema['minItems']} items, not {len(value)}"
        inner = schema.get("items", {})
        return next(filter(None, (_fault(v, inner, f"{where}[]") for v in value)), "")
    if isinstance(value, dict):
        known, more = schema.get("properties", {}), schema.get("additionalProperties", True)
        for needed in schema.get("required", ()):
            if needed not in value:
                return f"`{where}` needs `{needed}`"
        for key, each in value.items():
            if key not in known and more is False:
                return f"`{where}` has no `{key}`: it may have {', '.join(known)}"
            inner = known.get(key, more if isinstance(more, dict) else {})
            if fault := _fault(each, inner, f"{where}.{key}"):
                return fault
    return ""


def _shown(value: Any) -> str:
    try:
        return json.dumps(value, default=str)
    except (ValueError, TypeError, RecursionError):  # it is within itself, or has strange keys
        return type(value).__name__


def json_schema() -> dict[str, Any]:
    """For editors: `mltui config --schema`."""
    properties = {
        each.name: {**each.schema, "description": each.help, "default": each.default}
        for each in SETTINGS
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "mltui config.yaml",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }


@dataclass(frozen=True, slots=True)
class Source:
    """A setting's value, and where it comes from."""

    setting: Setting
    value: Any
    place: str
    """`default`, `config.yaml:3`, `MLTUI_THEME`, `chosen in the app`."""


def sources(config: Config, environ: Mapping[str, str], chosen_theme: str | None) -> list[Source]:
    """Every setting as it counts."""
    found = []
    for each in SETTINGS:
        if each.env and environ.get(each.env):
            value: Any = environ[each.env]
            found.append(Source(each, value, each.env))
        elif each.name in config.values:
            place = f"{FILE}:{config.lines.get(each.name, 0)}"
            found.append(Source(each, config.values[each.name], place))
        elif each.name == "theme" and chosen_theme:
            found.append(Source(each, chosen_theme, "chosen in the app"))
        else:
            found.append(Source(each, each.default, "default"))
    return found


def remapped(
    config: Config, rebind: Callable[[Mapping[str, tuple[str, ...]]], list[tuple[str, str]]]
) -> list[Problem]:
    """Give actions the keys that the file says; what is wrong with those."""
    raw = config.get("keys")
    wanted = {
        str(name): (keys,) if isinstance(keys, str) else tuple(keys) for name, keys in raw.items()
    }
    line = config.lines.get("keys", 0)
    return [
        Problem(str(config.file), line, 1, f"keys: {name}: {why}")
        for name, why in (rebind(wanted) if wanted else ())
    ]


def into_environ(config: Config, environ: dict[str, str] | os._Environ[str]) -> None:
    """What other parts read from variables; a variable that is set comes first."""
    for each in SETTINGS:
        if each.env and each.name in config.values:
            value = config.values[each.name]
            text = ("1" if value else "0") if isinstance(value, bool) else str(value)
            environ.setdefault(each.env, text)
