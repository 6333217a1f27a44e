"""`mltui demo`: a sample project in a folder of its own, its pipeline at work, the workbench open.

May be called again and again: the folder is kept, and what is cached is not computed again.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from contextlib import closing
from pathlib import Path

from mltui.cli import diagnostics
from mltui.cli.follow import follow
from mltui.cli.interrupts import Interrupts
from mltui.cli.output import Output, is_terminal
from mltui.errors import UsageError
from mltui.runs import client
from mltui.runs.journal import FOLDER
from mltui.runs.project import SPEC_FILE, Project
from mltui.runs.rows import RunRequest

EPILOG = """\
The sample classifies handwritten digits: data that is cleaned until it is good enough, a model
that is trained with one configuration after the other until it is. Its environments are built
once, which needs a package index and some minutes; later runs take seconds.
"""

SAMPLE = "digits"
_LEFT_OUT = shutil.ignore_patterns(FOLDER, "__pycache__", "*.pyc")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("folder", nargs="?", type=Path, help="where to put it (./mltui-demo)")


def run(args: argparse.Namespace, out: Output) -> int:
    """Copy, run, show; without a terminal the exit code of the run."""
    source = find_sample(SAMPLE)
    folder: Path = args.folder if args.folder is not None else default_folder(source)
    project = prepare(source, folder)
    with closing(project.journal(write=True)) as journal:
        unfinished = journal.unfinished()
    has_screen = out.is_terminal and is_terminal(sys.stdin)
    with Interrupts() as interrupts:
        if unfinished:
            number = unfinished[0].number
            client.resume(project)
        else:
            number = client.submit(project, RunRequest(trigger="mltui demo")).run
        if not has_screen:
            diagnostics.note(f"no terminal here for the workbench: run {number} in {folder}")
            return follow(project, number, out, interrupts)
    from mltui.app.main import run_app

    code = run_app(project.root, number)
    diagnostics.note(f"the sample is in {folder}: `mltui -C {folder}` opens it again")
    return code


def find_sample(name: str) -> Path:
    """The sample's folder: installed with the package, or in the checkout it is imported from.

    UsageError when there is none of that name.
    """
    package = Path(__file__).parents[2]
    for folder in (package, package.parents[1]):
        sample = folder / "sample_projects" / name
        if (sample / SPEC_FILE).is_file():
            return sample
    raise UsageError(f"this installation has no sample project `{name}`")


def default_folder(source: Path) -> Path:
    """`./mltui-demo`; inside of the checkout a place that git ignores."""
    checkout = source.parents[1]
    if (checkout / "pyproject.toml").is_file() and Path.cwd().is_relative_to(checkout):
        return checkout / ".make" / "demo"
    return Path("mltui-demo")


def prepare(source: Path, folder: Path) -> Project:
    """The sample's copy in `folder`. UsageError when something else is there."""
    if not (folder / SPEC_FILE).is_file():
        if folder.is_dir() and any(folder.iterdir()):
            raise UsageError(f"{folder} is not empty and no project: name another folder")
        shutil.copytree(source, folder, ignore=_LEFT_OUT, dirs_exist_ok=True)
    project = Project(folder.resolve())
    project.prepare()
    return project
