"""Generated pages of docs/reference: keys, mltui.yaml, config.yaml. Called by `cli.reference`.

Each is made of the declarations that the program itself works with, so it can't say anything else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

_MADE = "Made by `make reference`; do not edit.\n"


def keys_markdown() -> str:
    """Every key and command of the workbench."""
    from textual.binding import Binding

    from mltui.actions import registry
    from mltui.actions.keys import key_text
    from mltui.app.present.help import MORE
    from mltui.app.widgets.grid import Grid
    from mltui.app.widgets.logkeys import KEYS as LOG_KEYS

    parts = [
        "# Keys and commands of the workbench\n",
        f"\n{_MADE}`?` shows the same in the app, searchable. The id is what `keys:` in "
        "[config.yaml](config.md) gives\nother keys to.\n",
    ]
    for group, actions in registry.grouped():
        parts.append(f"\n## {group}\n\n| key | command | | id |\n|---|---|---|---|\n")
        for each in actions:
            keys = " ".join(f"`{key_text(key)}`" for key in each.keys)
            command = f"`:{each.command} {each.argument}".rstrip() + "`" if each.command else ""
            text = f"**{each.title}**: {each.help}"
            parts.append(_row(keys, command, text, f"`{each.id}`"))
    parts.append("\n## In lists\n\n| key | | id |\n|---|---|---|\n")
    for binding in Grid.BINDINGS:
        if isinstance(binding, Binding):
            keys = " ".join(f"`{key_text(key)}`" for key in binding.key.split(","))
            parts.append(_row(keys, binding.description, f"`{binding.id}`"))
    parts.append("\n## In logs\n\n| key | | id |\n|---|---|---|\n")
    for key in LOG_KEYS:
        keys = " ".join(f"`{key_text(each)}`" for each in key.keys.split(","))
        text = f"**{key.title}**: {key.help}" if key.help else f"**{key.title}**"
        parts.append(_row(keys, text, f"`log.{key.name}`"))
    parts.append("\n## Moving\n\n| key | |\n|---|---|\n")
    parts += [_row(f"`{keys}`", text) for keys, text in MORE]
    return "".join(parts)


def yaml_markdown() -> str:
    """What may stand in mltui.yaml, from its JSON Schema."""
    from mltui.spec.schema import json_schema

    schema = json_schema()
    definitions = schema["definitions"]
    parts = [
        "# mltui.yaml\n",
        f"\n{_MADE}`mltui schema` prints the JSON Schema that this is made of, for editors;\n"
        "`mltui validate` says everything that is wrong with a file, with line and column.\n",
        _fields("The file", schema),
    ]
    parts += [_fields(_title(name), each) for name, each in definitions.items()]
    return "".join(parts)


def _title(name: str) -> str:
    return f"{'An' if name[0] in 'aeiou' else 'A'} {name.replace('-', ' ')}"


def _fields(title: str, schema: Mapping[str, Any]) -> str:
    """One table of fields."""
    options = [schema, *schema.get("anyOf", ()), *schema.get("oneOf", ())]
    properties: Mapping[str, Any] = next(
        (each["properties"] for each in options if "properties" in each), {}
    )
    if not properties:
        return ""
    needed = set(schema.get("required", ()))
    text = f"\n## {title}\n\n{schema.get('description', '')}\n\n| field | | like |\n|---|---|---|\n"
    for name, each in properties.items():
        like = next(iter(each.get("examples", ())), each.get("const", ""))
        written = "" if like == "" else f"`{_flow(like)}`"
        must = " *(needed)*" if name in needed else ""
        text += _row(f"`{name}`{must}", each.get("description", ""), written)
    return text


def _flow(value: Any) -> str:
    """A value as YAML on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(_flow(each) for each in value)}]"
    return value if isinstance(value, str) else json.dumps(value)


def config_markdown() -> str:
    """What may stand in config.yaml."""
    from mltui.app.config import SETTINGS

    text = (
        f"# config.yaml\n\n{_MADE}"
        "The file is `config.yaml` in `$XDG_CONFIG_HOME/mltui` (`~/.config/mltui`); your own\n"
        "themes are `themes/*.yaml` beside it. A variable comes before the file, the file before\n"
        "what was chosen in the app. `mltui config` says what counts and where it comes from;\n"
        "`mltui config --schema` is the JSON Schema.\n\n"
        "| setting | | default | variable |\n|---|---|---|---|\n"
    )
    for each in SETTINGS:
        variable = f"`{each.env}`" if each.env else ""
        text += _row(f"`{each.name}`", each.help, f"`{json.dumps(each.default)}`", variable)
    return (
        text
        + """
```yaml
theme: mltui-light
opens: pods prod
keys:
  docker.stop: ctrl+x
  table.copy: [Y, ctrl+y]
lists:
  pods: {columns: [name, state, restarts, age], sort: [restarts, true]}
views:
  sick: {list: pods, places: "dev,prod", filter: "status!=Running age>5m"}
contexts:
  production-cluster: {production: true, read_only: true}
```
"""
    )


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


PAGES: Mapping[str, Callable[[], str]] = {
    "keys.md": keys_markdown,
    "mltui-yaml.md": yaml_markdown,
    "config.md": config_markdown,
}
