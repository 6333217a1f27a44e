"""Lines as container runtimes write them into a node's files, as the API's log gives them.

Called by `nodefiles`. A record is a time, a stream, whether it ends its line (`F`) or not (`P`),
and text. Source: Kubernetes, "CRI log format"; what the log gives is in `cri-client/logs.go`.
"""

from __future__ import annotations

import re
from collections import deque

from mltui.errors import MltuiError

_WHOLE = (b"Z stdout F ", b"Z stderr F ")
_ZONE_AT, _STAMP_BYTES, _TEXT_AT = 29, 31, 40
_RECORD = re.compile(
    rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d) (stdout|stderr) "
    rb"([PF])[^ ]* ?(.*)",
    re.DOTALL,
)
_RAW_BYTES = 64
_MOST_BYTES = 1 << 20
KEPT_ENDS = 8


class CriLines:
    """Makes whole timed lines of what files hold, one file after another."""

    def __init__(self, cut_ends: deque[bytes] | None = None) -> None:
        self._rest = b""
        self._at = 0
        self._open: dict[bytes, list[bytes]] = {}
        """Of each stream: the pieces of a line that has not ended."""
        self.last = b""
        """The last whole line, as it was given."""
        self.last_at = -1
        """Where its record begins in the file; -1: it has more than one, or none in this file."""
        self._is_joined = False
        self.last_raw = b""
        """How that begins."""
        self.cut_ends = deque[bytes](maxlen=KEPT_ENDS) if cut_ends is None else cut_ends
        """The ends of the last lines that go on in another file, each as the API's log gives it
        where it begins with that file: as a line, with the time of its own record."""
        self._ends: dict[bytes, list[bytes]] = {}

    def begin_file(self, at: int = 0) -> None:
        """What comes is of another file, from a byte on."""
        self._rest, self._at, self.last_at = b"", at, -1
        self._ends = {stream: [] for stream in self._open}

    def feed(self, data: bytes) -> bytes:
        """The lines that are whole now. MltuiError: these are no such files."""
        text = self._rest + data
        cut = text.rfind(b"\n") + 1
        if not cut:
            if len(text) > _MOST_BYTES:
                raise MltuiError("the node's log files are not of the kind that is known")
            self._rest = text
            return b""
        whole, self._rest = text[: cut - 1], text[cut:]
        records = whole.split(b"\n")
        out: list[bytes] = []
        self._is_joined = False
        if not self._open:
            out = [
                each[:_STAMP_BYTES] + each[_TEXT_AT:] if each[_ZONE_AT:_TEXT_AT] in _WHOLE else b""
                for each in records
            ]
        if self._open or b"" in out:
            out = [line for each in records if (line := self._line(each))]
        if out:
            self.last = out[-1]
            is_one = not self._open and not self._is_joined
            self.last_at = self._at + cut - 1 - len(records[-1]) if is_one else -1
            self.last_raw = records[-1][:_RAW_BYTES]
            out.append(b"")
        self._at += cut
        return b"\n".join(out)

    def _line(self, record: bytes) -> bytes:
        """The line that a record ends; empty: it goes on."""
        found = _RECORD.fullmatch(record)
        if found is None:
            if not record.strip(b"\0"):
                return b""  # what a node that lost its power leaves
            raise MltuiError("the node's log files are not of the kind that is known")
        second, fraction, zone, stream, tag, text = found.groups()
        pieces = self._open.get(stream)
        self._is_joined = pieces is not None
        stamp = b"%s.%s%s " % (second, (fraction or b"").ljust(9, b"0"), zone)
        if pieces is None:
            if tag == b"F":
                return stamp + text
            self._open[stream] = [stamp, text]
            return b""
        pieces.append(text)
        end = self._ends.get(stream)
        if end is not None:
            end += [text] if end else [stamp, text]
        if tag == b"P":
            return b""
        del self._open[stream]
        if end is not None:
            del self._ends[stream]
            if sum(map(len, end)) <= _MOST_BYTES:
                self.cut_ends.append(b"".join(end))
        return b"".join(pieces)
