"""Asking for services: what the CLI's commands and the app's actions call.

Each call writes what is wanted to the serving journal and makes sure of a supervisor, which does
the rest. Imports no engine and no screen.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from mltui.errors import Conflict, UsageError
from mltui.runs.client import person, start_detached
from mltui.runs.lock import SUPERVISOR, RunnerStatus, read_status
from mltui.runs.planning import find_target
from mltui.runs.project import Project
from mltui.serving import releases
from mltui.serving.ledger import Ledger
from mltui.serving.readings import FILE, Readings
from mltui.serving.rows import Course, Deployment, Standing, Version, deployment_name
from mltui.spec.model import Spec, Target
from mltui.spec.spelling import did_you_mean

LOG = "supervisor.log"
MAX_REPLICAS = 1_000
AUTOMATIC = "mltui"
"""Who acted where no person did."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a deploy, a rollback or a promotion would change: shown first, then applied.

    `expected` is the version that was wanted when it was made; applying it later is a Conflict if
    that has changed.
    """

    version: Version
    replicas: int
    port: int | None
    what: str
    expected: int
    before: Version | None = None
    needs_confirmation: str = ""
    """Why a person has to confirm it: "prod is a production target"; empty: nobody has to."""

    @property
    def deployment(self) -> str:
        """`classifier@local`."""
        return self.version.deployment


class Unchanged(UsageError):
    """The very same is wanted there already, as version `number`."""

    def __init__(self, before: Version) -> None:
        self.number = before.number
        super().__init__(f"{before.deployment} is this already: version {before.number}")


def supervisor_status(project: Project) -> RunnerStatus:
    """Whether a supervisor is there, and which process it is."""
    return read_status(project.folder, SUPERVISOR)


def ensure_supervisor(project: Project) -> None:
    """Start a supervisor unless one is there. Two started at once are harmless: one goes."""
    if not supervisor_status(project).alive:
        start_detached(project, "mltui.serving.supervisor", LOG, "supervisor")


def read(project: Project) -> Readings:
    """The serving journal to read. JournalError when nothing was ever served here."""
    return Ledger.open(project.folder)


def has_journal(project: Project) -> bool:
    """Whether anything was ever served here."""
    return (project.folder / FILE).exists()


def find(project: Project, name: str) -> Deployment:
    """The deployment that a person means by `classifier` or `classifier@prod`. UsageError."""
    if not has_journal(project):
        releases.service_of(project.read_spec(), name.partition("@")[0])
        raise UsageError(f"`{name}` is not deployed: `mltui deploy {name.partition('@')[0]}`")
    with closing(read(project)) as ledger:
        there = ledger.deployments()
    found = [d for d in there if name in (d.name, d.service)]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(f"`{d.name}`" for d in found)
        raise UsageError(f"`{name}` is deployed to {len(found)} targets: say {names}")
    hint = did_you_mean(name, [d.name for d in there] + [d.service for d in there])
    raise UsageError(f"`{name}` is not deployed" + (f": {hint}" if hint else ""))


def preview_deploy(
    project: Project,
    service: str,
    *,
    target: str | None = None,
    run: int | None = None,
    port: int | None = None,
    replicas: int | None = None,
    by: str | None = None,
    why: str = "deployed",
) -> Change:
    """What deploying a run's accepted model would change. Writes nothing to the journal."""
    at = time.time()
    version = releases.take(
        project, service, target=target, run=run, by=by or person(), why=why, at=at
    )
    spec = project.read_spec()
    found = releases.service_of(spec, service)
    wanted = found.replicas if replicas is None else replicas
    what = f"{why}{'' if why == 'deployed' else ':'} run {version.run}"
    return _change(project, spec, version, _count(wanted), port or found.port, what)


def preview_rollback(project: Project, deployment: Deployment, number: int | None) -> Change:
    """What going back to an earlier version would change; None: the one that served before.

    UsageError when there is no such version.
    """
    with closing(read(project)) as ledger:
        versions = ledger.versions(deployment.name)
    if number is None:
        fit = [v for v in versions if v.course is Course.REPLACED and v.number < deployment.version]
        if not fit:
            raise UsageError(f"{deployment.name} has no earlier version that served")
        number = fit[0].number
    chosen = next((v for v in versions if v.number == number), None)
    if chosen is None:
        known = ", ".join(str(v.number) for v in versions[:10])
        raise UsageError(f"{deployment.name} has no version {number}: there is {known}")
    version = replace(
        chosen, at=time.time(), by=person(), why=f"rolled back to version {number}",
        course=Course.WAITING, reason="",
    )  # fmt: skip
    return _change(
        project,
        project.read_spec(),
        version,
        deployment.replicas,
        deployment.port,
        f"rolled back to version {number}",
    )


