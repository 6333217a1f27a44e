"""Makes the pictures of the README from the real app on a real run of the digits sample.

    .venv/bin/python docs/pictures/make.py

Runs the sample in a temporary folder (its environments are kept in the person's cache) and takes
pictures while it trains and when it has failed and ended.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from textual.pilot import Pilot

from mltui.app.app import MltuiApp
from mltui.app.session import Session
from mltui.runs import client
from mltui.runs.project import Project
from mltui.runs.rows import RunRequest

HERE = Path(__file__).parent
SAMPLE = HERE.parents[1] / "sample_projects" / "digits"
SIZES = {"80x24": (80, 24), "160x50": (160, 50), "": (110, 30)}


def has_row(project: Project, run: int, label: str, state: str) -> bool:
    """Whether an instance is in a state."""
    with closing(project.journal()) as journal:
        rows = journal.stages(run)[1]
    return any(row.instance.label == label and row.state == state for row in rows)


def wait_for(project: Project, run: int, label: str, state: str, timeout_s: float = 600) -> None:
    """Poll until an instance is in a state."""
    deadline = time.monotonic() + timeout_s
    while not has_row(project, run, label, state):
        if time.monotonic() > deadline:
            sys.exit(f"{label} never was {state}")
        time.sleep(0.05)


def wait_for_lines(log: Path, count: int, timeout_s: float = 60) -> None:
    """Poll until so much was said."""
    deadline = time.monotonic() + timeout_s
    while not log.exists() or log.read_bytes().count(b"\n") < count:
        if time.monotonic() > deadline:
            sys.exit(f"{log} never had {count} lines")
        time.sleep(0.05)


async def take(project: Project, pictures: dict[str, tuple[str, str]]) -> None:
    """Pictures of one app at each size, after a key, when a text stands there.

    One app, for what they show may be over soon.
    """
    session = Session(project)
    session.open()
    app = MltuiApp(session)
    async with app.run_test(size=SIZES[""]) as pilot:
        await settled(pilot)
        for name, (key, text) in pictures.items():
            if key:
                await pilot.press(key)
            for size_name, size in SIZES.items():
                await pilot.resize_terminal(*size)
                await settled(pilot, text)
                file = HERE / (f"{name}-{size_name}.svg" if size_name else f"{name}.svg")
                file.write_text(app.export_screenshot(title="mltui"), encoding="utf-8")
                print(file.name)
    session.close()


async def settled(pilot: Pilot[int], text: str = "") -> None:
    """What is being read has been read, and this text stands somewhere."""
    app = pilot.app
    assert isinstance(app, MltuiApp)
    await pilot.pause(0.1)
    while app.busy or text not in shown(app):
        await pilot.pause(0.05)


def shown(app: MltuiApp) -> str:
    """The screen as text."""
    strips = app.screen._compositor.render_strips(app.screen.size)
    return "\n".join(strip.text for strip in strips)


def main() -> None:
    """All pictures."""
    root = Path(tempfile.gettempdir()) / "digits"  # a traceback in a picture shows its path
    shutil.rmtree(root, ignore_errors=True)
    try:
        shutil.copytree(SAMPLE, root, ignore=shutil.ignore_patterns(".mltui", "__pycache__"))
        project = Project(root)
        first = client.submit(project, RunRequest()).run
        wait_for(project, first, "evaluate~4", "succeeded")
        again = client.submit(project, RunRequest(overrides={"seed": "3"})).run
        wait_for(project, again, "train~3", "running")
        wait_for_lines(project.run_folder(again) / "train~3.1" / "log", 12)
        asyncio.run(take(project, {"pipeline": ("", "epoch"), "gate": ("g", "● train")}))
        wait_for(project, again, "evaluate~3", "succeeded")
        client.cancel(project, again)
        code = root / "digits" / "evaluate.py"
        text = code.read_text(encoding="utf-8")
        broken = text.replace("def main(", "def main_of(", 1)
        code.write_text(broken, encoding="utf-8")
        failing = client.submit(project, RunRequest()).run
        wait_for(project, failing, "evaluate~1", "failed")
        asyncio.run(take(project, {"failed": ("", "NameError")}))
    finally:
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
