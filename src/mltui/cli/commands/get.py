"""`mltui get`: a stage's output, copied out of the store to where it is wanted."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from mltui import text
from mltui.cli import diagnostics
from mltui.cli.choose import choose_rows, choose_run, read_label
from mltui.cli.output import Output
from mltui.errors import UsageError
from mltui.pipeline.model import Artifact, StageRow
from mltui.runs.project import Project
from mltui.runs.readings import Readings
from mltui.spec.spelling import did_you_mean

EPILOG = """\
examples:
  mltui get train.model -o model.joblib
  mltui get train~2.model -o second.joblib     round 2 instead of the accepted one
  mltui get evaluate.report -o -               to standard output
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("output", metavar="STAGE.OUTPUT", help="which output")
    parser.add_argument("-o", dest="path", required=True, metavar="PATH", help="where to; - stdout")
    parser.add_argument("--run", type=int, metavar="N", help="of run N (the newest that has it)")
    parser.add_argument("--force", action="store_true", help="replace what is there")


def run(args: argparse.Namespace, out: Output) -> int:
    """Copy it."""
    stage, dot, name = args.output.rpartition(".")
    if not dot or not stage:
        raise UsageError(f"`{args.output}`: write STAGE.OUTPUT, like `train.model`")
    project = Project.find(Path.cwd())
    with closing(project.journal()) as journal:
        row, rows = _find(journal, args.run, stage)
    found = _artifacts(row, rows, name)
    store = project.store()
    label = f"{row.instance.label}.{name} of run {row.run}"
    if args.path == "-":
        if len(found) != 1 or None not in found or found[None].is_folder:
            raise UsageError(f"{label} is a folder: give it a place with `-o PATH`")
        if out.is_terminal and not args.force:
            raise UsageError("that may be no text: pipe it, or say `--force`")
        with store.path(found[None].digest).open("rb") as file:
            while data := file.read(1 << 20):
                out.raw(data)
        return diagnostics.DONE
    target = _target(args.path, row, name, args.force)
    if None in found:
        store.materialise(found[None], target)
    else:
        store.items({item: one for item, one in found.items() if item is not None}, target)
    size = sum(artifact.size_bytes for artifact in found.values())
    print(f"{label}: {text.format_bytes(size)} in {args.path}", file=sys.stderr)
    return diagnostics.DONE


def _find(journal: Readings, number: int | None, stage: str) -> tuple[StageRow, list[StageRow]]:
    """The row whose output is meant: of the accepted round, else the newest that has one."""
    label = read_label(stage)
    if number is not None:
        candidates = [choose_run(journal, number).number]
    else:
        newest = choose_run(journal, None).number
        candidates = [newest, *(row.number for row in journal.runs() if row.number != newest)]
    for run in candidates:
        _, rows = journal.stages(run)
        if not rows and run != candidates[-1]:
            continue
        try:
            named = choose_rows(rows, label, stage, run)
        except UsageError:
            if run == candidates[-1]:
                raise
            continue
        done = [row for row in named if row.state.is_done]
        wholes = [row for row in done if row.item is None] or done
        accepted = [row for row in wholes if row.accepted]
        if wholes:
            return (accepted or wholes)[-1], rows
    raise UsageError(f"{stage} has no outputs yet" + (f" in run {number}" if number else ""))


def _artifacts(row: StageRow, rows: list[StageRow], name: str) -> Mapping[str | None, Artifact]:
    """The output: one artifact, or one an item."""
    if name in row.outputs:
        return {None: row.outputs[name]}
    items: dict[str | None, Artifact] = {
        other.item: other.outputs[name]
        for other in rows
        if other.stage == row.stage
        and other.path == row.path
        and other.item is not None
        and name in other.outputs
    }
    if items:
        return items
    known = set(row.outputs)
    hint = did_you_mean(name, sorted(known))
    raise UsageError(f"{row.stage} has no output `{name}`" + (f": {hint}" if hint else ""))


def _target(given: str, row: StageRow, name: str, force: bool) -> Path:
    """Where to put it; inside of a folder that is there, under its own name."""
    target = Path(given).absolute()
    if target.is_dir():
        target = target / f"{row.stage}.{name}"
    if target.exists() or target.is_symlink():
        if not force:
            raise UsageError(f"{target} is there already: `--force` replaces it")
        if target.is_dir() and not target.is_symlink():
            raise UsageError(f"{target} is a folder: remove it first")
        target.unlink()
    target.parent.mkdir(parents=True, exist_ok=True)
    return target
