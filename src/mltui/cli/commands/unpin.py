"""`mltui unpin`: a pinned run becomes one like the others."""

from __future__ import annotations

import argparse

from mltui.cli.commands.pin import add_arguments, set_pinned
from mltui.cli.output import Output

__all__ = ["add_arguments", "run"]


def run(args: argparse.Namespace, out: Output) -> int:
    """Unpin it."""
    return set_pinned(args.run, False, out)
