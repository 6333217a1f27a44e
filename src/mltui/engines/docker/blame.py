"""Which line of a requirements file pip's output means.

Called when a build failed. pip names a package; the person wants the line that asks for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from mltui.engines.docker.dockerfile import Instruction

_NAME = r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)"
_PATTERNS = (
    re.compile(r"No matching distribution found for " + _NAME),
    re.compile(r"Could not find a version that satisfies the requirement " + _NAME),
    re.compile(r"Failed building wheel for " + _NAME),
    re.compile(r"Failed to build " + _NAME),
    re.compile(r"Cannot install (?:-r \S+ \(line \d+\) and )?" + _NAME),
    re.compile(r"Package '?" + _NAME + r"'? requires a different Python"),
)
_FROM_LINE = re.compile(r"\(from (?:-r )?(?:line (?P<line>\d+) of )?(?P<file>[^()]+?)"
                        r"(?: \(line (?P<line2>\d+)\))?\)")  # fmt: skip
_OPTION = re.compile(r"(?:-r|--requirement)[ =]?(?P<file>[^\s&;|)]+)")


def requirement_line(
    output: Sequence[str], instruction: Instruction | None, files: Iterable[Path]
) -> tuple[Path, int] | None:
    """The requirements line that the output is about, in one of `files`; None when it names none.

    Of several files, those come first whose name the instruction has after `-r`.
    """
    named = {
        match["file"].strip("\"'").rpartition("/")[2]
        for match in _OPTION.finditer(instruction.text if instruction is not None else "")
    }
    candidates = sorted(files, key=lambda file: file.name not in named)
    for line in reversed(output):
        place = _FROM_LINE.search(line)
        if place is not None and (place["line"] or place["line2"]):
            base = place["file"].strip().rpartition("/")[2]
            for file in candidates:
                if file.name == base:
                    return file, int(place["line"] or place["line2"])
        for pattern in _PATTERNS:
            if found := pattern.search(line):
                place_of = _find(found["name"], candidates)
                if place_of is not None:
                    return place_of
    return None


def _find(name: str, files: Iterable[Path]) -> tuple[Path, int] | None:
    wanted = _normal(name)
    for file in files:
        try:
            lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue
        for number, line in enumerate(lines, 1):
            found = re.match(r"\s*" + _NAME, line)
            if found is not None and _normal(found["name"]) == wanted:
                return file, number
    return None


def _normal(name: str) -> str:
    """As package names are compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower().rstrip("-")
