"""Starts one attempt and stays, to be killed: what a runner that dies leaves behind.

Run by `test_adoption` as `starter.py ENGINE ROOT FOLDER SHELL kept|not`; prints the object's
identity.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from mltui.engines.process import ProcessEngine
from mltui.engines.protocol import Attempt, Engine

ENGINES = {"process": lambda root: ProcessEngine(root / "cache")}


async def main(name: str, root: str, folder: str, shell: str, is_kept: str) -> None:
    """Start it, say so, wait for the kill."""
    engine: Engine = ENGINES[name](Path(root))
    if is_kept == "kept":
        assert isinstance(engine, ProcessEngine) and await engine.keep()
    argv = ("sh", "-eu", "-c", shell)
    at = Path(folder)
    print(await engine.start(Attempt(f"t-{at.name}", {}, argv, {}, at, at / "work", None)))
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
