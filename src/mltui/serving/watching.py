"""Asking for monitors: switched on and off, measured now. What the CLI and the app's actions call.

Like `client`, which does it for services: what is wanted is written, a supervisor sees to it.
"""

from __future__ import annotations

import time
from contextlib import closing

from mltui.errors import UsageError
from mltui.runs.client import person
from mltui.runs.project import Project
from mltui.serving.client import ensure_supervisor, has_journal, read
from mltui.serving.ledger import Ledger
from mltui.serving.rows import MonitorRow
from mltui.spec.spelling import did_you_mean


def switch_monitor(project: Project, name: str, target: str, *, on: bool) -> None:
    """Have a monitor run on its schedule, or no longer. UsageError for one that is not there."""
    spec = project.read_spec()
    declared = spec.monitors.get(name)
    if declared is None and on:
        hint = did_you_mean(name, spec.monitors)
        raise UsageError(f"there is no monitor `{name}`" + (f": {hint}" if hint else ""))
    project.prepare()
    with closing(Ledger.open(project.folder, write=True)) as ledger:
        found = ledger.monitor(name, target)
        if on and declared is not None:
            ledger.want_monitor(name, target, declared.every_s, person(), "switched on")
        elif found is not None:
            ledger.change_monitor(found, person(), "switched off", wanted=0)
        else:
            raise UsageError(f"the monitor `{name}` is not on")
    ensure_supervisor(project)


def find_monitor(project: Project, name: str) -> MonitorRow:
    """A monitor that was switched on, by `drift` or `drift@prod`. UsageError."""
    rows: list[MonitorRow] = []
    if has_journal(project):
        with closing(read(project)) as ledger:
            rows = ledger.monitors()
    found = [m for m in rows if name in (m.name, f"{m.name}@{m.target}")]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(f"`{m.name}@{m.target}`" for m in found)
        raise UsageError(f"`{name}` watches {len(found)} targets: say {names}")
    hint = did_you_mean(name, [m.name for m in rows])
    raise UsageError(f"the monitor `{name}` is not on" + (f": {hint}" if hint else ""))


def measure_now(project: Project, monitor: MonitorRow) -> float:
    """Have a monitor run now, whatever its schedule; when it was asked."""
    now = time.time()
    with closing(Ledger.open(project.folder)) as ledger:
        ledger.change_monitor(monitor, person(), "asked to measure now", asked_at=now)
    ensure_supervisor(project)
    return now
