"""`mltui scale`: another number of replicas."""

from __future__ import annotations

import argparse
from pathlib import Path

from mltui.cli import diagnostics, serving
from mltui.cli.output import Output
from mltui.errors import UsageError
from mltui.runs.project import Project
from mltui.serving import client
from mltui.serving.rows import Deployment

EPILOG = """\
examples:
  mltui scale classifier 4
  mltui scale classifier@prod 0        nothing answers, the port is kept
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("service", metavar="SERVICE", help="`classifier` or `classifier@prod`")
    parser.add_argument("replicas", type=int, metavar="N", help="so many")
    parser.add_argument("--detach", "-d", action="store_true", help="do not wait for it")


def run(args: argparse.Namespace, out: Output) -> int:
    """Want so many and wait until they are there."""
    project = Project.find(Path.cwd())
    found = client.find(project, args.service)
    if not found.is_wanted:
        raise UsageError(f"{found.name} is stopped: `mltui serve {found.name}` starts it")
    client.scale(project, found, args.replicas)
    if args.detach:
        out.line(out.say(f"{found.name}: {found.replicas} → {args.replicas} replicas"))
        return diagnostics.DONE

    def is_over(now: Deployment) -> bool:
        return serving.is_settled(now) and (now.ready == args.replicas or now.state != "ready")

    done = serving.follow(project, found.name, is_over, out)
    if done is None:
        return diagnostics.FAILED
    out.line(serving.summary(done, out))
    return diagnostics.DONE if done.state == "ready" else diagnostics.FAILED
