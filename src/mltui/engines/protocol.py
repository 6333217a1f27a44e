"""The seam between the runner and whatever runs a stage: processes, Docker, Kubernetes.

The runner makes an attempt's folder and working folder, fills in inputs and code, then hands an
`Attempt` to an engine. All methods are coroutines and never block the loop for long. An engine
that can't reach its other side raises `Unreachable`; the runner shows the stage as *unknown* and
asks again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from mltui.pipeline.rows import Usage
from mltui.spec.model import Environment, Resources

FACTS = "container.json"
"""In an attempt's folder, where it ran in a container: see `mltui.runs.containers`."""


@dataclass(frozen=True, slots=True)
class Built:
    """An environment that is ready to be used."""

    key: str
    """Names the build's inputs: requirements, interpreter, platform; or Dockerfile, context."""
    resolved: str
    """What was really installed, one `name==version` a line, or an image digest: the text whose
    hash is the environment part of a cache key."""
    location: str
    """Folder of the virtual environment, or the image's digest."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """Everything an engine needs to run one attempt. Paths are absolute."""

    name: str
    """Unique on the engine, from project, run, stage, round, attempt; the same after a crash."""
    labels: Mapping[str, str]
    argv: tuple[str, ...]
    env: Mapping[str, str]
    """`MLTUI_…` and the environment's own variables; the engine adds what its side needs."""
    folder: Path
    """The attempt's own folder: `log`, `metrics`, and what the engine keeps there."""
    work: Path
    """The fresh working folder: code and inputs are in it, outputs appear in it."""
    built: Built | None
    resources: Resources = field(default_factory=Resources)
    network: bool = False
    outputs: tuple[str, ...] = ()
    """Paths in the working folder that the stage declares (a folder's may end in a slash): what an
    engine whose stages run elsewhere brings back into `work`, beside the metrics file."""
    secrets: Path | None = None
    """Folder with a file for each secret while it runs, apart from `folder`, which stays; None:
    `folder/secrets`."""
    timeout_s: float | None = None
    """The runner ends it after so long; an engine may see to it that it ends without a runner."""
    told: Callable[[str], None] | None = field(default=None, compare=False)
    """Hears, while it is waited for, what a started attempt still waits for; then an empty text."""
    port: int | None = None
    """The port it listens on where it has a network of its own: to be made reachable from here."""
    shared: Path | None = None
    """A folder of this machine that it writes to as it goes, where its files are apart."""

    @property
    def log(self) -> Path:
        """Where standard output and error go, byte for byte."""
        return self.folder / "log"


class Stopped(StrEnum):
    """Why an attempt's object is no longer there, where the engine knows."""

    EXITED = "exited"
    SIGNALLED = "signalled"
    OUT_OF_MEMORY = "out-of-memory"
    LOST = "lost"
    """It vanished without an exit code: the machine restarted, somebody removed it."""
    REFUSED = "refused"
    """The engine would not run it as it is: no such image, not admitted. No retry helps."""
    DEADLINE = "deadline"
    """The engine ended it because its time was up."""


@dataclass(frozen=True, slots=True)
class Exit:
    """How an attempt ended."""

    how: Stopped
    code: int | None = None
    """Exit code; 128 + signal when a signal ended it."""
    usage: Usage = field(default_factory=Usage)
    message: str = ""
    """What is known of it beyond the code, a sentence; always there for `LOST`, `REFUSED`."""


@dataclass(frozen=True, slots=True)
class View:
    """How an attempt's places are named where its command runs, without a final slash.

    Every path that is put into a command or a variable is made from these: in a container the
    working folder is elsewhere than on this machine. They follow from the attempt's folders alone,
    so that a runner after a crash describes the same attempt.
    """

    work: str
    """The working folder: `{work}/inputs/…`, `{work}/OUTPUT`."""
    metrics: str
    """The file that the stage writes its metrics to; on this machine `folder/metrics`."""
    secrets: str
    """The folder with a file for each secret; on this machine `folder/secrets`."""


class Engine(Protocol):
    """What runs stages."""

    name: str

    async def built(self, environment: Environment, project: Path) -> Built | None:
        """The environment as it was built before, or None when `build` is needed."""
        ...

    def build_key(self, environment: Environment, project: Path) -> str:
        """Identity of the build this environment needs now; equal keys share one build.

        BuildFailed when, say, the requirements file is missing.
        """
        ...

    async def build(self, environment: Environment, project: Path, log: Path) -> Built:
        """Build it, once even when several ask; output goes to `log` as it comes.

        BuildFailed when the tool says no.
        """
        ...

    async def start(self, attempt: Attempt) -> str:
        """Start it and return its object's identity. StartFailed when it can't even begin."""
        ...

    async def find(self, attempt: Attempt) -> str | None:
        """After a crash: the object of an attempt whose start was intended.

        None promises that it never started and never will.
        """
        ...

    async def wait(self, attempt: Attempt, obj: str) -> Exit:
        """Wait until it ended, also when another process started it; outputs are in `work`."""
        ...

    async def stop(self, attempt: Attempt, obj: str, grace_s: float) -> None:
        """Ask it to end, then make it end; returns when nothing of it is left."""
        ...

    async def remove(self, attempt: Attempt, obj: str | None) -> None:
        """Clean up after its log and outputs were kept."""
        ...


def view_of(engine: object, folder: Path, work: Path) -> View:
    """What the stage sees of an attempt's `folder` and `work` on this engine.

    An engine without a `view` runs stages on this machine, where they are called what they are.
    """
    view = getattr(engine, "view", None)
    if view is not None:
        seen = view(folder, work)
        assert isinstance(seen, View)
        return seen
    return View(str(work), str(folder / "metrics"), str(folder / "secrets"))


def keep_facts(folder: Path, facts: Mapping[str, Any]) -> None:
    """Note them; what can't be written is only not shown."""
    with suppress(OSError):
        (folder / FACTS).write_text(json.dumps(facts), encoding="utf-8")


def read_facts(folder: Path) -> dict[str, Any]:
    """What the engine noted of an attempt's container (`FACTS`); nothing where there is none."""
    try:
        found = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