def preview_promote(
    project: Project, deployment: Deployment, to: str, *, port: int | None = None
) -> Change:
    """What promoting the version that serves to another target would change.

    The same artifacts and code, and where the engine is the same also the same environment.
    Unchanged when that is what is wanted there. UsageError for the target that it is on.
    """
    spec = project.read_spec()
    target = find_target(spec, to)
    if target.name == deployment.target:
        raise UsageError(f"{deployment.name} is on {to} already")
    with closing(read(project)) as ledger:
        chosen = _serving(ledger, deployment)
    releases.target_of(spec, releases.service_of(spec, deployment.service), to)
    version = replace(
        chosen,
        deployment=deployment_name(deployment.service, target.name),
        at=time.time(),
        by=person(),
        why=f"promoted from {deployment.target} (version {chosen.number})",
        engine=target.engine,
        built=chosen.built if target.engine == chosen.engine else None,
        course=Course.WAITING,
        reason="",
    )
    service = releases.service_of(spec, deployment.service)
    what = f"promoted version {chosen.number} of {deployment.name}"
    change = _change(project, spec, version, service.replicas, port or service.port, what)
    before = change.before
    if before is not None and before.course is not Course.FAILED and _is_same(before, version):
        raise Unchanged(before)
    return change


def _is_same(one: Version, other: Version) -> bool:
    """Whether both serve the same: artifacts, code, environment, command."""
    parts = [(v.run, v.spec, v.code, v.inputs, v.params, v.engine) for v in (one, other)]
    built = (one.built, other.built)
    return parts[0] == parts[1] and (None in built or built[0] == built[1])


def _serving(ledger: Readings, deployment: Deployment) -> Version:
    for version in ledger.versions(deployment.name):
        if version.course is Course.SERVING:
            return version
    raise UsageError(f"{deployment.name} has no version that serves: nothing can be promoted")


def _change(
    project: Project, spec: Spec, version: Version, replicas: int, port: int | None, what: str
) -> Change:
    before, expected = None, 0
    if has_journal(project):
        with closing(read(project)) as ledger:
            found = ledger.deployment(version.deployment)
            if found is not None and found.is_wanted:
                before = ledger.version(found.name, found.version)
                if before is not None and before.engine != version.engine:
                    raise UsageError(
                        f"{found.name} runs on {before.engine} and its target is {version.engine} "
                        f"by now: `mltui stop {found.name}` first"
                    )
                expected, replicas, port = found.version, found.replicas, found.port
            elif found is not None and port is None:
                port = found.port
    target = find_target(spec, version.deployment.partition("@")[2])
    return Change(version, replicas, port, what, expected, before, _why_confirm(target))


def why_confirm(project: Project, target: str) -> str:
    """Why a person has to confirm what changes a target; empty: nobody has to."""
    return _why_confirm(find_target(project.read_spec(), target))


def _why_confirm(target: Target) -> str:
    kinds = [
        kind
        for kind, is_so in (("production", target.production), ("read-only", target.read_only))
        if is_so
    ]
    return f"{target.name} is a {' and '.join(kinds)} target" if kinds else ""


def apply(project: Project, change: Change) -> int:
    """Want what a preview showed; the version's number. Conflict when it is out of date."""
    project.prepare()
    spec = project.read_spec()
    service = change.version.deployment.partition("@")[0]
    watching = [
        (monitor.name, monitor.every_s)
        for monitor in spec.monitors.values()
        if any(one.service == service for one in monitor.stage.inputs.values())
    ]
    with closing(Ledger.open(project.folder, write=True)) as ledger:
        version = replace(change.version, at=time.time())
        number = ledger.want_version(
            version,
            replicas=change.replicas,
            port=change.port,
            what=change.what,
            expected=change.expected,
            monitors=watching,
        )
    releases.keep(project, replace(version, number=number))
    ensure_supervisor(project)
    return number


