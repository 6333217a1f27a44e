"""The history of a project's findings, one file a project in the person's state folder.

Read and written by the app and `mltui triage`, which change nothing in a project by looking at it.
Losing it loses nothing but memory, so a damaged or read-only file is passed over.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import msgspec

from mltui.runs.project import Project
from mltui.triage.cluster import Cluster
from mltui.triage.facts import Facts
from mltui.triage.finding import Finding
from mltui.triage.history import History, looked
from mltui.triage.quiet import Quiet


def _file(project: Project) -> Path:
    base = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    mark = hashlib.sha256(os.fsencode(project.root.absolute())).hexdigest()[:16]
    return Path(base).expanduser() / "mltui" / "findings" / f"{mark}.json"


def read_history(project: Project) -> History:
    """What is kept; empty when nothing is."""
    try:
        return history_from(json.loads(_file(project).read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError):
        return History()


def history_from(raw: Any) -> History:
    """A history as it was written; empty for what is none."""
    try:
        return msgspec.convert(raw, History)
    except (msgspec.ValidationError, ValueError):
        return History()


def history_to(history: History) -> dict[str, Any]:
    """A history as plain values."""
    return {
        "open": {name: asdict(each) for name, each in history.open.items()},
        "past": [asdict(each) for each in history.past],
        "quiet": {name: asdict(each) for name, each in history.quiet.items()},
    }


def keep_findings(
    project: Project,
    findings: Iterable[Finding],
    facts: Facts,
    clusters: Sequence[Cluster] = (),
) -> History:
    """Note what is wrong now; the history after that. `clusters`: those not among the facts."""
    before = read_history(project)
    after = looked(before, findings, facts, clusters)
    if after is not before and project.file.is_file():
        with suppress(OSError):
            _write(project, after)
    return after


def acknowledge(project: Project, id_: str, quiet: Quiet | None) -> History:
    """Keep a finding quiet from now on; None: tell it again. OSError."""
    before = read_history(project)
    others = {name: each for name, each in before.quiet.items() if name != id_}
    after = replace(before, quiet={**others, id_: quiet} if quiet is not None else others)
    _write(project, after)
    return after


def _write(project: Project, history: History) -> None:
    file = _file(project)
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f"{file.name}.{os.getpid()}")
    new.write_text(json.dumps(history_to(history), ensure_ascii=False, indent=1), encoding="utf-8")
    new.replace(file)
