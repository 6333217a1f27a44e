"""The action journal: who did what to what, when, and how it ended; one JSON object a line.

Written by the app's settings, read for a bundle.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_BYTES = 1 << 20
"""So much of its end is read."""


def acts_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Where it is, in the person's state folder."""
    base = environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser() / "mltui" / "actions.jsonl"


def read_acts(most: int, environ: Mapping[str, str] = os.environ) -> list[dict[str, Any]]:
    """The newest of them, oldest first; lines that are none are passed over."""
    try:
        with acts_file(environ).open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - _BYTES, 0))
            lines = file.read().splitlines()
    except OSError:
        return []
    found = []
    for line in lines[-most:]:
        try:
            act = json.loads(line)
        except ValueError:
            continue
        if isinstance(act, dict):
            found.append(act)
    return found
