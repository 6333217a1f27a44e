"""The list of containers beside lazydocker and a bare Textual app: time, bytes, processor.

Same daemon, same terminal size, in turn. The containers are really started, of a small command in
an image that is there; the first writes five lines a second. Without lazydocker on PATH its part is
left out.

    python bench/bench_lazydocker.py [--containers 30] [--seconds 30]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import MLTUI, Terminal, best, peer, report, timed

HERE = Path(__file__).parent
SPEC = "mltui: 1\nname: listed\nstages:\n  one: {phase: data, run: 'true'}\n"
LABEL = "mltui.bench=lazydocker"
CHATTY = "while :; do echo a line of some length; sleep 0.2; done"
_CURSOR = "▌".encode()
_SETTLE_S = 15.0
"""Both read what they show of each container first."""
_CALM_S = 100.0
"""Ages of containers that were just started are told in seconds: that is no rest."""


def start(image: str, count: int) -> list[str]:
    """Containers `bench-000` … and so on; their names."""
    names = [f"bench-{number:03}" for number in range(count)]
    for number, name in enumerate(names):
        command = CHATTY if number == 0 else "exec sleep 100000"
        subprocess.run(
            ["docker", "run", "-d", "--name", name, "--label", LABEL, "--network", "none",
             "--stop-timeout", "0", image, "sh", "-c", command],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
    return names


def remove() -> None:
    """Remove what `start` made."""
    found = subprocess.run(
        ["docker", "ps", "-aq", "--filter", f"label={LABEL}"], capture_output=True, text=True
    ).stdout.split()
    if found:
        subprocess.run(["docker", "rm", "-f", *found], stdout=subprocess.DEVNULL, check=False)


def cpu_s(pid: int) -> float:
    """Processor time of a process so far (proc(5), stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def listed(root: Path) -> Terminal:
    """mltui on its list of containers."""
    return Terminal([*MLTUI, "open", "containers"], root)


def time_to_list(root: Path, last: bytes, key: bytes = b"") -> float:
    """Seconds from the start to the last name on the page; with a key, to its answer.

    The key is pressed when the list is there; its answer is the cursor on another line.
    """
    terminal = listed(root)
    took = terminal.until(last)
    if key:
        os.write(terminal.fd, key)
        while terminal.output.count(_CURSOR) < 2 or terminal.output.rindex(_CURSOR) < (
            terminal.output.rindex(b"bench-000")
        ):
            terminal.read(0.05)
        took = time.perf_counter() - terminal.started
    terminal.close()
    return took


def first_paint(root: Path, count: int) -> float:
    """The same of a bare list of as many lines."""
    terminal = Terminal([sys.executable, str(HERE / "bare_list.py"), str(count)], root)
    took = terminal.until(b"evaluate 0")
    terminal.close()
    return took


def steady(terminal: Terminal, seconds: float) -> tuple[float, float]:
    """Bytes a second and processor share while nobody does anything."""
    settled = time.perf_counter() + _SETTLE_S
    while time.perf_counter() < settled:
        terminal.read(0.1)
        terminal.output.clear()
    before, cpu, began = terminal.total, cpu_s(terminal.pid), time.perf_counter()
    while time.perf_counter() - began < seconds:
        terminal.read(0.1)
        terminal.output.clear()
    took = time.perf_counter() - began
    return (terminal.total - before) / took, (cpu_s(terminal.pid) - cpu) / took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--containers", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--image", default="debian:bookworm-slim")
    options = parser.parse_args()
    probe = subprocess.run(["docker", "image", "inspect", options.image], capture_output=True)
    if probe.returncode:
        print(f"  no Docker with the image {options.image}: nothing measured")
        return
    other = peer("lazydocker", "go install github.com/jesseduffield/lazydocker@latest")
    good = True
    remove()
    with tempfile.TemporaryDirectory(prefix="mltui-bench-") as folder:
        root = Path(folder)
        (root / "mltui.yaml").write_text(SPEC)
        try:
            names = start(options.image, options.containers)
            started = time.perf_counter()
            visible = names[min(options.containers, 30) - 1].encode()
            ps = best(3, lambda: timed(["docker", "ps"], root))
            bare = best(3, lambda: first_paint(root, options.containers))
            ours = best(3, lambda: time_to_list(root, visible))
            key = best(3, lambda: time_to_list(root, visible, b"j"))
            print(f"    docker ps {ps:.2f} s, bare list {bare:.2f} s, mltui's list {ours:.2f} s")
            print(
                f"    a key is answered after {key:.2f} s, {key / (bare + 1.5 * ps):.2f}× the bound"
            )
            good &= report("time to the list beside its bound", ours / (bare + 1.5 * ps), 1)
            time.sleep(max(0.0, _CALM_S - (time.perf_counter() - started)))
            terminal = listed(root)
            terminal.until(visible)
            rate, cpu = steady(terminal, options.seconds)
            terminal.close()
            print(f"    mltui at rest: {rate:.0f} B/s, {cpu:.1%} of a processor")
            if other is not None:
                theirs = Terminal([other], root)
                their_rate, their_cpu = steady(theirs, options.seconds)
                theirs.close()
                print(f"    lazydocker at rest: {their_rate:.0f} B/s, {their_cpu:.1%}")
                good &= report("bytes at rest beside lazydocker's", rate / their_rate, 0.02)
                good &= report("processor at rest beside lazydocker's", cpu / their_cpu, 1)
        finally:
            remove()
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
