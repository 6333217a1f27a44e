"""A follower that is stopped while numbered lines go by, and what it says of those that are lost.

For tests of real hosts that throw lines away: `WRITER` writes, `Follower` is `mltui logs -f`.
"""

from __future__ import annotations

import bisect
import itertools
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

WRITER = """
use IO::Handle;
sub at { open(my $up, "<", "/proc/uptime"); (split " ", <$up>)[0] }
$| = 1; my ($pace, $most) = @ARGV; my $n = 0; my $pad = "x" x 80;
open(my $times, ">", "/tmp/times"); $times->autoflush(1);
until (-e "/tmp/stop" or $n >= $most) {
  my $text = ""; print $times "$n " . at() . "\n";
  for (1 .. $pace / 20) { $n++; $text .= sprintf("%09d %s\\n", $n, $pad) }
  print $text; select undef, undef, undef, 0.05;
}
print "last $n\\n"; sleep 600;
"""
"""In Perl: so many lines a second, until there is /tmp/stop or it has written so many.

In /tmp/times is when it had written how many, in seconds since the machine's start.
"""
TIMES = "cat /tmp/times; date +%s.%N; cat /proc/uptime; date +%s.%N"
"""For a shell in the container, after it: what `Follower.check` needs."""

AHEAD = 2500
"""A writer can't be so many lines ahead of its host: a pipe, and what the host reads at once."""

_LINE = re.compile(rb"(\d{9}) x{80}")
_MARK = re.compile(r": possible loss from (\S+) to ([^\s,]+)(?:, about ([\d,]+) lines)?$", re.M)
_PATIENCE_S = 240.0


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

    def starts_again(self) -> None:
        """It reads on."""
        self._process.send_signal(signal.SIGCONT)

    def last(self) -> int:
        """The number of the last whole line that it brought."""
        with self.out.open("rb") as file:
            file.seek(max(self.out.stat().st_size - 4096, 0))
            found = _LINE.findall(file.read())
        return int(found[-1]) if found else 0

    def go_on(self) -> None:
        """Read to the writer's last line, then end."""
        self.starts_again()
        until(lambda: b"\nlast " in self.out.read_bytes()[-4096:], "the last line does not come")

    def end(self) -> None:
        """It is over."""
        self._process.kill()
        self._process.wait(20)

    def is_whole(self) -> None:
        """From its first line on it brought every one, once, and spoke of no loss."""
        lines = self.out.read_bytes().splitlines()
        if lines[-1].startswith(b"last "):
            lines.pop()
        numbers = [int(found[1]) for line in lines if (found := _LINE.fullmatch(line))]
        assert len(numbers) == len(lines)
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
        assert not _MARK.search(self.err.read_text())

    def check(self, times: str) -> None:
        """Lines in order and once; a mark for each gap: from when to when, and about how large.

        `times`: what `TIMES` printed there. A mark may cover two gaps that follow each
        other; no other may be there, unless the writer itself was kept waiting for as long.
        """
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
        told = [Mark(_seconds(first), _seconds(last), int(about.replace(",", "") or 0))
                for first, last, about in marks]  # fmt: skip
        clock = Clock.of(times)
        covered, start = list[tuple[int, ...]](), 0
        for mark in told:  # both are in the order of the log
            covered.append(mark.covers(gaps, clock, start))
            start = covered[-1][-1] + 1 if covered[-1] else start
        for number, (before, after) in enumerate(gaps):
            missing = after - before - 1
            whose = [mark for mark, gap in zip(told, covered, strict=True) if number in gap]
            assert len(whose) == 1, (gaps, told, number)
            assert missing / 4 < whose[0].about, (gaps, told)
        for mark, gap in zip(told, covered, strict=True):
            if not gap:
                # a busy machine may have a writer pause as long as a loss would take
                assert clock.paused_in(mark.first, mark.last), (gaps, mark)
            else:
                assert mark.about < 4 * sum(gaps[n][1] - gaps[n][0] - 1 for n in gap), (gaps, mark)


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@dataclass(frozen=True)
class Clock:
    """When the writer had written how many lines."""

    counts: list[int]
    times: list[float]
    slack_s: float

    @classmethod
    def of(cls, text: str) -> Clock:
        """From what `TIMES` printed."""
        *rows, before, up, after = text.strip().splitlines()
        begun_at = float(before) - float(up.split()[0])
        pairs = [row.split() for row in rows]
        return cls(
            [int(count) for count, _ in pairs],
            [begun_at + float(at) for _, at in pairs],
            float(after) - float(before) + 0.02,
        )

    def had(self, number: int, at: float) -> bool:
        """Whether a host may have had the line of this number at this time and not later."""
        written = self.times[max(bisect.bisect_left(self.counts, number - 1) - 1, 0)]
        later = bisect.bisect_right(self.counts, number + AHEAD)
        taken = self.times[later] if later < len(self.times) else float("inf")
        return written - self.slack_s <= at <= taken + self.slack_s

    def paused_in(self, first: float, last: float) -> bool:
        """Whether the writer itself wrote nothing for most of a time."""
        each = [first, *(at for at in self.times if first < at < last), last]
        return max(b - a for a, b in itertools.pairwise(each)) >= 0.5 * (last - first)


@dataclass(frozen=True)
class Mark:
    """What was said of a loss."""

    first: float
    last: float
    about: int

    def covers(self, gaps: Sequence[tuple[int, int]], clock: Clock, start: int) -> tuple[int, ...]:
        """Which of the gaps it speaks of, by its times: one, or two that follow each other."""
        for number in range(start, len(gaps)):
            before = gaps[number][0]
            if before and not clock.had(before, self.first):
                continue
            for end in (number, number + 1):
                if end < len(gaps) and clock.had(gaps[end][1], self.last):
                    return tuple(range(number, end + 1))
        return ()
