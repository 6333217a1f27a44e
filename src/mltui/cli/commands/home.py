"""`mltui` alone: the workbench on the project here; without a terminal, the stages as a table."""

from __future__ import annotations

import sys
from pathlib import Path

from mltui.cli import diagnostics, listing
from mltui.cli.output import Output, is_terminal


def run(out: Output) -> int:
    """Open the app, or say how things stand where there is no screen to open it on."""
    root = listing.find_root()
    if out.is_terminal and is_terminal(sys.stdin):
        from mltui.app.main import run_app

        return run_app(Path(root))
    from mltui.cli.commands.ls import list_stages

    diagnostics.note("no terminal here for the workbench: this is `mltui ls stages`")
    with listing.Listing(root) as journal:
        list_stages(journal, None, False, out)
    return diagnostics.DONE
