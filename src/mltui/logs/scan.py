"""Whether a piece of text has any of some strings, at the speed of memory.

Called by `logs.search` for a megabyte at a time, before lines are looked at. With Hyperscan
(Vectorscan) where there is a build of it: several strings, and letters of either case, cost what
one string costs. Where there is none `bytes.find` does it, for letters as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

Scan = Callable[[bytes], bool]


def scan_for(strings: Sequence[bytes], *, ignore_case: bool) -> Scan | None:
    """A test of a text for *strings*; None: nothing here is faster than to look at each line.

    *ignore_case*: of ASCII letters; the strings are in lower case then.
    """
    if not strings or not all(strings):
        return None
    try:
        import hyperscan
    except ImportError:
        if ignore_case:
            return None
        return lambda data: any(string in data for string in strings)
    flags = hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_DOTALL
    if ignore_case:
        flags |= hyperscan.HS_FLAG_CASELESS
    database = hyperscan.Database()
    try:
        database.compile(
            expressions=[b"".join(b"\\x%02x" % byte for byte in string) for string in strings],
            ids=list(range(len(strings))),
            elements=len(strings),
            flags=[flags] * len(strings),
        )
    except hyperscan.error:  # too long for it
        return None
    found: list[int] = []

    def hear(number: int, *_: object) -> None:
        found.append(number)

    def scan(data: bytes) -> bool:
        found.clear()
        database.scan(data, match_event_handler=hear)
        return bool(found)

    return scan
