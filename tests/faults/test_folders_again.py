"""A working folder is used again only when nothing and nobody of the attempt before is in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mltui.pipeline.model import Instance, State
from mltui.runs.rows import RunRequest

from .harness import World, check_consistent

LINKS = 8
LOOK = "ls -A . inputs | tr '\\n' ' '; cat ${inputs.x} >/dev/null"
LEAVE = {
    "nothing": ":",
    "a file": "echo mine > left-behind",
    "a hidden input": "echo mine > inputs/.left-behind",
    "its rights": "chmod 777 .",
    "somebody who hides": "env -i setsid sh -c 'sleep 0.1; echo > left-behind' >/dev/null 2>&1 &",
}


def chain(leave: str) -> str:
    lines = ["mltui: 1", "name: again", "code: []", "stages:"]
    for link in range(LINKS):
        source = "./seed.txt" if link == 0 else f"s{link - 1}.y"
        lines += [
            f"  s{link}:",
            "    phase: data",
            f"    inputs: {{x: {source}}}",
            "    outputs: {y: y.txt}",
            "    run: |",
            f"      {LOOK}; stat -c %a .",
            f"      echo {link} > ${{outputs.y}}; {leave}",
        ]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("leave", list(LEAVE))
def test_each_stage_finds_its_own_inputs_alone(tmp_path: Path, leave: str) -> None:
    world = World.make(tmp_path, chain(LEAVE[leave]))
    try:
        (world.root / "seed.txt").write_text("seed")
        world.queue(RunRequest(jobs=1))
        assert world.finish() == 0
        assert world.row().state is State.SUCCEEDED, world.row().reason
        said = set()
        for link in range(LINKS):
            attempt = world.project.run_folder(1) / f"{Instance(f's{link}').slug}.1"
            said.add((attempt / "log").read_text())
        assert len(said) == 1, said
        assert "left-behind" not in said.pop()
        if leave != "somebody who hides":  # nobody can tell whose that is
            check_consistent(world)
            assert not list(world.project.work_folder(1).rglob("*"))
    finally:
        world.stop()
