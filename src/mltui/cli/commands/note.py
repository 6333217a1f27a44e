"""`mltui note`: what a person has to say of a run, and tags to find it by."""

from __future__ import annotations

import argparse
import re
from contextlib import closing
from pathlib import Path

from mltui.cli import diagnostics
from mltui.cli.choose import choose_run
from mltui.cli.output import Output
from mltui.errors import UsageError
from mltui.runs.project import Project
from mltui.runs.rows import Note

EPILOG = """\
examples:
  mltui note 12 "the wider kernel, on the new scans"
  mltui note 12 --tag baseline --tag paper
  mltui note 12 --untag paper
  mltui note 12                    what was said

`mltui table` shows both, and `mltui table --tag baseline` only these runs.
"""
_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_MAX_CHARS = 2_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("run", type=int, metavar="RUN", help="the run's number")
    parser.add_argument("text", nargs="?", metavar="TEXT", help="the note; empty removes it")
    parser.add_argument(
        "--tag", action="append", default=[], metavar="TAG", help="add a tag (repeatable)"
    )
    parser.add_argument(
        "--untag", action="append", default=[], metavar="TAG", help="remove a tag (repeatable)"
    )


def run(args: argparse.Namespace, out: Output) -> int:
    """Keep it, or say what was kept."""
    project = Project.find(Path.cwd())
    for tag in args.tag:
        if not _TAG.fullmatch(tag):
            raise UsageError(f"--tag {tag}: letters, digits, `.`, `_` and `-`, at most 40")
    if args.text is not None and len(args.text) > _MAX_CHARS:
        raise UsageError(f"this note is longer than {_MAX_CHARS:,} characters")
    is_change = args.text is not None or args.tag or args.untag
    with closing(project.journal(write=bool(is_change))) as journal:
        number = choose_run(journal, args.run).number
        note = journal.notes().get(number, Note())
        if is_change:
            tags = dict.fromkeys([*note.tags, *args.tag])
            kept = tuple(tag for tag in tags if tag not in args.untag)
            note = Note(note.text if args.text is None else args.text.strip(), kept)
            journal.put_note(number, note)
    out.line(f"run {number}  {_said(note)}")
    return diagnostics.DONE


def _said(note: Note) -> str:
    tags = " ".join(f"[{tag}]" for tag in note.tags)
    return "  ".join(filter(None, (tags, note.text))) or "nothing was said of it"
