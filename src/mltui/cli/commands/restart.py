"""`mltui restart`: new replicas of the same version, one after the other."""

from __future__ import annotations

import argparse
from pathlib import Path

from mltui.cli import diagnostics, serving
from mltui.cli.output import Output
from mltui.runs.project import Project
from mltui.serving import client

EPILOG = """\
examples:
  mltui restart classifier
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("service", metavar="SERVICE", help="`classifier` or `classifier@prod`")
    parser.add_argument("--detach", "-d", action="store_true", help="do not wait for it")


def run(args: argparse.Namespace, out: Output) -> int:
    """Replace them; no request fails."""
    project = Project.find(Path.cwd())
    found = client.find(project, args.service)
    at = client.restart(project, found)
    if args.detach:
        out.line(f"{found.name} restarts: `mltui ls services` shows it")
        return diagnostics.DONE
    done = serving.follow(
        project, found.name, lambda now: client.is_restarted(project, now, at), out
    )
    if done is None:
        return diagnostics.FAILED
    out.line(serving.summary(done, out))
    return diagnostics.DONE if done.state == "ready" else diagnostics.FAILED
