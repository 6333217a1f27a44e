"""The wheel has all that is not code: themes, samples, styles, types, the schema."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHOW = """
from pathlib import Path
import mltui
from mltui.app import theming
from mltui.cli.commands.demo import SAMPLE, find_sample
print(Path(mltui.__file__).parents[1])
print(len(theming.load(theming.folders()[:1])[0]))
print(find_sample(SAMPLE))
"""


@pytest.mark.slow
def test_a_wheel_works_without_the_checkout(tmp_path: Path) -> None:
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
    build = subprocess.run(
        [*pip, "wheel", "--no-deps", "--wheel-dir", tmp_path, ROOT], capture_output=True, text=True
    )
    if "Could not find a version" in build.stderr:
        pytest.skip("no package index here for the build backend (hatchling)")
    assert build.returncode == 0, build.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"mltui/py.typed", "mltui/app/app.tcss", "mltui/spec/mltui.schema.json"} <= names
    assert not [name for name in names if "__pycache__" in name or "/.mltui/" in name]
    lib = tmp_path / "lib"
    subprocess.run([*pip, "install", "--no-deps", "--target", lib, wheel], check=True)
    env = {**os.environ, "PYTHONPATH": str(lib)}
    done = subprocess.run(
        [sys.executable, "-c", SHOW], cwd=tmp_path, env=env, text=True, capture_output=True
    )
    where, themes, sample = done.stdout.split()
    assert where == str(lib) and int(themes) >= 5 and sample.startswith(str(lib)), done.stderr
