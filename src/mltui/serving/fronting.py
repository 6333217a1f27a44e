"""The supervisor's side of a front: started, found again, told which replicas there are.

Called by the keeper, one for each deployment with a port. The front is an attempt of the process
engine like a replica, whatever the replicas run on: it holds a port of this machine.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mltui.engines.process import ProcessEngine
from mltui.engines.protocol import Attempt
from mltui.errors import MltuiError, StartFailed
from mltui.runs import attempts
from mltui.runs.project import Project
from mltui.serving.front import BACKENDS, CONTROL, PORT_TAKEN, Backend
from mltui.serving.ledger import Ledger
from mltui.serving.replicas import folder_of

HOST = "MLTUI_SERVE_HOST"
"""Variable: which address fronts listen on; without it only this machine."""
_ANSWER_S = 10.0
_GRACE_S = 15.0


class FrontHandle:
    """The front of one deployment, as the supervisor has it."""

    def __init__(
        self, project: Project, ledger: Ledger, engine: ProcessEngine, deployment: str
    ) -> None:
        self._project, self._ledger, self._engine = project, ledger, engine
        self._deployment = deployment
        self._attempt: Attempt | None = None
        self._object: str | None = None
        self._port: int | None = None
        self._told: list[Backend] | None = None
        self._watch: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self.problem = ""
        """Why it can't hold its port; empty when it does."""
        self.is_gone = asyncio.Event()

    @property
    def is_there(self) -> bool:
        """Whether it holds its port."""
        return self._object is not None

    def knows(self, backends: list[Backend]) -> bool:
        """Whether it gives connections to these and to no others."""
        return self.is_there and self._told == sorted(backends)

    def may_give(self, label: str) -> bool:
        """Whether a replica may still get new connections: it was not told otherwise yet."""
        told = self._told
        return self.is_there and (told is None or any(each.name == label for each in told))

    async def ensure(self, port: int, backends: Callable[[], list[Backend]]) -> None:
        """Have a front on this port that knows the replicas of just now.

        StartFailed says why it can't be.
        """
        # One after the other: a list that is older must never be told after a newer one.
        async with self._turn:
            if self._port not in (None, port):
                await self.stop()
            if self._object is None:
                await self._find(port)
            if self._object is None:
                await self._start(port, backends())
            wanted = sorted(backends())
            if self._told != wanted:
                await self._tell(wanted)

    async def _find(self, port: int) -> None:
        """The one that an earlier supervisor started, if it is still there."""
        found = self._ledger.deployment(self._deployment)
        if found is None or not found.front or found.front.get("port") != port:
            return
        attempt = self._describe(int(found.front["number"]), port)
        obj = await self._engine.find(attempt)
        if obj is None:
            return
        self._attempt, self._object, self._port = attempt, obj, port
        try:
            await self._speak({})
        except (OSError, ValueError, TimeoutError):
            await self.stop()
        else:
            self._follow()

    async def _start(self, port: int, backends: list[Backend]) -> None:
        before = self._ledger.deployment(self._deployment)
        number = 1 + int(before.front.get("number", 0)) if before is not None else 1
        attempt = self._describe(number, port)
        attempts.remove_tree(attempt.folder)
        attempt.work.mkdir(parents=True)
        text = json.dumps(backends)
        (attempt.work / BACKENDS).write_text(text, encoding="utf-8")
        self._ledger.set_front(self._deployment, {"number": number, "port": port})
        obj = await self._engine.start(attempt)
        self._attempt, self._object, self._port, self._told = attempt, obj, port, backends
        self._follow()
        until = asyncio.get_running_loop().time() + _ANSWER_S
        while True:
            if self._object is None:
                raise StartFailed(self.problem)
            try:
                await self._speak({})
            except (OSError, ValueError, TimeoutError):
                if asyncio.get_running_loop().time() > until:
                    await self.stop()
                    raise StartFailed(f"its front does not answer: see {attempt.log}") from None
                await asyncio.sleep(0.02)
            else:
                self.problem = ""
                return

    def _describe(self, number: int, port: int) -> Attempt:
        folder = folder_of(self._project, self._deployment) / f"front-{number}"
        host = os.environ.get(HOST) or "127.0.0.1"
        return Attempt(
            name=f"{self._deployment}-front-{number}",
            labels={},
            argv=(sys.executable, "-P", "-m", "mltui.serving.front", host, str(port)),
            env={},
            folder=folder,
            work=folder / "work",
            built=None,
        )

    def _follow(self) -> None:
        self._watch = asyncio.create_task(self._await_end())

    async def _await_end(self) -> None:
        attempt, obj = self._attempt, self._object
        assert attempt is not None and obj is not None
        exit_ = await self._engine.wait(attempt, obj)
        if self._object == obj:
            self.problem = f"its front ended (exit code {exit_.code}): see {attempt.log}"
            if exit_.code == PORT_TAKEN:
                self.problem = (
                    f"port {self._port} is taken by another program: choose another `port`, or "
                    f"`mltui deploy --port N`"
                )
            self._forget()
            self.is_gone.set()

    def _forget(self) -> None:
        self._object = self._attempt = self._told = self._port = None

    async def _tell(self, backends: list[Backend]) -> None:
        try:
            await self._speak({"set": backends})
        except (OSError, ValueError, TimeoutError):
            return  # it is ending, which `_await_end` sees; or it is asked again next turn
        self._told = backends

    async def open_connections(self) -> Mapping[str, int] | None:
        """Replica → connections in flight; None when the front can't say."""
        try:
            answer = await self._speak({})
        except (OSError, ValueError, TimeoutError):
            return None
        found = answer.get("open", {})
        assert isinstance(found, dict)
        return found

    async def _speak(self, message: Mapping[str, Any]) -> dict[str, Any]:
        attempt = self._attempt
        if attempt is None:
            raise ConnectionError("there is no front")
        writer = None
        # The path of a socket may have 108 bytes; that of a project's folder may be longer.
        folder = os.open(attempt.work, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            async with asyncio.timeout(_ANSWER_S):
                reader, writer = await asyncio.open_unix_connection(_short(folder, attempt.work))
                writer.write(json.dumps(message).encode() + b"\n")
                line = await reader.readline()
        finally:
            os.close(folder)
            if writer is not None:
                writer.close()
        answer = json.loads(line)
        if not isinstance(answer, dict):
            raise ValueError("not an object")
        return answer

    async def stop(self) -> None:
        """End it; harmless when there is none. The port is free afterwards."""
        attempt, obj = self._attempt, self._object
        self._forget()
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        if attempt is not None and obj is not None:
            with suppress(MltuiError):
                await self._engine.stop(attempt, obj, _GRACE_S)
                await self._engine.remove(attempt, obj)
            attempts.remove_tree(attempt.work)

    def let_go(self) -> None:
        """Leave it as it is: the supervisor goes."""
        if self._watch is not None:
            self._watch.cancel()


def _short(folder: int, path: Path) -> str:
    inside = f"/proc/self/fd/{folder}/{CONTROL}"
    return inside if Path(f"/proc/self/fd/{folder}").exists() else str(path / CONTROL)