def scale(project: Project, deployment: Deployment, replicas: int) -> None:
    """Want another number of replicas. UsageError when that is none."""
    _count(replicas)
    what = f"scaled {deployment.replicas} → {replicas}"
    state = Standing.REPLACING if replicas != deployment.replicas else deployment.state
    _change_wanted(project, deployment, what, replicas=replicas, is_wanted=True, state=state)


def restart(project: Project, deployment: Deployment) -> float:
    """Replace every replica by a new one of the same version, one after the other; since when."""
    now = time.time()
    _change_wanted(
        project,
        deployment,
        "restarted",
        restarted_at=now,
        is_wanted=True,
        state=Standing.REPLACING if deployment.ready else Standing.STARTING,
    )
    return now


def is_restarted(project: Project, deployment: Deployment, at: float) -> bool:
    """Whether only replicas made since `at` are left of it, or it can't be."""
    if deployment.state is not Standing.READY:
        return deployment.state in (Standing.FAILED, Standing.STOPPED)
    with closing(read(project)) as ledger:
        return all(replica.made_at >= at for replica in ledger.replicas(deployment.name))


def stop(project: Project, deployment: Deployment) -> None:
    """End all replicas and let go of the port; its versions stay."""
    _change_wanted(project, deployment, "stopped", is_wanted=False, state=Standing.STOPPING)


def start(project: Project, deployment: Deployment) -> None:
    """Serve again what was stopped."""
    _change_wanted(project, deployment, "started", is_wanted=True, state=Standing.STARTING)


def _change_wanted(project: Project, deployment: Deployment, what: str, **columns: Any) -> None:
    with closing(Ledger.open(project.folder)) as ledger:
        ledger.change(deployment.name, person(), what, **columns)
    ensure_supervisor(project)


def resume(project: Project) -> bool:
    """Start a supervisor where one is wanted and none is there; whether it was."""
    if not has_journal(project) or supervisor_status(project).alive:
        return False
    with closing(read(project)) as ledger:
        if not ledger.is_needed():
            return False
    ensure_supervisor(project)
    return True


def wait(
    project: Project,
    name: str,
    is_over: Callable[[Deployment], bool],
    timeout_s: float,
    tell: Callable[[Deployment], None] = lambda deployment: None,
) -> Deployment | None:
    """The deployment once `is_over` says so; None when that took too long. `tell`: each change.

    Conflict when it is there no more.
    """
    until = time.monotonic() + timeout_s
    seen = -1
    with closing(read(project)) as ledger:
        while time.monotonic() < until:
            version = ledger.data_version()
            if version != seen:
                seen = version
                found = ledger.deployment(name)
                if found is None:
                    raise Conflict(f"there is no deployment {name} any more")
                tell(found)
                if is_over(found):
                    return found
            time.sleep(0.05)
    return None


def state_of(deployment: Deployment, status: RunnerStatus) -> tuple[Standing, str]:
    """What to show of a deployment, given whether a supervisor is there."""
    at_rest = deployment.state in (Standing.STOPPED, Standing.FAILED)
    if status.alive or (at_rest and deployment.is_wanted is False):
        return deployment.state, deployment.reason
    return Standing.UNKNOWN, _why_gone(deployment)


def _why_gone(deployment: Deployment) -> str:
    """What is known of a deployment that no supervisor keeps."""
    if "url" in deployment.front:
        return (
            "the cluster goes on with it, but its supervisor is gone: `mltui resume` starts another"
        )
    if deployment.changed_at < _booted_at():
        return (
            "this machine was restarted and nothing serves: `mltui resume` serves again (with "
            "`mltui serve --install` it comes back by itself)"
        )
    return "its supervisor is gone: `mltui resume` starts another"


def _booted_at() -> float:
    """When this machine was started; 0 where that is not known."""
    try:
        with open("/proc/uptime", encoding="ascii") as file:  # noqa: PTH123
            return time.time() - float(file.read().split()[0])
    except (OSError, ValueError, IndexError):
        return 0.0


def _count(replicas: int) -> int:
    if not 0 <= replicas <= MAX_REPLICAS:
        raise UsageError(f"{replicas} replicas: from 0 to {MAX_REPLICAS:,} are possible")
    return replicas
