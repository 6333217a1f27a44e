"""`mltui open`: the workbench, begun with a list of a cluster or a Docker host, or on a bundle."""

from __future__ import annotations

import argparse
from pathlib import Path

from mltui.cli import listing
from mltui.cli.output import Output
from mltui.errors import UsageError

EPILOG = """\
examples:
  mltui open                    what runs here: pods of the current context, else containers
  mltui open deployments prod   the Deployments of namespace prod
  mltui open pods 'dev,prod'    the pods of two namespaces in one table
  mltui open containers         the containers of the Docker host
  mltui open incident.zip       what `mltui bundle` wrote, read-only

Needs no project. Any name that the `:` line knows will do.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument(
        "list", nargs="?", metavar="LIST", help="which list (pods, else containers), or a bundle"
    )
    parser.add_argument("places", nargs="?", metavar="NAMESPACES", help="of which namespaces")


def run(args: argparse.Namespace, out: Output) -> int:
    """Open the app; its exit code."""
    from mltui.app.main import HOSTS, run_app

    if args.list is not None and args.list.endswith(".zip"):
        return _replay(Path(args.list))
    try:
        root = Path(listing.find_root())
    except UsageError:
        root = Path.cwd()
    return run_app(root, opens=" ".join(filter(None, (args.list, args.places))) or HOSTS)


def _replay(file: Path) -> int:
    """Unpack it where nobody else looks, show it, forget it."""
    from tempfile import TemporaryDirectory

    from mltui.app.main import run_app
    from mltui.runs.bundle import read_bundle

    with TemporaryDirectory(prefix="mltui-") as folder:
        replay = read_bundle(file.absolute(), Path(folder))
        return run_app(Path(folder), replay=replay)
