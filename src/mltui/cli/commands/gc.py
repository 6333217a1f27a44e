"""`mltui gc`: shows what nothing needs any more and what it frees; removes it when told to."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from mltui import text
from mltui.cli import diagnostics, words
from mltui.cli.output import Output, is_terminal
from mltui.errors import UsageError
from mltui.runs.gc import KEEP, GcPlan, apply_gc, plan_gc
from mltui.runs.project import Project

EPILOG = """\
The newest runs stay, and pinned ones (`mltui pin`), those that are not over, and every artifact
that any of them names. Without a terminal nothing is removed unless `--yes` is said.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument(
        "--keep", type=int, default=KEEP, metavar="N", help=f"so many runs stay ({KEEP})"
    )
    parser.add_argument("--yes", "--apply", "-y", action="store_true", help="remove, do not ask")
    parser.add_argument("-o", dest="output", choices=["json"], help="one JSON value; never asks")


def run(args: argparse.Namespace, out: Output) -> int:
    """Show it, and remove it if that is wanted."""
    if args.keep < 1:
        raise UsageError(f"--keep {args.keep}: at least the newest run stays")
    project = Project.find(Path.cwd())
    plan = plan_gc(project, args.keep)
    if args.output == "json":
        freed = apply_gc(project, plan) if args.yes and not plan.is_empty else None
        out.json(plan_object(plan, freed))
        return diagnostics.DONE
    if plan.is_empty:
        out.line("nothing to remove")
        return diagnostics.DONE
    for line in plan_lines(plan):
        out.line(line)
    if not args.yes and not _is_wanted(plan, out):
        return diagnostics.DONE
    freed = apply_gc(project, plan)
    out.line(f"removed; {text.format_bytes(freed)} are free again")
    return diagnostics.DONE


def plan_object(plan: GcPlan, freed: int | None) -> dict[str, Any]:
    """For scripts. Sizes are bytes; `freed` is null where nothing was removed."""
    return {
        "keep": plan.keep,
        "runs": list(plan.runs),
        "results": len(plan.results),
        "objects": len(plan.objects),
        "folders": [str(folder) for folder in plan.folders],
        "size": plan.size_bytes,
        "freed": freed,
    }


def plan_lines(plan: GcPlan) -> list[str]:
    """What would go, for people."""
    lines = []
    if plan.runs:
        lines.append(f"{words.count(len(plan.runs), 'run')}: {_ranges(plan.runs)}")
    if plan.results:
        lines.append(words.count(len(plan.results), "cached result"))
    if plan.objects:
        lines.append(words.count(len(plan.objects), "object") + " in the store")
    if plan.folders:
        lines.append(words.count(len(plan.folders), "folder") + " of logs and leftovers")
    stay = "the newest run stays" if plan.keep == 1 else f"the newest {plan.keep} runs stay"
    lines.append(f"frees {text.format_bytes(plan.size_bytes)}; {stay}")
    return lines


def _is_wanted(plan: GcPlan, out: Output) -> bool:
    """Ask where somebody can answer; the safe answer is the default."""
    if not (out.is_terminal and is_terminal(sys.stdin)):
        diagnostics.note("nothing was removed: `mltui gc --yes` does it")
        return False
    out.flush()
    try:
        answer = input(f"Remove them and free {text.format_bytes(plan.size_bytes)}? [y/N] ")
    except EOFError:
        answer = ""
    return answer.strip().lower() in ("y", "yes")


def _ranges(numbers: tuple[int, ...]) -> str:
    """`1–4, 7`."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1] = [parts[-1][0], number]
        else:
            parts.append([number])
    return ", ".join("–".join(map(str, part)) for part in parts)
