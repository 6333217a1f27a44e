"""Text for the person's clipboard, through whatever stands between: SSH, tmux, both.

OSC 52 reaches the terminal over SSH. tmux ignores it from programs unless told otherwise, so there
its own command is asked as well, which hands the text on to the terminal outside. Where tmux is on
the near side of SSH and may pass sequences through (`allow-passthrough`), one is sent so.
"""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
from typing import Any

from textual.app import App

MAX_CHARS = 1_000_000
"""More is not copied: terminals refuse it, some of them silently."""


def _pass_through(app: App[Any], text: str) -> None:
    """Over SSH from within tmux: let it hand the sequence on, where it is set to do so."""
    driver = app._driver
    if driver is not None:
        data = base64.b64encode(text.encode("utf-8", "replace")).decode("ascii")
        driver.write(f"\x1bPtmux;\x1b\x1b]52;c;{data}\x07\x1b\\")


async def copy(app: App[Any], text: str) -> bool:
    """Copy *text*; False if it is too long for a clipboard."""
    if len(text) > MAX_CHARS:
        return False
    app.copy_to_clipboard(text)
    if os.environ.get("TERM", "").startswith("tmux") and not os.environ.get("TMUX"):
        _pass_through(app, text)
    tmux = shutil.which("tmux") if os.environ.get("TMUX") else None
    if tmux is not None:
        process = await asyncio.create_subprocess_exec(
            tmux, "load-buffer", "-w", "-",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        await process.communicate(text.encode("utf-8", "replace"))
    return True
