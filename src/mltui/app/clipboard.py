"""Text for the person's clipboard, through whatever stands between: SSH, tmux, both.

OSC 52 reaches the terminal over SSH. tmux ignores it from programs unless told otherwise, so there
its own command is asked as well, which hands the text on to the terminal outside.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from typing import Any

from textual.app import App

MAX_CHARS = 1_000_000
"""More is not copied: terminals refuse it, some of them silently."""


async def copy(app: App[Any], text: str) -> bool:
    """Copy *text*; False if it is too long for a clipboard."""
    if len(text) > MAX_CHARS:
        return False
    app.copy_to_clipboard(text)
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
