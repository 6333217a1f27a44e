"""When a line was written, by its own words: the stamp that it begins with, or a field.

The histogram, jumps to a time, merged sources and the time column ask. Only the beginning of a line
is looked at, so that numbers in its text are not taken for times.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from functools import lru_cache
from math import isfinite
from typing import NamedTuple

HEAD_BYTES = 96
"""How far into a line a stamp may begin and end."""

_JSON_BYTES = 2048
_DAY_S = 86_400
_MONTHS = {
    name: number
    for number, name in enumerate(
        b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), start=1
    )
}


class Stamp(NamedTuple):
    """A time and where it stands in the line: seconds since the epoch, first byte, past the last.

    A stamp that is a field of an object is part of it; its place is empty.
    """

    at: float
    first: int = 0
    last: int = 0


_ISO = re.compile(
    rb"(?<![\d.])(\d{4})[-/](\d\d)[-/](\d\d)[T _](\d\d):(\d\d):(\d\d)"
    rb"(?:[.,](\d{1,9}))?[ ]?(Z|UTC|[+-]\d\d:?\d\d)?(?!\d|:\d)"
)
_SYSLOG = re.compile(
    rb"^(?:<\d{1,3}>)?(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) {1,2}(\d{1,2}) "
    rb"(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?: (\d{4}))?"
)
_APACHE = re.compile(
    rb"\[?(\d\d)/(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)/(\d{4}):"
    rb"(\d\d):(\d\d):(\d\d)(?: ([+-]\d{4}))?\]?"
)
_WEEKDAY = re.compile(  # ctime, date, httpd's errors
    rb"^\[?(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) "
    rb"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) {1,2}(\d{1,2}) "
    rb"(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))? (?:(UTC|GMT|[A-Z]{3,4}) )?(\d{4})\]?(?!\d)"
)
_DAY_FIRST = re.compile(  # redis, RFC 2822
    rb"^(?:\d+:[A-Z] |(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?(\d{1,2}) "
    rb"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) (\d{4}) "
    rb"(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?: ([+-]\d{4})(?!\d))?"
)
_KLOG = re.compile(  # glog's has the year
    rb"^(?:\[rank\d+\]:\s?)?\[?[IWEF](\d{4})?(\d\d)(\d\d) (\d\d):(\d\d):(\d\d)\.(\d{1,9})"
)
_EPOCH = re.compile(rb"^\[?([12]\d{9})(?:(\d{3})|\.(\d{1,9}))?\]?(?=[\s:,|]|$)")
_CLOCK = re.compile(rb"^\[?([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:[.,](\d{1,9}))?\]?(?![\d:])")
_FIELD = re.compile(
    rb'"(?:@timestamp|timestamp|time|ts|asctime|datetime|t)"\s*:\s*'
    rb'(?:"([^"\\]{8,40})"|([12]\d{9}(?:\d{3}|\d{6}|\d{9})?(?:\.\d{1,9})?)(?=[,}\s]))'
)
_LOGFMT = re.compile(rb'(?:^|\s)(?:time|ts|timestamp|t)=(?:"([^"\\]{8,40})"|(\S{8,40}))(?=\s|$)')
_BARE = (b"1", b"2", b"[")
"""Seconds since the epoch begin so; all other times have a colon or are a field."""
_ANSI = re.compile(rb"\x1b\[[0-9;]*m")


class TimeReader:
    """Reads stamps of one log.

    *near* (seconds since the epoch) is about when it was written: it gives the year or the day to
    stamps that have none. *offset_s* is what stamps without a zone are ahead of UTC.
    """

    def __init__(self, near: float, offset_s: float = 0.0) -> None:
        self.near = near
        self.offset_s = offset_s

    def read(self, line: bytes) -> Stamp | None:
        """The stamp of *line*, or None."""
        head = line[:HEAD_BYTES]
        if b"\x1b" in head:
            return self._coloured(line)
        if b":" not in head and b"=" not in head and head[:1] not in _BARE:
            return None  # most lines without a time cost no more
        match = _ISO.search(head)
        if match is not None and match.start() <= 48:
            found = self._iso(match)
            if found is not None:
                return Stamp(found, *match.span())
        if head[:1] == b"{":
            return self._field(line)
        return self._others(head)

    def _coloured(self, line: bytes) -> Stamp | None:
        """Colours around a stamp hide it; its place is given with them."""
        head = line[: 2 * HEAD_BYTES]
        found = self.read(_ANSI.sub(b"", head).replace(b"\x1b", b"?"))
        if found is None or not found.last:
            return found
        place, kept = 0, 0
        places = []
        for match in (*_ANSI.finditer(head), None):
            stop = match.start() if match is not None else len(head)
            places.append((kept, place))
            kept += stop - place
            place = match.end() if match is not None else stop
        first = max(at + found.first - before for before, at in places if before <= found.first)
        last = max(at + found.last - before for before, at in places if before < found.last)
        return Stamp(found.at, first, last)

    def _iso(self, match: re.Match[bytes]) -> float | None:
        first = match.start()
        seconds = _iso_seconds(match.string[first : first + _ISO_BYTES])
        if seconds is None:
            return None
        fraction, zone = match.group(7, 8)
        if fraction:
            seconds += int(fraction) / 10 ** len(fraction)
        return seconds - (self.offset_s if zone is None else _offset(zone, 0.0))

    def _time(self, *parts: bytes | None) -> float | None:
        *date, fraction, zone = parts
        seconds = _seconds(*(int(part or 0) for part in date))
        if seconds is None:
            return None
        if fraction:
            seconds += int(fraction) / 10 ** len(fraction)
        return seconds - _offset(zone, self.offset_s)

    def _others(self, head: bytes) -> Stamp | None:
        if match := _CLOCK.match(head):
            hour, minute, second, fraction = match.groups()
            local = self.near + self.offset_s
            at = local - local % _DAY_S + int(hour) * 3600 + int(minute) * 60 + int(second)
            if fraction:
                at += int(fraction) / 10 ** len(fraction)
            while at > local + _DAY_S / 2:
                at -= _DAY_S
            return Stamp(at - self.offset_s, *match.span())
        if match := _EPOCH.match(head):
            whole, thousandths, fraction = match.groups()
            at = float(whole)
            for part in (thousandths, fraction):
                at += int(part) / 10 ** len(part) if part else 0
            return Stamp(at, *match.span())
        if match := _KLOG.match(head):
            year, *parts = match.groups()
            place = (match.start(1 if year else 2), match.end())
            if not year:
                return self._without_year(place, *parts)
            dated = self._time(year, *parts, None)
            return None if dated is None else Stamp(dated, *place)
        if match := _SYSLOG.match(head):
            name, day, hour, minute, second, fraction, year = match.groups()
            if year:
                return self._named(match, year, name, day, hour, minute, second, fraction, None)
            month = b"%d" % _MONTHS[name]
            return self._without_year(match.span(), month, day, hour, minute, second, fraction)
        if match := _WEEKDAY.match(head):
            name, day, hour, minute, second, fraction, zone, year = match.groups()
            zone = b"UTC" if zone in (b"UTC", b"GMT") else None
            return self._named(match, year, name, day, hour, minute, second, fraction, zone)
        if match := _DAY_FIRST.match(head):
            day, name, year, *parts = match.groups()
            found = self._named(match, year, name, day, *parts)
            return None if found is None else found._replace(first=match.start(1))
        if match := _APACHE.search(head):
            day, name, year, hour, minute, second, zone = match.groups()
            return self._named(match, year, name, day, hour, minute, second, None, zone)
        if match := _LOGFMT.search(head):
            return self._value(match[1] or match[2])
        return None

    def _named(
        self, match: re.Match[bytes], year: bytes, name: bytes, *parts: bytes | None
    ) -> Stamp | None:
        at = self._time(year, b"%d" % _MONTHS[name], *parts)
        return None if at is None else Stamp(at, *match.span())

    def _without_year(self, place: tuple[int, int], *parts: bytes | None) -> Stamp | None:
        """The year in which the time is nearest to when the log was written."""
        here = datetime.fromtimestamp(self.near, UTC).year
        found = [self._time(b"%d" % year, *parts, None) for year in (here - 1, here, here + 1)]
        times = [at for at in found if at is not None]
        if not times:
            return None
        return Stamp(min(times, key=lambda at: abs(at - self.near)), *place)

    def _field(self, line: bytes) -> Stamp | None:
        match = _FIELD.search(line, 0, _JSON_BYTES)
        return None if match is None else self._value(match[1] or match[2])

    def _value(self, value: bytes) -> Stamp | None:
        iso = _ISO.match(value)
        if iso is not None:
            at = self._iso(iso)
            return None if at is None else Stamp(at)
        whole, _, fraction = value.partition(b".")
        if not whole.isdigit() or (fraction and not fraction.isdigit()) or len(whole) < 10:
            return None
        return Stamp(float(value) / 10 ** (len(whole) - 10) if len(whole) <= 19 else 0.0)


@lru_cache(maxsize=1024)
def _seconds(year: int, month: int, day: int, hour: int, minute: int, second: int) -> float | None:
    if not 1900 < year < 9999:
        return None  # Go's zero time; and no zone may lead out of the calendar
    try:
        found = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    except ValueError:
        return None
    return found.timestamp() + (second == 60)


_ISO_BYTES = len(b"2026-11-25T13:58:02")


@lru_cache(maxsize=512)
def _iso_seconds(stamp: bytes) -> float | None:
    """Of a whole second; many lines have the same."""
    year, month, day = int(stamp[:4]), int(stamp[5:7]), int(stamp[8:10])
    return _seconds(year, month, day, int(stamp[11:13]), int(stamp[14:16]), int(stamp[17:]))


def _offset(zone: bytes | None, default: float) -> float:
    if zone is None:
        return default
    if zone in (b"Z", b"UTC"):
        return 0.0
    digits = zone[1:].replace(b":", b"")
    offset = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return float(-offset if zone[:1] == b"-" else offset)


_AGO = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?")
_WHEN_CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d(?:\.\d+)?))?")


def read_when(text: str, now: float, offset_s: float = 0.0) -> float | None:
    """A time as a person writes it: `10m`, `1h30m` ago; `14:02:09`; a date, or a full time.

    A clock is the last such time before *now*; without a zone it is *offset_s* ahead of UTC.
    None if it is none of these.
    """
    text = text.strip()
    ago = _AGO.fullmatch(text.removesuffix(" ago").removeprefix("-"))
    if ago is not None and ago[0]:
        days, hours, minutes, seconds = (float(part or 0) for part in ago.groups())
        at = now - days * _DAY_S - hours * 3600 - minutes * 60 - seconds
        return at if isfinite(at) else None
    clock = _WHEN_CLOCK.fullmatch(text)
    if clock is not None:
        hour, minute, second = int(clock[1]), int(clock[2]), float(clock[3] or 0)
        if hour > 23 or minute > 59 or second >= 60:
            return None
        local = now + offset_s
        at = local - local % _DAY_S + hour * 3600 + minute * 60 + second
        return (at if at <= local else at - _DAY_S) - offset_s
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if found.tzinfo is None:
        return found.replace(tzinfo=UTC).timestamp() - offset_s
    return found.timestamp()


def local_offset_s() -> float:
    """What this machine's clock is ahead of UTC."""
    is_summer = time.localtime().tm_isdst > 0
    return float(-time.altzone if is_summer else -time.timezone)


def format_between(seconds: float) -> str:
    """The time between two lines: `+0.250`, `+1:02`, `+3:00:01`, `-2d04h`."""
    sign = "-" if seconds < 0 else "+"
    seconds = abs(seconds)
    if seconds < 100:
        return f"{sign}{seconds:.3f}"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours > 99:
        return f"{sign}{hours // 24}d{hours % 24:02}h"
    return f"{sign}{hours}:{minutes:02}:{rest:02}" if hours else f"{sign}{minutes}:{rest:02}"
