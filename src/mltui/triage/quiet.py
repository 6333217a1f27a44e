"""Findings that a person has seen and does not want to be told again: for a time, or until changed.

Pure; `runs.findings` keeps them beside the history. They are shown folded away and not counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mltui.triage.finding import Finding

_UNITS = {"m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_TIME = re.compile(r"(?P<number>\d{1,4})(?P<unit>[mhdw])(?:\s+(?P<note>.*))?", re.DOTALL)
MOST_CHARS = 500


@dataclass(frozen=True, slots=True)
class Quiet:
    """What a person said of a finding, and when it is told again."""

    by: str
    at: float
    note: str = ""
    until: float | None = None
    """None: until it reads otherwise than `seen`."""
    seen: str = ""

    def holds(self, finding: Finding, at: float) -> bool:
        """Whether it is still to be kept quiet."""
        if self.until is not None:
            return at < self.until
        return self.seen == reads(finding)


def reads(finding: Finding) -> str:
    """What has to change for a person to be told again: not how often, nor since when."""
    return f"{finding.harm.name} {finding.title} {finding.cause}"


def quiet_by(text: str, finding: Finding, by: str, at: float) -> Quiet:
    """From what a person typed: `known, see the ticket`, or with a time first: `2h deploying`."""
    found = _TIME.fullmatch(text.strip())
    if found is None:
        return Quiet(by, at, text.strip()[:MOST_CHARS], None, reads(finding))
    until = at + int(found["number"]) * _UNITS[found["unit"]]
    return Quiet(by, at, (found["note"] or "").strip()[:MOST_CHARS], until, reads(finding))


def parted(
    findings: Iterable[Finding], quiet: Mapping[str, Quiet], at: float
) -> tuple[list[Finding], list[Finding]]:
    """Those to be told, and those that are kept quiet."""
    told: list[Finding] = []
    silent: list[Finding] = []
    for each in findings:
        known = quiet.get(each.id)
        (silent if known is not None and known.holds(each, at) else told).append(each)
    return told, silent
