"""`mltui explain`: why a stage ran or was taken from the cache, part by part of its key."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path
from typing import Any

from mltui.cli import diagnostics
from mltui.cli.choose import choose_newest, choose_run
from mltui.cli.output import Output
from mltui.pipeline.rows import StageRow
from mltui.runs.explain import Explanation, explain
from mltui.runs.project import Project

EPILOG = """\
examples:
  mltui explain train
  mltui explain train~2 --run 12
  mltui explain 'translate[en-es]' -o json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("stage", metavar="STAGE[~ROUND]", help="which one")
    parser.add_argument("--run", type=int, metavar="N", help="in run N (the newest)")
    parser.add_argument("-o", dest="output", choices=["json"], help="one JSON value")


def run(args: argparse.Namespace, out: Output) -> int:
    """Say it."""
    project = Project.find(Path.cwd())
    with closing(project.journal()) as journal:
        number = choose_run(journal, args.run).number
        _, rows = journal.stages(number)
    row = choose_newest(rows, args.stage, number)
    found = explain(project, number, row.instance)
    if args.output == "json":
        out.json(explanation_object(row, found))
        return diagnostics.DONE
    out.line(f"{row.instance.label} of run {number}  {out.state(row.state)}")
    for line in explanation_lines(found):
        out.line(out.say(f"  {line}"))
    return diagnostics.DONE


def explanation_object(row: StageRow, found: Explanation) -> dict[str, Any]:
    """As `-o json` gives it."""
    return {
        "run": row.run,
        "stage": row.stage,
        "item": row.item,
        "round": row.round,
        "round_path": list(row.path),
        "cached": found.cached,
        "because": [
            {
                "part": change.part,
                "from": change.before,
                "to": change.after,
                "detail": list(change.detail),
            }
            for change in found.because
        ],
        "note": found.note,
        "compared": found.compared,
        "stale": found.stale,
        "remarks": list(found.remarks),
    }


def explanation_lines(found: Explanation) -> list[str]:
    """As people read it."""
    lines = [found.note] if found.note else []
    if found.stale:
        lines.append(f"kept by a retry, though its key would differ now: {found.stale}")
    if found.because:
        lines.append(f"compared with {found.compared}:")
        width = max(len(change.part) for change in found.because)
        for change in found.because:
            before = _short(change.before)
            lines.append(f"  {change.part.ljust(width)}  {before} → {_short(change.after)}")
            lines += [f"  {' ' * width}  {detail}" for detail in change.detail]
    return lines + [f"note: {remark}" for remark in found.remarks]


def _short(value: str | None) -> str:
    """A part's value on one line."""
    if value is None:
        return "none"
    line = " ".join(value.split())
    return line if len(line) <= 120 else f"{line[:119]}…"
