"""`mltui get`: a stage's output, copied out of the store to where it is wanted."""

from __future__ import annotations

import argparse
from contextlib import closing, suppress
from pathlib import Path

from mltui import text
from mltui.cli import diagnostics
from mltui.cli.choose import choose_rows, choose_run, read_label
from mltui.cli.output import Output
from mltui.errors import UsageError
from mltui.pipeline.rows import StageRow
from mltui.runs.locate import Output as Stored
from mltui.runs.locate import read_output
from mltui.runs.project import Project
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
    project = Project.find(Path.cwd())
    found = find_output(project, args.run, args.output)
    store = project.store()
    row, artifact = found.row, found.artifact
    name = args.output.rpartition(".")[2]
    label = f"{row.instance.label}.{name} of run {row.run}"
    if args.path == "-":
        if artifact is None or artifact.is_folder:
            raise UsageError(f"{label} is a folder: give it a place with `-o PATH`")
        if out.is_terminal and not args.force:
            raise UsageError("that may be no text: pipe it, or say `--force`")
        with store.path(artifact.digest).open("rb") as file:
            while data := file.read(1 << 20):
                out.raw(data)
        return diagnostics.DONE
    target = _target(args.path, row, name, args.force)
    items = found.items or {}
    if artifact is not None:
        store.materialise(artifact, target)
        size = artifact.size_bytes
    else:
        store.items(items, target)
        size = sum(one.size_bytes for one in items.values())
    diagnostics.note(f"{label}: {text.format_bytes(size)} in {args.path}")
    return diagnostics.DONE


def find_output(project: Project, number: int | None, name: str) -> Stored:
    """The output, of the newest run that has it where none was named.

    UsageError with the nearest right spelling when there is none.
    """
    stage, dot, output = name.rpartition(".")
    if not dot or not stage:
        raise UsageError(f"`{name}`: write STAGE.OUTPUT, like `train.model`")
    with closing(project.journal()) as journal:
        newest = choose_run(journal, number).number
        runs = [newest] if number is not None else [row.number for row in journal.runs()]
        for run in runs:
            with suppress(UsageError):
                return read_output(project, run, name)
        _, rows = journal.stages(newest)
    named = choose_rows(rows, read_label(stage), stage, newest)
    known = sorted({known for row in named for known in row.outputs})
    hint = did_you_mean(output, known) if known else f"it is {named[-1].state}"
    raise UsageError(f"{stage} has no output `{output}`: {hint}")


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
