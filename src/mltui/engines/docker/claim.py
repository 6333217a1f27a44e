"""Who may start an attempt's container: a file in the attempt's folder, made exclusively.

Called by the engine. A starter claims after it made the container and before it starts it; a runner
that looks for the attempt after a crash claims it too. Exactly one of the two wins, so that
"it never started and never will" can be promised.
"""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import dataclass
from pathlib import Path

FILE = "claim"


@dataclass(frozen=True, slots=True)
class Claim:
    """Whose the attempt is. `container` is empty when it was claimed so that nobody starts it."""

    by: str
    container: str


class Claims:
    """The claims of one engine, which is one owner."""

    def __init__(self) -> None:
        self._me = f"{os.getpid()}-{uuid.uuid4().hex}"

    def take(self, folder: Path, container: str) -> Claim | None:
        """Claim an attempt; None when it is ours now, else the claim that stands against it.

        OSError when the folder can't be written.
        """
        data = json.dumps({"by": self._me, "container": container}).encode("ascii")
        # Written before it gets its name, so that nobody ever reads half a claim.
        temporary = folder / f"{FILE}.{self._me}"
        temporary.write_bytes(data)
        try:
            os.link(temporary, folder / FILE)
        except FileExistsError:
            standing = _read(folder)
            if standing is not None and standing.by == self._me:
                temporary.replace(folder / FILE)
                return None
            return standing or Claim("", "")
        finally:
            temporary.unlink(missing_ok=True)
        return None

    def look(self, folder: Path) -> Claim | None:
        """Claim an attempt so that nobody starts it; the claim that stood, ours too, or None."""
        standing = _read(folder)
        if standing is None:
            standing = self.take(folder, "")
        return standing

    def over(self, folder: Path) -> None:
        """The claimed container is gone for good: the attempt may be started by us."""
        data = json.dumps({"by": self._me, "container": ""}).encode("ascii")
        temporary = folder / f"{FILE}.{self._me}"
        temporary.write_bytes(data)
        temporary.replace(folder / FILE)


def _read(folder: Path) -> Claim | None:
    try:
        data = json.loads((folder / FILE).read_bytes())
        return Claim(str(data["by"]), str(data["container"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
