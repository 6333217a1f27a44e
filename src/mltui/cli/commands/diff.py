"""`mltui diff`: runs side by side, what is different and what is the same."""

from __future__ import annotations

import argparse
import csv
import io
from pathlib import Path
from typing import Any

from mltui.cli import diagnostics
from mltui.cli.output import Output
from mltui.cli.table import Column, layout
from mltui.errors import UsageError
from mltui.logs.sanitize import safe
from mltui.runs.compare import SECTIONS, Comparison, Row, cell, compare
from mltui.runs.project import Project

EPILOG = """\
examples:
  mltui diff 12 14                 what is different between them
  mltui diff 12 13 14 --all        also what is the same
  mltui diff 12 14 --only metrics,params
  mltui diff 12 14 -o md           for a report; also csv and json

Of a loop the accepted round counts. `best` marks the best of a metric that a gate judges.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("runs", nargs="+", type=int, metavar="RUN", help="two runs or more")
    parser.add_argument("--all", action="store_true", help="also what is the same in all of them")
    parser.add_argument("--only", metavar="SECTIONS", help=", ".join(SECTIONS))
    parser.add_argument(
        "-o", dest="output", choices=["json", "csv", "md"], help="one JSON value, CSV or Markdown"
    )


def run(args: argparse.Namespace, out: Output) -> int:
    """Compare them."""
    project = Project.find(Path.cwd())
    wanted = args.only.split(",") if args.only else list(SECTIONS)
    for name in wanted:
        if name not in SECTIONS:
            raise UsageError(f"--only {name}: there is {', '.join(SECTIONS)}")
    found = compare(project, args.runs)
    rows = [
        row
        for row in found.rows
        if row.section in wanted and (args.all or args.output == "json" or not row.is_same)
    ]
    if args.output == "json":
        out.json(comparison_object(found, rows))
    elif args.output == "csv":
        out.raw(_csv(found, rows).encode())
    elif args.output == "md":
        for line in _markdown(found, rows):
            out.line(line)
    else:
        _print(found, rows, out)
    return diagnostics.DONE


def comparison_object(found: Comparison, rows: list[Row]) -> dict[str, Any]:
    """For scripts."""
    return {
        "runs": [run.number for run in found.runs],
        "rows": [
            {
                "section": row.section,
                "name": row.name,
                "values": list(row.values),
                "same": row.is_same,
                "best": None if row.best is None else found.runs[row.best].number,
                "detail": list(row.detail),
            }
            for row in rows
        ],
    }


def _csv(found: Comparison, rows: list[Row]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["section", "name", *(f"run {run.number}" for run in found.runs), "detail"])
    for row in rows:
        values = ["" if value is None else value for value in row.values]
        writer.writerow([row.section, row.name, *values, "; ".join(row.detail)])
    return text.getvalue()


def _markdown(found: Comparison, rows: list[Row]) -> list[str]:
    heads = ["", *(f"run {run.number}" for run in found.runs), "changed"]
    lines = [_cells(heads), _cells(["---"] * len(heads))]
    for row in rows:
        shown = [cell(row, place) for place in range(len(found.runs))]
        lines.append(_cells([f"{row.section}: {row.name}", *shown, ", ".join(row.detail)]))
    return lines


def _cells(texts: list[str]) -> str:
    return "| " + " | ".join(text.replace("|", "\\|") for text in texts) + " |"


def _print(found: Comparison, rows: list[Row], out: Output) -> None:
    if not rows:
        numbers = " and ".join(str(run.number) for run in found.runs)
        diagnostics.note(f"runs {numbers} are the same in all that is compared")
        return
    columns = [
        Column("WHAT"),
        *(Column(f"RUN {run.number}") for run in found.runs),
        Column("CHANGED"),
    ]
    table: list[tuple[str, ...]] = []
    section = ""
    heads = set()
    for row in rows:
        if row.section != section:
            section = row.section
            heads.add(len(table))
            table.append((section.upper(), *("" for _ in found.runs), ""))
        cells = [out.say(safe(cell(row, n))) for n in range(len(found.runs))]
        table.append((f"  {row.name}", *cells, out.say(safe(_detail(row)))))

    def paint(number: int, column: str, text: str) -> str:
        if number < 0 or (number in heads and column == "WHAT"):
            return out.paint(text, "dim")
        return out.paint(text, "good") if text.rstrip().endswith(" best") else text

    width = out.width
    for line in layout(columns, table, width=width, paint=paint if out.has_colour else None):
        out.line(line)


def _detail(row: Row) -> str:
    shown = ", ".join(row.detail[:3])
    return shown + (f" and {len(row.detail) - 3} more" if len(row.detail) > 3 else "")
