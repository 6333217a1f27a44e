"""An attempt at work, and the folders that are filled before it starts.

Called by `executing`: what touches many files is here, so that it can be done in a thread.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from mltui.engines.protocol import Attempt, Engine
from mltui.errors import StoreError
from mltui.pipeline.model import InputValue
from mltui.pipeline.rows import Instance
from mltui.runs import attempts, secretfiles
from mltui.runs.attempts import Place
from mltui.runs.code import materialise_code
from mltui.runs.context import Context
from mltui.runs.inputfiles import FOLDER
from mltui.runs.planning import NO_CODE, Blueprint
from mltui.spec.model import FailureClass, Stage

SMALL_BYTES = 1 << 20
"""Work on fewer bytes is done on the loop: a thread costs more than it saves."""


@dataclass(slots=True, eq=False)
class Live:
    """An attempt that may exist outside. `ending`: why we end it, None if we don't."""

    instance: Instance
    number: int
    blueprint: Blueprint
    engine: Engine
    place: Place
    attempt: Attempt | None = None
    obj: str | None = None
    ending: FailureClass | None = None
    is_unknown: bool = False
    waits_for: str = ""
    """What its engine lacks to run it."""
    inputs: Mapping[str, InputValue] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    bytes_in: int = 0
    """About so much was copied into its working folder; 0 for one that was taken over."""
    since: float = field(default_factory=time.time)
    timer: asyncio.TimerHandle | None = None
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def is_ending(self) -> bool:
        """Somebody, or its timeout, wants it to end."""
        return self.ending is not None

    @property
    def stage(self) -> Stage:
        """Its stage, as it was when it started."""
        return self.blueprint.stage(self.instance.stage)


def weight(context: Context, live: Live) -> int:
    """Bytes to copy into the working folder, about."""
    total = live.blueprint.code_bytes.get(live.stage.name, 0)
    for name, value in live.inputs.items():
        if value.artifact is not None:
            total += value.artifact.size_bytes
        elif value.items is not None:
            total += sum(artifact.size_bytes for artifact in value.items.values())
        else:
            total += _file_bytes(context, live.digests.get(name, ""))
    return total


def _file_bytes(context: Context, digest: str) -> int:
    """The size of a project file that is kept; of a folder it is not looked for."""
    if digest.startswith(FOLDER):
        return SMALL_BYTES + 1
    try:
        return context.store.path(digest).stat().st_size
    except (OSError, StoreError):
        return 0


def lay_out(context: Context, live: Live) -> None:
    """Make and fill the folders. Runs in a thread when there is much to copy."""
    stage, place = live.stage, live.place
    if live.number > 1:
        before = attempts.place_of(context.project, context.run, live.instance, live.number - 1)
        attempts.remove_tree(before.work)
    attempts.make_folders(place)
    code = live.blueprint.code[stage.name]
    if code != NO_CODE:
        materialise_code(code, place.work, context.store)
    attempts.put_inputs(
        context.store, live.blueprint.spec, stage, live.inputs, live.digests, place.work
    )
    attempts.make_output_parents(place, stage)
    if stage.secrets:
        attempts.remove_tree(place.secrets)
        root = context.project.root
        values = secretfiles.read_secrets(live.blueprint.spec, stage.secrets, root, os.environ)
        secretfiles.write_secrets(values, place.secrets)
