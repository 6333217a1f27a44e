"""`mltui completion`: a script for the shell, made from the commands' own declarations."""

from __future__ import annotations

import argparse

from mltui.cli import diagnostics
from mltui.cli.output import Output

EPILOG = """\
examples:
  source <(mltui completion bash)                                  now, in bash
  mltui completion zsh > ~/.zfunc/_mltui                           for good, in zsh
  mltui completion fish > ~/.config/fish/completions/mltui.fish    for good, in fish
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("shell", metavar="SHELL", choices=["bash", "zsh", "fish"],
                        help="bash, zsh or fish")  # fmt: skip


def run(args: argparse.Namespace, out: Output) -> int:
    """Print the script."""
    from mltui.cli.completing import script

    out.line(script(args.shell).rstrip("\n"))
    return diagnostics.DONE
