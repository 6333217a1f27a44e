"""The parts of a cache key by name, and what differs between two environments of them.

Apart from `keys`, which needs the spec and the rules: what only reads kept parts (`mltui diff`, the
Build pane, `gc`) starts without those.
"""

from __future__ import annotations

import re

from mltui.runs.store import Store

INPUT = "inputs."
PARAM = "params."
ENVIRONMENT = "environment."
RESOLVED = "environment.resolved"
_DIGEST = re.compile(r"(sha256:)?[0-9a-f]{64}")


def resolved_changes(
    store: Store, old: str | None, new: str | None
) -> list[tuple[str, str | None, str | None]]:
    """What differs between two environments: (package or interpreter, from, to)."""
    before, after = _resolved(store, old), _resolved(store, new)
    return [
        (name, before.get(name), after.get(name))
        for name in sorted({*before, *after}, key=str.lower)
        if before.get(name) != after.get(name)
    ]


def _resolved(store: Store, digest: str | None) -> dict[str, str]:
    """Name → version, of the lines that say what an environment is made of."""
    if digest is None or not store.has(digest):
        return {}
    lines = store.read_bytes(digest).decode("utf-8", "replace").splitlines()
    return dict(_named(line) for line in lines if line.strip())


def _named(line: str) -> tuple[str, str]:
    """A package (`name==version`), an interpreter (`# python 3.11`), or what an image is made of.

    That is `base debian:12 sha256:…`, `arg A=b`, `dockerfile …`: digests are shortened.
    """
    line = line.strip()
    if line.startswith("# "):
        name, _, version = line[2:].partition(" ")
    elif line.startswith("arg "):
        name, _, version = line.partition("=")
    elif "==" in line:
        name, _, version = line.partition("==")
    elif line.startswith("sha256:"):
        name, version = "digest", line
    else:
        name, _, version = line.rpartition(" ")
        if not name:
            name, version = line, "there"
    if _DIGEST.fullmatch(version):
        version = version.removeprefix("sha256:")[:12]
    return name.strip(), version.strip()
