"""The manifest of a folder in the store: a line of JSON for each file in it, sorted by path.

Written and read by `store`; `inputfiles` makes members of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Member:
    """One line of a folder's manifest. An empty folder is a member whose path ends in `/`."""

    path: str
    """Relative, `/` between parts."""
    digest: str
    """Empty for a folder."""
    size_bytes: int
    is_executable: bool = False


def encode(members: Iterable[Member]) -> tuple[str, int]:
    """The text of a manifest, and the bytes of all its members together."""
    lines = []
    total = 0
    for member in sorted(members, key=lambda member: member.path):
        total += member.size_bytes
        line = [member.path, member.digest, member.size_bytes, int(member.is_executable)]
        lines.append(json.dumps(line, separators=(",", ":")))
    return "".join(f"{line}\n" for line in lines), total


def decode(data: bytes) -> list[Member]:
    """The reverse of `encode`. ValueError or TypeError when it is not (whole) a manifest."""
    rows = [json.loads(line) for line in data.splitlines()]
    return [Member(path, digest, size, bool(x)) for path, digest, size, x in rows]
