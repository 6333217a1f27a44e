"""What the commands about services share: what is shown before, while and after they act.

Used by `deploy`, `serve`, `scale`, `restart`, `stop`, `rollback`, `promote`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import closing

from mltui.cli import diagnostics
from mltui.cli.output import Output, is_terminal
from mltui.errors import UsageError
from mltui.runs.project import Project
from mltui.serving import client
from mltui.serving.changes import change_lines
from mltui.serving.client import Change
from mltui.serving.rows import Course, Deployment, Standing
from mltui.text import format_number

WAIT_S = 600.0
"""How long a command waits for what it asked for; what is wanted stays wanted after that."""


def confirm(change: Change, out: Output, *, yes: bool, always: bool = False) -> bool:
    """Show what would change and have it confirmed where that is needed.

    UsageError where nobody can answer and `--yes` was not said.
    """
    for line in change_lines(change):
        out.line(out.say(line))
    if change.needs_confirmation:
        out.line(out.paint(out.say(f"{change.needs_confirmation}."), "warn"))
    if yes or not (always or change.needs_confirmation):
        return True
    if not (out.is_terminal and is_terminal(sys.stdin)):
        why = change.needs_confirmation or "this changes what is served"
        raise UsageError(f"{why}: say `--yes` to do it")
    out.flush()
    try:
        answer = input(f"Serve this as {change.deployment}? [y/N] ")
    except EOFError:
        answer = ""
    if answer.strip().lower() in ("y", "yes"):
        return True
    out.line("nothing was changed")
    return False


def follow_version(project: Project, name: str, number: int, out: Output) -> int:
    """Wait until a version serves, or is given back; the exit code."""

    def is_over(found: Deployment) -> bool:
        with closing(client.read(project)) as ledger:
            version = ledger.version(name, number)
        return version is None or version.course is not Course.WAITING

    found = follow(project, name, is_over, out)
    if found is None:
        return diagnostics.FAILED
    # The deployment as it is now: what was seen before may be from before it was given back.
    with closing(client.read(project)) as ledger:
        version = ledger.version(name, number)
        found = ledger.deployment(name) or found
    assert version is not None
    if version.course is Course.FAILED and found.version > number and "wanted" in version.reason:
        diagnostics.fail(f"version {number} of {name} does not serve: {version.reason}")
        return diagnostics.FAILED
    if version.course is Course.FAILED:
        back = "" if found.version == number else f"; version {found.version} serves again"
        diagnostics.fail(f"version {number} of {name} does not get healthy{back}: {version.reason}")
        return diagnostics.FAILED
    out.line(summary(found, out))
    if found.forward:
        out.line(out.say(f"from this machine: {found.forward}"))
    return diagnostics.DONE


def follow(
    project: Project, name: str, is_over: Callable[[Deployment], bool], out: Output
) -> Deployment | None:
    """Tell how a deployment gets on until it is as it should be. None: it takes too long."""

    def tell(found: Deployment) -> None:
        reason = f": {found.reason}" if found.reason else ""
        out.status(f"{name} {found.state} {found.ready}/{found.replicas}{reason}")

    try:
        found = client.wait(project, name, is_over, WAIT_S, tell)
    except KeyboardInterrupt:
        out.status("")
        diagnostics.note(f"{name} goes on: `mltui ls services` shows it")
        raise
    out.status("")
    if found is None:
        diagnostics.fail(f"{name} has not got there in {WAIT_S / 60:.0f} minutes; it goes on")
    return found


def summary(found: Deployment, out: Output) -> str:
    """`classifier@local  2/2 ready  version 3  http://127.0.0.1:8080`."""
    parts = [found.name, f"{found.ready}/{found.replicas} ready", f"version {found.version}"]
    if found.url is not None:
        parts.append(found.url)
    if found.reason:
        parts.append(found.reason)
    return out.say("  ".join(parts))


def is_settled(found: Deployment) -> bool:
    """Nothing more happens to it unless something happens."""
    return found.state in (Standing.READY, Standing.FAILED, Standing.STOPPED)


def metrics_text(metrics: dict[str, float]) -> str:
    """`accuracy 0.985, loss 0.12`."""
    return ", ".join(f"{name} {format_number(value)}" for name, value in metrics.items())
