"""What can be folded away: frames of a stack trace, and a line that is said again and again.

Decided from a line and those before it, so that any block of a log folds the same way wherever
reading begins. The log pane shows a folded block's first line with the count.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from enum import IntEnum

from mltui.logs.lines import Lines
from mltui.logs.merge import Merged
from mltui.logs.sanitize import uncoloured
from mltui.logs.search import ERROR_LINES
from mltui.logs.times import HEAD_BYTES, TimeReader

LOOK_BACK = 64
"""Lines before a block that are looked at: a longer trace that crosses into it is shown there."""

_KEPT_BLOCKS = 32
_MOST_LINES = 8_000  # a block of almost empty lines isn't worth its time
_COUNT_BLOCKS = 8  # looked through for how much is folded below one line
_GOROUTINE = re.compile(rb"(?:^|\s)goroutine \d+ \[[^\]]*\]:\s*$")
_OPENING = re.compile(
    rb"(?:^|\s)(?:stack backtrace:|Stack trace:|Caused by:|During handling of"
    rb"|Exception raised from .* \(most recent call first\))"
)
_FRAME = re.compile(  # of several processes torchrun says whose a line is
    rb"(?:\[rank\d+\]:)?(?:(?:\t|[ ]{2,}|[ |]+ {3,})\S|\s*\.\.\. \d+ more|\s*\^[\s~^]*$"
    rb"|\s*(?:frame )?#\d+:? \S)"
)


OPENING_WORDS = (
    *ERROR_LINES.literals[0],
    b"goroutine ",
    b"stack backtrace:",
    b"Stack trace:",
    b"most recent call first",
    b"Caused by:",
    b"During handling of",
)
"""A line that opens a trace has one of these."""

_TAIL_BYTES = 12
_FAR_BYTES = HEAD_BYTES + _TAIL_BYTES
"""The end of a longer line is no part of its time."""


class Fold(IntEnum):
    """What a line is to the one above it."""

    NOT = 0
    FRAME = 1
    AGAIN = 2


class Folder:
    """Folds lines that are fed in order.

    *is_quiet*: none of these lines has a word of `OPENING_WORDS`, so that none opens a trace.
    """

    def __init__(self, times: TimeReader, *, is_quiet: bool = False) -> None:
        self._times = times
        self._is_quiet = is_quiet
        self._raw: bytes | None = None
        self._last: bytes | None = None
        """What `_raw` says without its time, once that is asked."""
        self._trace = ""

    def feed(self, line: bytes) -> Fold:
        """What *line* is."""
        body: bytes | None = None
        raw = self._raw
        if raw is not None and (
            len(line) <= _FAR_BYTES or line[-_TAIL_BYTES:] == raw[-_TAIL_BYTES:]
        ):
            body = self._body(line)
            if self._last is None:
                self._last = self._body(raw)
            if body and body == self._last:
                return Fold.AGAIN
        if self._trace:
            body = self._body(line) if body is None else body
            if self._trace == "goroutine":
                if body.strip():
                    return Fold.FRAME
            elif _FRAME.match(body):
                self._raw = self._last = None
                return Fold.FRAME
        self._raw, self._last = line, body
        self._trace = "" if self._is_quiet else self._opened_by(line, body)
        return Fold.NOT

    def _opened_by(self, line: bytes, body: bytes | None) -> str:
        body = self._body(line) if body is None else body
        if _GOROUTINE.search(body):
            return "goroutine"
        return "frames" if _OPENING.search(body) or _says_error(body) else ""

    def _body(self, line: bytes) -> bytes:
        stamp = self._times.read(line)
        return uncoloured(line if stamp is None else line[: stamp.first] + line[stamp.last :])


def _says_error(line: bytes) -> bool:
    if not any(literal in line for literal in ERROR_LINES.literals[0]):
        return False
    return ERROR_LINES.regex.search(line) is not None


class Folding:
    """What is folded in a log, block by block, but for what was unfolded."""

    def __init__(self, lines: Lines, times: TimeReader) -> None:
        self._lines = lines
        self._times = times
        self._known: dict[int, tuple[int, int, dict[int, Fold]]] = {}
        self.unfolded: set[int] = set()
        """First lines whose followers are shown."""

    def test(self, block: int) -> Sequence[int]:
        """The lines of a block that are shown: for a `Sieve`."""
        starts, folded = self._lines.starts(block), self._folded(block)
        if not folded:
            return starts
        if not self.unfolded:
            return [start for start in starts if start not in folded]
        head = self._head_before(starts[0]) if starts else None
        shown: list[int] = []
        for start in starts:
            if start not in folded:
                head = start
                shown.append(start)
            elif head in self.unfolded:
                shown.append(start)
        return shown

    def reveal(self, position: int) -> int:
        """Show the line at *position*, and say where it is: a repeated one where it was first."""
        fold = self._folded(self._lines.block_of(position)).get(position, Fold.NOT)
        head = self._head_before(position + 1) if fold is not Fold.NOT else None
        if head is None or head in self.unfolded:
            return position
        if fold is Fold.AGAIN:
            return head
        self.unfolded.add(head)
        return position

    def toggle(self, position: int) -> None:
        """Unfold what is below the line at *position* (or in whose fold it is), or fold it."""
        head = self._head_before(position + 1)
        if head is not None:
            self.unfolded ^= {head}

    def below(self, position: int) -> tuple[Fold, int, bool]:
        """What is folded below a line, how many lines, and whether there are more of them."""
        lines = self._lines
        following = lines.next(position)
        kind, count = Fold.NOT, 0
        if following >= lines.end:
            return kind, 0, False
        first = lines.block_of(following)
        for block in range(first, min(first + _COUNT_BLOCKS, lines.block_count)):
            folded = self._folded(block)
            starts = lines.starts(block)
            for start in starts[bisect_left(starts, following) :]:
                fold = folded.get(start, Fold.NOT)
                if fold is Fold.NOT:
                    return kind, count, False
                kind, count = kind or fold, count + 1
        return kind, count, first + _COUNT_BLOCKS < lines.block_count

    def _head_before(self, position: int) -> int | None:
        lines = self._lines
        head = lines.previous(position)
        steps = 0
        while head is not None and head in self._folded(lines.block_of(head)):
            head = lines.previous(head)
            steps += 1
            if steps > 10_000:
                return None
        return head

    def _lines_of(self, block: int) -> tuple[Sequence[int], Sequence[bytes]]:
        """Where the lines of a block begin, and what they say."""
        lines = self._lines
        starts = lines.starts(block)
        if len(starts) > _MOST_LINES:
            return (), ()
        text = lines.text(block)
        if text.first > text.stop or text.long is not None:
            return starts, lines.read(starts)
        data = text.data[text.first : text.stop]
        own = data.split(b"\n")
        if b"\r" in data or len(own) != len(starts):
            return starts, lines.read(starts)
        return starts, own

    def _folded(self, block: int) -> dict[int, Fold]:
        lines = self._lines
        state = (lines.generation, lines.end if block >= lines.block_count - 1 else -1)
        known = self._known.get(block)
        if known is not None and known[:2] == state:
            return known[2]
        starts, own = self._lines_of(block)
        before: list[int] = []
        place = starts[0] if starts else 0
        while starts and len(before) < LOOK_BACK:
            above = lines.previous(place)
            if above is None:
                break
            before.append(above)
            place = above
        texts = [*lines.read(before[::-1]), *own]
        data = b"\n".join(texts)
        is_quiet = not any(word in data for word in OPENING_WORDS)
        folder, source = Folder(self._times, is_quiet=is_quiet), -1
        source_of = lines.source_of if isinstance(lines, Merged) else lambda place: 0
        found: dict[int, Fold] = {}
        places = [*before[::-1], *starts]
        for place, line in zip(places, texts, strict=True):
            # of several logs each has its own story; what is marked is told with its line
            if source_of(place) != source or lines.marks(place):
                folder, source = Folder(self._times, is_quiet=is_quiet), source_of(place)
            fold = folder.feed(line)
            if fold is not Fold.NOT and place >= starts[0]:
                found[place] = fold
        if len(self._known) >= _KEPT_BLOCKS:
            del self._known[next(iter(self._known))]
        self._known.pop(block, None)
        self._known[block] = (*state, found)
        return found
