"""`mltui` alone: the workbench on the project here; without a terminal, the stages as a table.

Where there is no project, the workbench begins with what runs on the cluster or the Docker host.
"""

from __future__ import annotations

import sys
from pathlib import Path

from mltui.cli import diagnostics, listing
from mltui.cli.output import Output, is_terminal
from mltui.errors import UsageError


def run(out: Output) -> int:
    """Open the app, or say how things stand where there is no screen to open it on."""
    has_screen = out.is_terminal and is_terminal(sys.stdin)
    try:
        root = listing.find_root()
    except UsageError:
        if not has_screen:
            raise
        from mltui.app.main import HOSTS, run_app

        return run_app(Path.cwd(), opens=HOSTS)
    if has_screen:
        from mltui.app.main import run_app

        return run_app(Path(root))
    from mltui.cli.commands.ls import list_stages

    diagnostics.note("no terminal here for the workbench: this is `mltui ls stages`")
    with listing.Listing(root) as journal:
        list_stages(journal, None, False, out)
    return diagnostics.DONE
