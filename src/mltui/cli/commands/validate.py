"""`mltui validate`: every fault of a project file, with its place and what to write instead."""

from __future__ import annotations

import argparse
from pathlib import Path

from mltui import spec
from mltui.cli import diagnostics, words
from mltui.cli.output import Output
from mltui.cli.problems import render
from mltui.errors import Problem, SpecError
from mltui.runs.project import Project

EPILOG = """\
examples:
  mltui validate
  mltui validate other/mltui.yaml -o json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("file", nargs="?", type=Path, help="the file (mltui.yaml here or above)")
    parser.add_argument("-o", dest="output", choices=["json"], help="a JSON list of the faults")


def run(args: argparse.Namespace, out: Output) -> int:
    """Check it; 2 when something is wrong."""
    file: Path = args.file if args.file is not None else Project.find(Path.cwd()).file
    if args.file is None and file.is_relative_to(Path.cwd()):
        file = file.relative_to(Path.cwd())
    text = ""
    found: list[Problem] = []
    summary = ""
    try:
        text = _read(file)
        project = spec.load(text, str(file))
        summary = words.count(len(project.stages), "stage")
        if project.environments:
            summary += f", {words.count(len(project.environments), 'environment')}"
    except SpecError as error:
        found = error.problems
    if args.output == "json":
        out.json(
            [
                {
                    "file": problem.file,
                    "line": problem.line,
                    "column": problem.column,
                    "message": problem.message,
                    "hint": problem.hint,
                }
                for problem in found
            ]
        )
    elif found:
        for line in render(found, text, colour=out.has_colour):
            out.line(line)
        diagnostics.note(f"{words.count(len(found), 'fault')} in {file}")
    else:
        out.line(f"{file}: {out.glyph('succeeded')} fine: {summary}")
    return diagnostics.WRONG if found else diagnostics.DONE


def _read(file: Path) -> str:
    """The file's text; a fault of the whole file when it can't be had."""
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        message = f"this is not UTF-8 text (byte {error.start})"
    except OSError as error:
        message = f"it can't be read: {error.strerror}"
    raise SpecError([Problem(str(file), 0, 0, message)])
