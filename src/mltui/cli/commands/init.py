"""`mltui init`: a first `mltui.yaml` for the project here. Never overwrites anything."""

from __future__ import annotations

import argparse
from pathlib import Path

from mltui import spec
from mltui.cli import diagnostics, words
from mltui.cli.output import Output
from mltui.cli.scripts import find_scripts
from mltui.cli.starting import starting_text, write_schema
from mltui.errors import UsageError
from mltui.runs.project import SPEC_FILE

EPILOG = """\
It looks at requirements files and at the names of the Python scripts (clean.py, train.py, …), and
wires a script to the one that writes the file which it reads. Nothing is executed.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("folder", nargs="?", type=Path, default=Path(), help="where (here)")


def run(args: argparse.Namespace, out: Output) -> int:
    """Write it."""
    root = args.folder.absolute()
    if not root.is_dir():
        raise UsageError(f"there is no folder {args.folder}")
    file = root / SPEC_FILE
    if file.exists() or file.is_symlink():
        raise UsageError(f"{args.folder / SPEC_FILE} is there already: `mltui validate` checks it")
    scripts = find_scripts(root)
    text = starting_text(root, scripts)
    project = spec.load(text, SPEC_FILE)
    with file.open("x", encoding="utf-8") as target:
        target.write(text)
    write_schema(root)
    out.line(f"{args.folder / SPEC_FILE} has {words.count(len(project.stages), 'stage')}:")
    for name, stage in project.stages.items():
        feeds = ", ".join(i.stage for i in stage.inputs.values() if i.stage is not None)
        out.line(out.say(f"  {name}" + (f" ← {feeds}" if feeds else "")))
    out.line("look it over, then `mltui run --dry-run`, `mltui run`, `mltui`")
    return diagnostics.DONE
