"""A follower that is stopped while numbered lines go by, and what it says of those that are lost.

For tests of real hosts that throw lines away: `WRITER` writes, `Follower` is `mltui logs -f`.
"""

from __future__ import annotations

import itertools
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

WRITER = """
$| = 1; my ($pace, $most) = @ARGV; my $n = 0; my $pad = "x" x 80;
until (-e "/tmp/stop" or $n >= $most) {
  my $text = "";
  for (1 .. $pace / 20) { $n++; $text .= sprintf("%09d %s\\n", $n, $pad) }
  print $text; select undef, undef, undef, 0.05;
}
print "last $n\\n"; sleep 600;
"""
"""In Perl: so many lines a second, until there is /tmp/stop or it has written so many."""

_LINE = re.compile(rb"(\d{9}) x{80}")
_MARK = re.compile(r": possible loss from (\S+) to ([^\s,]+)(?:, about ([\d,]+) lines)?$", re.M)
_PATIENCE_S = 150.0


def until(holds: Callable[[], object], what: str) -> None:
    """Wait for the world outside."""
    deadline = time.monotonic() + _PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


class Follower:
    """`mltui logs TARGET -f -o raw` into files."""

    def __init__(self, folder: Path, environ: dict[str, str], *target: str) -> None:
        self.out, self.err = folder / "out", folder / "err"
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mltui", "logs", *target, "-f", "-o", "raw"],
                stdout=out, stderr=err, env=environ,
            )  # fmt: skip

    def begins(self) -> None:
        """Until it has a first line."""
        until(lambda: self.out.stat().st_size, "no line comes")

    def stop(self) -> None:
        """It reads nothing until `go_on`."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Read to the writer's last line, then end."""
        self._process.send_signal(signal.SIGCONT)
        until(lambda: b"\nlast " in self.out.read_bytes()[-4096:], "the last line does not come")

    def end(self) -> None:
        """It is over."""
        self._process.kill()
        self._process.wait(20)

    def check(self) -> None:
        """Lines in order and once; a mark for each gap, and about how large."""
        *lines, _ = self.out.read_bytes().splitlines()
        numbers = [int(found[1]) for line in lines if (found := _LINE.fullmatch(line))]
        assert all(before < after for before, after in itertools.pairwise(numbers))
        gaps = [
            (before, after)
            for before, after in itertools.pairwise((0, *numbers))
            if after != before + 1
        ]
        marks = _MARK.findall(self.err.read_text())
        assert gaps
        # a file that is lost may end within a line
        assert len(lines) - len(numbers) <= 2 * len(gaps)
        assert all(datetime.fromisoformat(first) < datetime.fromisoformat(last)
                   for first, last, _ in marks)  # fmt: skip
        # a busy machine may make a writer pause as long as a loss would take: that is marked too
        told = (int(about.replace(",", "") or 0) for _, _, about in marks)
        for before, after in gaps:
            missing = after - before - 1
            assert any(missing / 4 < said < missing * 4 for said in told), (gaps, marks)
