"""`mltui config`: every setting as it counts, where it comes from, what is wrong with the file."""

from __future__ import annotations

import argparse
import json
import os

from mltui.cli import diagnostics
from mltui.cli.output import Output

EPILOG = """\
examples:
  mltui config             every setting, its value and where that comes from
  mltui config --keys      ids of all actions with their keys, for `keys:`
  mltui config --schema    the JSON Schema of config.yaml, for editors

The file is config.yaml in $XDG_CONFIG_HOME/mltui (~/.config/mltui). A variable comes before the
file, the file before what was chosen in the app. Themes of your own are themes/*.yaml beside it.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("--schema", action="store_true", help="the JSON Schema of the file")
    parser.add_argument("--keys", action="store_true", help="all actions with their keys")
    parser.add_argument("--path", action="store_true", help="only where the file is")
    parser.add_argument("-o", dest="output", choices=["json"], help="one JSON value")


def run(args: argparse.Namespace, out: Output) -> int:
    """Say it; 2 when something is wrong with the file."""
    from mltui.actions import registry
    from mltui.app import config as configs
    from mltui.app.settings import Settings

    if args.schema:
        out.json(configs.json_schema())
        return diagnostics.DONE
    config = configs.read()
    if args.path:
        out.line(str(config.file))
        return diagnostics.DONE
    problems = [*config.problems, *configs.remapped(config, registry.rebind)]
    if args.keys:
        for action in registry.ACTIONS:
            if action.keys:
                out.line(out.say(f"{action.id:<24}{' '.join(action.keys):<22}{action.title}"))
        return diagnostics.DONE
    found = configs.sources(config, os.environ, Settings({**os.environ, "MLTUI_THEME": ""}).theme())
    if args.output == "json":
        settings = [
            {"name": each.setting.name, "value": each.value, "from": each.place} for each in found
        ]
        faults = [
            {"file": p.file, "line": p.line, "message": p.message, "hint": p.hint} for p in problems
        ]
        out.json({"file": str(config.file), "settings": settings, "problems": faults})
        return diagnostics.WRONG if problems else diagnostics.DONE
    there = "" if config.file.exists() else " (there is none)"
    out.line(f"{config.file}{there}")
    for each in found:
        value = each.value if isinstance(each.value, str) else json.dumps(each.value)
        out.line(out.say(f"  {each.setting.name:<10}{value or '–':<28}{each.place}"))
    for problem in problems:
        hint = f": {problem.hint}" if problem.hint else ""
        diagnostics.fail(f"{problem.file}:{problem.line}: {problem.message}{hint}")
    return diagnostics.WRONG if problems else diagnostics.DONE
