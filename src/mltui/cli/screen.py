"""Opens the workbench from a command. Imports Textual, and so is imported only when needed."""

from __future__ import annotations

import os
from pathlib import Path


def open_app(root: Path, run: int | None) -> int:
    """Show the workbench on a project until the person leaves; its exit code."""
    # Read by Textual when it is imported. Over SSH fewer frames are bytes saved.
    remote = "SSH_CONNECTION" in os.environ
    os.environ.setdefault("TEXTUAL_FPS", "15" if remote else "60")
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    if remote:
        os.environ.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")
    from mltui.app.main import run_app

    return run_app(root, run)
