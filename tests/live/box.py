"""Things that tests make on a Docker host: quickly, through the API, each with the tests' label."""

from __future__ import annotations

import asyncio
import io
import tarfile
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from mltui.errors import MltuiError
from mltui.live.daemon import Daemon

LABEL = "mltui.test"
SOON_S = 180.0
"""Events come in milliseconds; the rest is for machines that are busy with other tests."""


class Box:
    """A daemon, past any relay, and what a test made there."""

    def __init__(self, daemon: Daemon, label: str, image: str) -> None:
        self.daemon, self.label, self.image = daemon, label, image
        self.prefix = f"live-{uuid.uuid4().hex[:8]}"
        self.made: list[str] = []
        """Names of containers."""

    def name(self, name: str) -> str:
        """A name that no other test has."""
        return f"{self.prefix}-{name}"

    async def create(self, name: str, *command: str, **body: Any) -> str:
        """A container's id. `body` is the API's; Labels are added to."""
        labels = {LABEL: self.label, **body.pop("Labels", {})}
        made: dict[str, Any] = {
            "Image": self.image,
            "Cmd": list(command) or ["sleep", "600"],
            "Labels": labels,
        }
        host = {"NetworkMode": "none", **body.pop("HostConfig", {})}
        full = self.name(name)
        made |= {"HostConfig": host, "StopTimeout": 0, **body}
        found = await self.daemon.post("/containers/create", {"name": full}, made)
        self.made.append(str(found["Id"]))
        return str(found["Id"])

    async def run(self, name: str, *command: str, **body: Any) -> str:
        """The same, started."""
        key = await self.create(name, *command, **body)
        await self.start(key)
        return key

    async def start(self, key: str) -> None:
        await self.daemon.post(f"/containers/{key}/start")

    async def signal(self, key: str, name: str) -> None:
        await self.daemon.post(f"/containers/{key}/kill", {"signal": name})

    async def remove(self, key: str) -> None:
        await self.daemon.delete(f"/containers/{key}", {"force": "1", "v": "1"})

    async def volume(self, name: str) -> str:
        full = self.name(name)
        await self.daemon.post("/volumes/create", None, {"Name": full, "Labels": self.labels})
        return full

    async def network(self, name: str) -> str:
        body = {"Name": self.name(name), "Labels": self.labels, "Internal": True}
        return str((await self.daemon.post("/networks/create", None, body))["Id"])

    async def imported(self, name: str) -> str:
        """A tiny image, other ones each time; its id."""
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w") as tar:
            info = tarfile.TarInfo("mark")
            content = uuid.uuid4().hex.encode()
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        query = {"fromSrc": "-", "repo": self.name(name), "tag": "1"}
        async with self.daemon.client.stream(
            "POST", "/images/create", query, data.getvalue()
        ) as response:
            await response.read()
        return str((await self.daemon.get(f"/images/{self.name(name)}:1/json"))["Id"])

    @property
    def labels(self) -> dict[str, str]:
        return {LABEL: self.label}

    async def clear(self) -> None:
        """Remove all that this test made."""
        for key in self.made:
            with suppress(MltuiError):
                await self.remove(key)
        filters = {"label": [f"{LABEL}={self.label}"]}
        for network in await self.daemon.get("/networks", {"filters": filters}):
            with suppress(MltuiError):
                await self.daemon.delete(f"/networks/{network['Id']}")
        volumes = await self.daemon.get("/volumes", {"filters": filters})
        for volume in volumes.get("Volumes") or ():
            with suppress(MltuiError):
                await self.daemon.delete(f"/volumes/{volume['Name']}", {"force": "1"})
        images = await self.daemon.get("/images/json")
        for image in images:
            for name in image.get("RepoTags") or ():
                if name.startswith(self.prefix):
                    with suppress(MltuiError):
                        await self.daemon.delete(f"/images/{name}", {"force": "1"})


def waiting(before: str, *after: str) -> tuple[str, ...]:
    """A command that goes on with each part of `after` at a SIGUSR1 of its own."""
    wait = "until [ $n -lt $got ]; do sleep 0.05; done; n=$((n + 1)); "
    steps = "".join(f"{wait}{each}; " for each in after)
    return ("sh", "-c", f"got=0; n=0; trap 'got=$((got + 1))' USR1; {before}; {steps}")


async def soon(is_so: Callable[[], bool], within_s: float = SOON_S) -> None:
    """Wait until something is so."""
    try:
        async with asyncio.timeout(within_s):
            while not is_so():  # noqa: ASYNC110 - the outside world is looked at
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"not so within {within_s}s") from None
