"""`mltui shell`: stand where a stage stood, in its image or environment, with its inputs."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from mltui.cli import diagnostics
from mltui.cli.choose import choose_newest, choose_run
from mltui.cli.output import Output
from mltui.errors import StartFailed
from mltui.runs.project import Project
from mltui.runs.shells import Opened, close_shell, open_shell

EPILOG = """\
The shell has the stage's very image (or virtual environment), a copy of its working folder with
inputs and code, and its variables. Nothing in it reaches the run; it is removed when you leave.
Where a stage's image could not be built, it is the state before the step that failed.

examples:
  mltui shell train                       the newest round of train, in the newest run
  mltui shell 'translate[en-es]' --run 3
  mltui shell train -c 'python -m pip list'
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("stage", metavar="STAGE", help="which stage; `train~3` names a round")
    parser.add_argument("--run", type=int, metavar="N", help="of run N (the newest)")
    parser.add_argument("-c", dest="command", default="", metavar="COMMAND", help="do this instead")


def run(args: argparse.Namespace, out: Output) -> int:
    """Open it; its exit code."""
    project = Project.find(Path.cwd())
    with closing(project.journal()) as journal:
        number = choose_run(journal, args.run).number
        _, rows = journal.stages(number)
    row = choose_newest(rows, args.stage, number)
    is_terminal = not args.command and sys.stdin.isatty() and sys.stdout.isatty()
    out.status("making it ready…")
    opened = open_shell(project, row, command=args.command, is_terminal=is_terminal)
    out.status("")
    out.flush()
    try:
        if is_terminal:
            for text in opened.notes:
                diagnostics.note(text)
        else:
            for text in opened.shell.notes:
                diagnostics.note(text)
        return _give_terminal(opened)
    finally:
        close_shell(opened)


def _give_terminal(opened: Opened) -> int:
    # A handler of ours is not inherited, so ^C is the shell's; a signal that is ignored would be.
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    shell = opened.shell
    try:
        return subprocess.run(shell.argv, env=dict(shell.env), cwd=shell.cwd).returncode
    except OSError as error:
        raise StartFailed(f"{shell.argv[0]} can't be started: {error.strerror}") from error
    finally:
        signal.signal(signal.SIGINT, before)
