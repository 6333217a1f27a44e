"""Starts one attempt and stays, to be killed: what a runner that dies leaves behind.

Run by `test_docker_crash` with a JSON object on its standard input: address, attempt, how far it
goes (`created`, `claimed`, `started`, `waiting`). Prints the object's identity.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from mltui.engines.docker import DockerEngine
from mltui.engines.docker.client import Client
from mltui.engines.protocol import Attempt, Built


async def main(order: dict[str, Any]) -> None:
    """Go as far as asked, say so, wait for the kill."""
    engine = DockerEngine(environ=order["environ"])
    folder = Path(order["folder"])
    attempt = Attempt(
        order["name"],
        order["labels"],
        tuple(order["argv"]),
        {},
        folder,
        folder / "work",
        Built("", "", order["image"]),
        outputs=tuple(order["outputs"]),
    )
    until = order["until"]
    if until in ("created", "claimed"):
        original = Client.json

        async def stops(self: Client, method: str, path: str, *args: Any, **more: Any) -> Any:
            if path.endswith("/start"):
                if until == "created":
                    (folder / "claim").unlink()  # as if it had not come to claim it
                await halt(path.split("/")[2])
            return await original(self, method, path, *args, **more)

        Client.json = stops  # type: ignore[method-assign]
    obj = await engine.start(attempt)
    if until == "waiting":
        with suppress(TimeoutError):
            await asyncio.wait_for(engine.wait(attempt, obj), 1.5)
    await halt(obj)


async def halt(obj: str) -> None:
    """Say where it is and stay there."""
    print(obj, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(json.load(sys.stdin)))
