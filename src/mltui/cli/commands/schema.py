"""`mltui schema`: the JSON Schema of `mltui.yaml`, for editors and CI."""

from __future__ import annotations

import argparse

from mltui import spec
from mltui.cli import diagnostics
from mltui.cli.output import Output

EPILOG = """\
An editor with yaml-language-server checks the file as you type when its first line is
    # yaml-language-server: $schema=mltui.schema.json
and `mltui schema > mltui.schema.json` was run beside it.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has none."""


def run(args: argparse.Namespace, out: Output) -> int:
    """Print it."""
    out.json(spec.json_schema())
    return diagnostics.DONE
