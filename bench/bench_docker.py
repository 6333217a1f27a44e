"""What mltui adds to a container: 50 stages in a row beside the same by hand with `docker`.

By hand means `docker create`, `cp` in, `start -a`, `cp` out, `rm` of the same command in the same
image. Needs a Docker daemon with the image; nothing is pulled.

    python bench/bench_docker.py [--stages 50] [--image debian:bookworm-slim]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import MLTUI, report, timed

COMMAND = "cp /data/line.txt /data/out.txt"


def by_hand(folder: Path, image: str, stages: int) -> float:
    """Seconds for all of them, one after the other."""
    (folder / "line.txt").write_text("a line\n")
    start = time.perf_counter()
    for number in range(stages):
        name = f"mltui-bench-{number}"

        def docker(*argv: str) -> None:
            subprocess.run(["docker", *argv], cwd=folder, check=True, stdout=subprocess.DEVNULL)

        docker("create", "--name", name, "--network", "none", image, "sh", "-c", COMMAND)
        (folder / "data").mkdir(exist_ok=True)
        (folder / "data" / "line.txt").write_bytes((folder / "line.txt").read_bytes())
        docker("cp", "data", f"{name}:/data")
        docker("start", "-a", name)
        docker("cp", f"{name}:/data/out.txt", "line.txt")
        docker("rm", name)
    return time.perf_counter() - start


def project(root: Path, image: str, stages: int) -> None:
    """The same as stages, each reading what the one before wrote."""
    lines = [
        "mltui: 1",
        "name: overhead",
        "code: []",
        f"environments: {{box: {{image: '{image}'}}}}",
        "targets: {local: {engine: docker}}",
        "stages:",
    ]
    (root / "line.txt").write_text("a line\n")
    for number in range(stages):
        source = "./line.txt" if number == 0 else f"s{number - 1}.line"
        lines += [
            f"  s{number}:",
            "    phase: data",
            "    environment: box",
            f"    inputs: {{line: {source}}}",
            f"    outputs: {{line: '{number}.txt'}}",
            "    run: cp ${inputs.line} ${outputs.line}",
        ]
    (root / "mltui.yaml").write_text("\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stages", type=int, default=50)
    parser.add_argument("--image", default="debian:bookworm-slim")
    options = parser.parse_args()
    probe = subprocess.run(["docker", "image", "inspect", options.image], capture_output=True)
    if probe.returncode:
        print(f"  no Docker with the image {options.image}: nothing measured")
        return
    with tempfile.TemporaryDirectory(prefix="mltui-bench-") as folder:
        hand, root = Path(folder) / "hand", Path(folder) / "project"
        hand.mkdir()
        root.mkdir()
        project(root, options.image, options.stages)
        theirs = by_hand(hand, options.image, options.stages)
        ours = timed([*MLTUI, "run", "--jobs", "1"], root)
    print(f"    by hand {theirs:.1f} s, mltui {ours:.1f} s for {options.stages} containers")
    good = report("a stage on Docker beside docker by hand", ours / theirs, 1.5)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
