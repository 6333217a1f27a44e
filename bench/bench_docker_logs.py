"""A container's log, read whole and followed: by `docker logs` and by `mltui logs`, in turn.

One container writes numbered lines as fast as it can. Followed: from its first line to its last, by
unique lines a second. Read: the same log once it is all there, by the processor time of the
command and by wall time. What both give has to be the same, byte for byte.

    python bench/bench_docker_logs.py [--lines 500000] [--image IMAGE]
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

from measure import MLTUI, peer

WRITER = """
$| = 1; my ($c) = @ARGV; my ($n, $x) = (0, "x" x 72);
select undef, undef, undef, 0.1 until -e "/tmp/go";
while ($n < $c) { my $t = ""; $t .= sprintf "%09d %s\\n", ++$n, $x for 1 .. 500; print $t }
sleep 600;
"""
LAST_S = 120.0


def docker(*argv: str) -> str:
    """The output of a command."""
    done = subprocess.run(["docker", *argv], text=True, capture_output=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout.strip()


def writer(image: str, lines: int) -> str:
    """A container that waits to write."""
    name = f"mltui-bench-{uuid.uuid4().hex[:8]}"
    docker("run", "-d", "--name", name, image, "perl", "-e", WRITER, str(lines))
    return name


def followed(argv: list[str], name: str, lines: int, out: Path) -> float:
    """Seconds from the word to write to the last line in the file."""
    with out.open("wb") as to:
        process = subprocess.Popen(argv, stdout=to, stderr=subprocess.DEVNULL)
        time.sleep(3)
        docker("exec", name, "touch", "/tmp/go")
        began = time.monotonic()
        last = b"%09d " % lines
        while last not in end_of(out):
            if time.monotonic() > began + LAST_S:
                sys.exit(f"{argv[0]} does not bring the last line")
            time.sleep(0.02)
        took = time.monotonic() - began
        process.terminate()
        process.wait(20)
    return took


def end_of(path: Path) -> bytes:
    """The last lines of a file."""
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - 400, 0))
        return file.read()


def read(argv: list[str], out: Path) -> tuple[float, float]:
    """Wall and processor seconds."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    with out.open("wb") as to:
        subprocess.run(argv, stdout=to, stderr=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - began, spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=500_000)
    parser.add_argument("--image", default="debian:bookworm-slim", help="with perl")
    args = parser.parse_args()
    if peer("docker", "apt-get install docker.io") is None:
        return
    with tempfile.TemporaryDirectory(prefix="mltui-bench-") as folder:
        outs = {each: Path(folder) / each for each in ("docker", "mltui")}
        taken: dict[str, float] = {}
        for who, out in outs.items():
            name = writer(args.image, args.lines)
            words = {
                "docker": ["docker", "logs", "-f", name],
                "mltui": [*MLTUI, "logs", f"container/{name}", "-f", "-o", "raw"],
            }
            try:
                taken[who] = followed(words[who], name, args.lines, out)
                if who == "mltui":
                    whole = {
                        "docker": ["docker", "logs", name],
                        "mltui": [*MLTUI, "logs", f"container/{name}", "-o", "raw"],
                    }
                    ends = {each: Path(folder) / f"{each}-whole" for each in whole}
                    took = {each: read(whole[each], ends[each]) for each in whole}
            finally:
                docker("rm", "-f", name)
        texts = [out.read_bytes() for out in (*outs.values(), *ends.values())]
        is_same = len(set(texts)) == 1 and texts[0].count(b"\n") == args.lines
        print(f"  {args.lines:,} lines, the same from each, followed and read: {is_same}")
        ratio = taken["docker"] / taken["mltui"]
        print(f"  followed, lines a second: {ratio:.2f}× docker's")
        wall = took["docker"][0] / took["mltui"][0]
        print(f"  read whole, lines a second: {wall:.2f}× docker's")
        print(f"  processor time to read it: {took['mltui'][1] / took['docker'][1]:.2f}× docker's")
    sys.exit(0 if is_same else 1)


if __name__ == "__main__":
    main()
