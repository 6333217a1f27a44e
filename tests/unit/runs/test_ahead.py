"""The working folder of the attempt that is next in line is filled while another one runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

from mltui.pipeline.model import StageRow, State
from mltui.runs.project import Project
from mltui.runs.rows import RunRequest
from mltui.runs.runner import Runner

TEXT = """\
mltui: 1
name: ahead
code: []
stages:
  one: {phase: data, run: "while [ ! -e GO ]; do sleep 0.02; done"}
  two:
    phase: data
    inputs: {raw: ./raw.txt}
    outputs: {x: x.txt}
    run: ls > ${outputs.x}; cat ${inputs.raw} >> ${outputs.x}
"""


class Busy:
    """A run of one attempt at a time, whose first stage runs until it is let go."""

    def __init__(self, root: Path) -> None:
        self.go = root / "go"
        (root / "raw.txt").write_text("raw\n")
        (root / "mltui.yaml").write_text(TEXT.replace("GO", str(self.go)))
        self.project = Project(root)
        self.project.prepare()

    @property
    def filled(self) -> Path:
        """The input that the second stage finds in its working folder."""
        return self.project.work_folder(1) / "two.1" / "inputs" / "raw.txt"

    def rows(self) -> dict[str, StageRow]:
        with closing(self.project.journal()) as journal:
            return {row.stage: row for row in journal.stages(1)[1]}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Leaves when the run is over."""
        with closing(self.project.journal(write=True)) as journal:
            journal.queue_run(RunRequest(jobs=1), time.time())
            serving = asyncio.create_task(Runner(self.project, journal).serve())
            try:
                await until(lambda: serving.done() or self.filled.exists())
                yield
            finally:
                self.go.touch()
                await asyncio.wait_for(serving, 60)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not is_so():  # noqa: ASYNC110 - files are not events
            await asyncio.sleep(0.01)


async def test_the_next_is_filled_but_not_begun(tmp_path: Path) -> None:
    busy = Busy(tmp_path)
    left = busy.project.work_folder(1) / "two.1" / "left"
    left.mkdir(parents=True)  # by a runner that died
    async with busy.running():
        assert busy.rows()["one"].state is State.RUNNING
        assert busy.rows()["two"].state is State.READY
        assert busy.filled.read_text() == "raw\n"
        assert not (busy.project.run_folder(1) / "two.1").exists(), "nobody has begun it"
    two = busy.rows()["two"]
    assert two.state is State.SUCCEEDED
    made = busy.project.store().read_bytes(two.outputs["x"].digest)
    assert made == b"inputs\nx.txt\nraw\n"
    assert not busy.project.work_folder(1).exists()


async def test_nothing_is_left_of_one_that_does_not_begin(tmp_path: Path) -> None:
    busy = Busy(tmp_path)
    async with busy.running():
        with closing(busy.project.journal(write=True)) as journal:
            journal.ask(1, "cancel", {}, "somebody", time.time())
        await until(lambda: busy.rows()["two"].state is State.CANCELLED)
    assert busy.rows()["one"].state is State.CANCELLED
    assert not busy.filled.parent.parent.exists()
