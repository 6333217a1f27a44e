"""`mltui explain`: why a stage ran or was taken from the cache, part by part of its key."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path
from typing import Any

from mltui import text
from mltui.cli import diagnostics, listing
from mltui.cli.choose import choose_newest, choose_run
from mltui.cli.output import Output
from mltui.pipeline.rows import StageRow
from mltui.runs.containers import Container, read_container
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
    container = read_container(project, row)
    if args.output == "json":
        out.json(explanation_object(row, found) | {"container": container_object(container)})
        return diagnostics.DONE
    out.line(f"{row.instance.label} of run {number}  {out.state(row.state)}")
    for line in (*explanation_lines(found), *container_lines(container)):
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


def container_object(found: Container | None) -> dict[str, Any] | None:
    """The same for what it ran in; None where that was no container."""
    if found is None:
        return None
    return {
        "id": found.id,
        "name": found.name,
        "image": found.image,
        "image_size": found.image_bytes,
        "started_at": listing.timestamp(found.started_at),
        "start_time": found.start_s,
    }


def container_lines(found: Container | None) -> list[str]:
    """`container 82259029f430: started in 0.4s, image 341 MB`."""
    if found is None:
        return []
    said = [f"started in {text.format_duration(found.start_s)}"] if found.start_s else []
    said += [f"image {text.format_bytes(found.image_bytes)}"] if found.image_bytes else []
    return [f"container {found.id[:12]}: {', '.join(said)}"]


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
