"""Findings from one look to the next: since when each is known, which went away, and how.

Pure; `runs.findings` keeps it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mltui.triage.cluster import Cluster
from mltui.triage.diagnosis import ordered
from mltui.triage.facts import Facts
from mltui.triage.finding import Finding, Harm
from mltui.triage.kube import Pod, Workload
from mltui.triage.kube_routes import Service
from mltui.triage.quiet import Quiet

MOST = 100
"""So many that went away are kept, the newest."""


@dataclass(frozen=True, slots=True)
class Past:
    """A finding that went away."""

    id: str
    key: str
    title: str
    since: float | None
    ended_at: float
    how: str
    """How it ended, in words: `succeeded with attempt 4`."""


@dataclass(frozen=True, slots=True)
class Open:
    """A finding that was there when last looked."""

    key: str
    title: str
    since: float


@dataclass(frozen=True, slots=True)
class History:
    """What is known from before."""

    open: Mapping[str, Open] = field(default_factory=dict)
    past: tuple[Past, ...] = ()
    """The newest first."""
    quiet: Mapping[str, Quiet] = field(default_factory=dict)
    """What persons have acknowledged, by the finding's id."""


def looked(
    history: History,
    findings: Iterable[Finding],
    facts: Facts,
    clusters: Sequence[Cluster] = (),
) -> History:
    """The history after another look; notes are not kept. `clusters`: those not among the facts.

    What could not be looked at now, because its host does not answer, is not taken to be well.
    """
    findings = list(findings)
    now = {
        each.id: Open(each.key, each.title, each.since or facts.at)
        for each in findings
        if each.harm is not Harm.NOTE
    }
    known: dict[str, Open] = {}
    gone: list[Past] = []
    for id_, before in history.open.items():
        if id_ in now:
            now[id_] = replace(now[id_], since=min(before.since, now[id_].since))
        elif not _was_looked_at(before.key, facts):
            known[id_] = before
        else:
            how = _how_there(before.key, facts, clusters) or _how(before.key, facts)
            gone.append(Past(id_, before.key, before.title, before.since, facts.at, how))
    still = {**known, **now}
    by_id = {each.id: each for each in findings}
    quiet = {
        id_: each
        for id_, each in history.quiet.items()
        if id_ in still and (id_ not in by_id or each.holds(by_id[id_], facts.at))
    }
    if not gone and still == dict(history.open) and quiet == dict(history.quiet):
        return history
    return History(still, (*gone, *history.past)[:MOST], quiet)


def since_known(findings: Iterable[Finding], history: History) -> list[Finding]:
    """The findings with the time when they were first seen: a crash loop does not climb."""
    found = []
    for each in findings:
        known = history.open.get(each.id)
        found.append(each if known is None else replace(each, since=known.since))
    return ordered(found)


def _was_looked_at(key: str, facts: Facts) -> bool:
    kind = key.partition(":")[0]
    if kind == "host":
        return any(host.key == key.removesuffix(":disk") for host in facts.hosts)
    if kind == "container":
        return any(host.engine == "docker" and host.is_up for host in facts.hosts)
    if kind in ("stage", "run", "build", "stale"):
        return bool(facts.runs)
    if kind == "served":
        return any(key.startswith(each.key) for each in facts.services)
    if kind == "monitor":
        return any(key == each.key for each in facts.monitors)
    name = key.partition("@")[2]
    return any(
        host.engine == "kubernetes" and host.is_up and host.name == name for host in facts.hosts
    )


def _how_there(key: str, facts: Facts, clusters: Sequence[Cluster]) -> str:
    """What became of a cluster's object; empty for other keys."""
    place, _, context = key.partition("@")
    if not context:
        return ""
    row: object = None
    for each in clusters:
        if each.name == context:
            row = each.subjects.get(place)
    for kube in facts.clusters:
        if kube.cluster == context:
            row = next((x for x in kube.rows() if getattr(x, "key", "") == place), None)
    kind = place.partition(":")[0]
    if isinstance(row, Pod):
        return "it is well again" if row.is_well else f"it is {row.phase.lower()} now"
    if isinstance(row, Workload):
        return f"{row.ready} of {row.desired} pods are ready now"
    if isinstance(row, Service) and row.ready is not None:
        return f"it has {row.ready} ready addresses now"
    if row is None and kind in (
        "pod",
        "deployment",
        "job",
        "service",
        "claim",
        "ingress",
        "leaving",
    ):
        return "it is gone"
    return "it is not so any more"


def _how(key: str, facts: Facts) -> str:
    """What became of it, by what is known now."""
    kind, _, rest = key.partition(":")
    if kind == "stage":
        run = rest.partition(":")[0]
        stage = next((each for each in facts.stages if each.key == key), None)
        if stage is None:
            newest = max((each.number for each in facts.runs), default=0)
            return f"run {newest} took the place of run {run}" if newest else "its run is gone"
        if stage.state in ("succeeded", "cached"):
            tries = f" with attempt {stage.attempt}" if stage.attempt > 1 else ""
            return f"it {stage.state}{tries}" if stage.state == "succeeded" else "it was cached"
        if stage.state in ("pending", "ready", "building", "running"):
            return "it is tried again"
        return f"it is {stage.state} now"
    if kind == "run":
        found = next((each for each in facts.runs if each.key == key), None)
        return f"the run is {found.state}" if found is not None else "a newer run took its place"
    if kind == "build":
        return "it was built"
    if kind == "container":
        found_ = next((each for each in facts.containers if each.key == key), None)
        return f"it is {found_.state} now" if found_ is not None else "it is well again, or gone"
    return "it is not so any more"
