"""A notice to the person when a run ends or waits: bell, OSC 9, or a command of their own.

`MLTUI_NOTIFY` is split as a shell would and run without one; it finds MLTUI_RUN, MLTUI_STATE and
MLTUI_REASON in its environment.
"""

from __future__ import annotations

import asyncio
import os
import shlex
from collections.abc import Mapping

from mltui.pipeline.rows import State
from mltui.runs.rows import RunRow

TIMEOUT_S = 30.0


def sentence(project: str, run: RunRow) -> str:
    """`digits: run 14 failed (train: out of memory)`."""
    from mltui.logs.sanitize import safe

    words = "waits for a decision" if run.state is State.PAUSED else run.state.value
    reason = f" ({run.reason})" if run.reason else ""
    return safe(f"{project}: run {run.number} {words}{reason}", limit=200)


def sequence(text: str) -> str:
    """Bell and OSC 9, which terminals show as a desktop notice."""
    return f"\x07\x1b]9;{text}\x07"


async def command(run: RunRow, environ: Mapping[str, str] = os.environ) -> str | None:
    """Run the person's command, if there is one; why it could not, or None."""
    text = environ.get("MLTUI_NOTIFY", "").strip()
    if not text:
        return None
    try:
        argv = shlex.split(text)
    except ValueError as error:
        return f"MLTUI_NOTIFY can't be read: {error}"
    env = {
        **environ,
        "MLTUI_RUN": str(run.number),
        "MLTUI_STATE": run.state.value,
        "MLTUI_REASON": run.reason,
    }
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            env=env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError as error:
        return f"MLTUI_NOTIFY: {argv[0]}: {error.strerror}"
    try:
        await asyncio.wait_for(process.wait(), TIMEOUT_S)
    except TimeoutError:
        process.kill()
        await process.wait()
        return f"MLTUI_NOTIFY took longer than {TIMEOUT_S:.0f} s and was ended"
    return None
