"""The workflows run the Makefile's targets, and those that they name are there."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def test_each_step_is_an_action_or_a_target_of_the_makefile() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M)
    files = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    assert len(files) == 2
    for file in files:
        for name, job in yaml.safe_load(file.read_text())["jobs"].items():
            for step in job["steps"]:
                if "uses" in step:
                    assert re.fullmatch(r"[\w./-]+@[\w./-]+", step["uses"]), (file.name, name)
                elif (command := step["run"].split())[0] == "make":
                    assert set(command[1:]) <= set(targets), (file.name, name, command)
                else:
                    assert command[0] in ("docker", "git"), (file.name, name, command)
                    folders = [word for word in command if word.startswith("tests/")]
                    assert all((ROOT / folder / "Dockerfile").is_file() for folder in folders)
