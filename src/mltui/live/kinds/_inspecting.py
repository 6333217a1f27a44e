"""All that a daemon says of a thing, as JSON for a person to read; secrets masked."""

from __future__ import annotations

import json

from mltui.live.daemon import Daemon
from mltui.live.masking import mask_inspection


async def inspect(daemon: Daemon, path: str, secrets: bool) -> str:
    """The answer at a path of the API, indented. DockerError (404 when it is gone), Unreachable."""
    found = await daemon.get(path)
    return as_text(found, secrets)


def as_text(found: object, secrets: bool) -> str:
    """JSON as text; what a terminal must not get is escaped."""
    shown = found if secrets else mask_inspection(found)
    text = json.dumps(shown, indent=2, ensure_ascii=False)
    if text.isascii():
        return text.replace("\x7f", "\\u007f")
    return "".join(c if c.isprintable() or c == "\n" else _escaped(c) for c in text)


def _escaped(char: str) -> str:
    return json.dumps(char)[1:-1] if ord(char) > 0x7E else f"\\u{ord(char):04x}"
