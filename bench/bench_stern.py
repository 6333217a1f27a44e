"""Pods that write as fast as they can, followed by stern, kubectl and `mltui logs`, in turn.

Each pod writes numbered lines with the time in them, as soon as the follower has given a first line
of each.
Counted is what each brought to a file: lines once, lines doubled, lines mixed into one, and for
mltui whether a mark ("possible loss from … to …") stands for every gap, and a gap for every mark: a
node that rotates its files faster than they are read has thrown lines away, and nobody can bring
them. With --stall the follower is stopped for a while, so that the node surely does.

    KUBECONFIG=… python bench/bench_stern.py [--pods 10] [--lines 200000] [--image IMAGE]
    KUBECONFIG=… python bench/bench_stern.py --pods 1 --lines 1500000 --pace 20000 --stall 35
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

from measure import MLTUI, peer

WRITER = (
    'my ($n, $c, $p) = @ARGV; my ($x, $t) = ("x" x 60, "\\0" x 16);'
    ' $| = 1; print "$n is ready\\n"; $| = 0;'
    ' select undef, undef, undef, 0.2 until -e "/tmp/go";'
    # clock_gettime(CLOCK_REALTIME) on x86_64: small images have no Time::HiRes
    ' for (1 .. $c) { syscall 228, 0, $t; my ($s, $f) = unpack "qq", $t;'
    ' printf "%s %07d %d.%06d %s\\n", $n, $_, $s, $f / 1000, $x;'
    " if ($p && $_ % ($p / 10) == 0) { $| = 1; $| = 0; select undef, undef, undef, 0.1 } }"
    " $| = 1; sleep 3600"
)
LINE = re.compile(rb"([a-z]+-\d+) (\d{7}) (\d+\.\d{6}) x{60}")
SHAPES = [b"flood-%s 0000000 0000000000.000000 %s" % (b"0" * n, b"x" * 60) for n in (1, 2, 3)]
"""Lines with all digits the same."""
MARK = re.compile(r"(flood-\d+): possible loss from (\S+) to ([^\s,]+)(?:, about ([\d,]+))?")
SLACK_S = 0.3
"""Between the time in a line and when the node got it."""
CALM_S = 8.0
ATTACH_S = 60.0
STALL_AFTER_S = 8.0


def kubectl(*argv: str, stdin: str | None = None) -> str:
    """The output of a command."""
    done = subprocess.run(
        ["kubectl", *argv], input=stdin, text=True, capture_output=True, check=False
    )
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout


def pod(name: str, image: str, lines: int, pace: int) -> dict[str, Any]:
    """A pod that writes."""
    container = {
        "name": "c",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["perl", "-e", WRITER, name, str(lines), str(pace)],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": "flood"}},
        "spec": {
            "containers": [container],
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
        },
    }


def follow(argv: list[str], args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """What a follower brought: see the module."""
    pods, lines = args.pods, args.lines
    namespace = f"bench-{uuid.uuid4().hex[:8]}"
    kubectl("create", "namespace", namespace)
    out, err = folder / f"{namespace}.out", folder / f"{namespace}.err"
    try:
        items = [pod(f"flood-{n}", args.image, lines, args.pace) for n in range(pods)]
        listed = {"apiVersion": "v1", "kind": "List", "items": items}
        kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(listed))
        kubectl("wait", "-n", namespace, "pod", "--all", "--for=condition=Ready", "--timeout=400s")
        with out.open("wb") as to, err.open("wb") as said:
            words = [word.replace("NAMESPACE", namespace) for word in argv]
            process = subprocess.Popen(words, stdout=to, stderr=said)
            until = time.monotonic() + ATTACH_S
            while out.read_bytes().count(b" is ready\n") < pods:
                if time.monotonic() > until:
                    sys.exit(f"{words[0]} does not follow all pods: {err.read_text()[:500]}")
                time.sleep(0.1)
            go = [["kubectl", "exec", "-n", namespace, f"flood-{n}", "--", "touch", "/tmp/go"]
                  for n in range(pods)]  # fmt: skip
            for started in [subprocess.Popen(words) for words in go]:
                started.wait()
            if args.stall:
                time.sleep(STALL_AFTER_S)
                process.send_signal(signal.SIGSTOP)
                time.sleep(args.stall)
                process.send_signal(signal.SIGCONT)
            began = ended = time.monotonic()
            first = size = out.stat().st_size
            while time.monotonic() - ended < (CALM_S if size != first else 60):
                time.sleep(0.05)
                now = out.stat().st_size
                if now != size:
                    began = time.monotonic() if size == first else began
                    size, ended = now, time.monotonic()
            process.terminate()
            process.wait(20)
    finally:
        kubectl("delete", "namespace", namespace, "--wait=false")
    print("   ", [line[:200] for line in err.read_text().splitlines()[:4]])
    return {"seconds": ended - began, **counted(out, err, pods, lines)}


def cut_off(line: bytes) -> bool:
    """Whether it is the beginning or the end of a line, as files are lost by halves of lines."""
    shape = re.sub(rb"\d", b"0", line)
    return any(each.startswith(shape) or each.endswith(shape) for each in SHAPES)


def counted(out: Path, err: Path, pods: int, lines: int) -> dict[str, Any]:
    """Lines once, doubled, mixed; gaps without a mark."""
    times: dict[str, dict[int, float]] = {f"flood-{n}": {} for n in range(pods)}
    doubled = mixed = torn = 0
    odd: list[bytes] = []
    for line in out.read_bytes().splitlines():
        if line.endswith(b" is ready"):
            continue
        found = LINE.fullmatch(line)
        if found is None:
            is_torn = cut_off(line)
            torn, mixed = torn + is_torn, mixed + (not is_torn)
            if not is_torn:
                odd.append(line)
            continue
        known, number = times[found[1].decode()], int(found[2])
        doubled += number in known
        known[number] = float(found[3])
    marks: dict[str, list[tuple[float, float]]] = {}
    about = 0
    for name, first, last, count in MARK.findall(err.read_text()):
        span = (datetime.fromisoformat(first).timestamp(), datetime.fromisoformat(last).timestamp())
        marks.setdefault(name, []).append(span)
        about += int(count.replace(",", "") or 0)
    gaps = missing = unmarked = cut = true = 0
    for name, known in times.items():
        numbers = sorted(known)
        cut += lines - (numbers[-1] if numbers else 0)
        # what is before the first and after the last may be missing too
        at = {0: float("inf"), **known, lines + 1: float("-inf")}
        for before, after in itertools.pairwise((0, *numbers, lines + 1)):
            if after == before + 1:
                continue
            gaps += 1
            missing += after - before - 1
            covering = [
                (first, last)
                for first, last in marks.get(name, [])
                if first <= at[before] + SLACK_S and last >= at[after] - SLACK_S
            ]
            unmarked += not covering
            true += len(covering)
    unique = sum(len(known) for known in times.values())
    for line in odd[:5]:
        print(f"    mixed: {line[:300]!r}")
    return {
        "unique": unique, "doubled": doubled, "mixed": mixed, "torn": torn, "gaps": gaps,
        "missing": missing, "unmarked": unmarked, "said": about, "cut": cut,
        "false marks": sum(len(each) for each in marks.values()) - true,
        "silent": [name for name, known in times.items() if not known],
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pods", type=int, default=10)
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--image", default="debian:bookworm-slim", help="with perl, on the nodes")
    parser.add_argument("--pace", type=int, default=0, help="lines a second; 0: all it can")
    parser.add_argument("--stall", type=float, default=0, help="seconds the follower is stopped")
    parser.add_argument("--only", choices=["stern", "kubectl", "mltui"])
    args = parser.parse_args()
    os.environ.setdefault("NO_PROXY", "*")
    stern = peer("stern", "go install github.com/stern/stern@v1.34.0")
    runs = {
        "stern": [stern or "", "-n", "NAMESPACE", ".", "-o", "raw", "--color", "never"],
        "kubectl": [
            *("kubectl", "logs", "-n", "NAMESPACE", "-l", "app=flood", "-f", "--tail=-1"),
            f"--max-log-requests={args.pods}",
        ],
        "mltui": [*MLTUI, "logs", "-l", "app=flood", "--namespace", "NAMESPACE", "-f", "-o", "raw"],
    }
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="mltui-bench-") as folder:
        for name, argv in runs.items():
            if argv[0] and args.only in (None, name):
                result = follow(argv, args, Path(folder))
                result["rate"] = result["unique"] / max(result["seconds"], 0.1)
                found[name] = result
                print(f"  {name}: {result}")
    ours = found.get("mltui")
    good = ours is None or not (
        ours["doubled"] or ours["mixed"] or ours["unmarked"] or ours["false marks"]
    )
    for name, theirs in found.items():
        if ours is None or name == "mltui":
            continue
        ratio = ours["rate"] / max(theirs["rate"], 0.1)
        more = ours["unique"] / max(theirs["unique"], 1)
        good = good and ratio >= 1.0
        print(f"  unique lines a second: {ratio:.2f}× {name}'s (must be ≥ 1.0×)")
        print(f"  unique lines in all: {more:.2f}× {name}'s")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
