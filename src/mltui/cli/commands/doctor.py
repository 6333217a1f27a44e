"""`mltui doctor`: what works here, what is missing, and how to get it."""

from __future__ import annotations

import argparse
import asyncio

from mltui.cli import diagnostics
from mltui.cli.output import Output

EPILOG = """\
Nothing is changed and no project is needed. Missing things that mltui can do without are no fault:
the exit code is 1 only for what is there and does not work.
"""

MARKS = {"ok": "succeeded", "missing": "skipped", "broken": "failed"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("-o", dest="output", choices=["json"], help="a JSON list of the checks")


def run(args: argparse.Namespace, out: Output) -> int:
    """Look; 1 when something is broken."""
    from mltui.cli.checks import check_all
    from mltui.text import glyph

    found = asyncio.run(check_all())
    if args.output == "json":
        out.json(
            [
                {"name": each.name, "state": each.state, "found": each.said, "do": each.remedy}
                for each in found
            ]
        )
    else:
        for each in found:
            mark = glyph(MARKS[each.state], unicode=out.has_unicode)
            word = "" if each.state == "ok" else f"{each.state}: "
            out.line(out.say(f"{mark} {each.name:<12}{word}{each.said}"))
            if each.remedy:
                out.line(out.say(f"{'':14}→ {each.remedy}"))
    broken = any(each.state == "broken" for each in found)
    return diagnostics.FAILED if broken else diagnostics.DONE
