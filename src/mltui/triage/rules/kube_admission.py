"""Pods that can't even be made: quota, limits, pod security, a webhook, no ServiceAccount."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mltui.triage.cluster import Cluster
from mltui.triage.finding import Finding, Fix, Harm
from mltui.triage.kube import Event, Workload
from mltui.triage.rules import ClusterRule
from mltui.triage.rules._pods import FRESH_S, event_evidence, on_object, tidy

_QUOTA = re.compile(
    r"exceeded quota: (?P<name>[^,]+), requested: (?P<asked>.+), used: (?P<used>.+), "
    r"limited: (?P<limit>.+)"
)
_MUST = re.compile(r"failed quota: (?P<name>[^:]+): must specify (?P<what>.+)")
_RANGE = re.compile(
    r"(?:maximum|minimum) (?:cpu|memory|\S+) usage per (?:Container|Pod) is [^.\]]+"
)
_SECURITY = re.compile(r'violates PodSecurity "(?P<level>[^"]+)": (?P<what>.+)')
_WEBHOOK = re.compile(r'admission webhook "(?P<name>[^"]+)" denied the request:? ?(?P<why>.*)')
_NO_WEBHOOK = re.compile(r'failed calling webhook "(?P<name>[^"]+)": (?P<why>.*)')
_REFUSED = re.compile(
    r'^(?:\(combined from similar events\): )?Error creating: (?:pods? "[^"]*" is forbidden: )?'
)
_ACCOUNT = re.compile(r'serviceaccount "(?P<name>[^"]+)" not found')


def examine(cluster: Cluster, each: Workload) -> Iterator[Finding]:
    """One that lacks pods, with an event of why; with all its pods the event is of the past."""
    if each.desired <= 0 or each.ready >= each.desired:
        return
    events = cluster.events(each.kind, each.namespace, each.name, "FailedCreate")
    if not events or cluster.owned_by(each) >= each.desired:
        return
    if each.kind == "CronJob":
        at = events[-1].last_at
        is_past = at is not None and (cluster.passed(at, FRESH_S) or (each.made_at or 0.0) > at)
        if not is_past and not each.is_paused:
            yield _finding(cluster, each, events[-1])
    elif cluster.sees("Pod", each.namespace) or not cluster.passed(events[-1].last_at, FRESH_S):
        yield _finding(cluster, each, events[-1])


def _finding(cluster: Cluster, workload: Workload, event: Event) -> Finding:
    chain = [(workload.kind, workload.name)]
    chain += cluster.owners(workload.namespace, workload.owner)
    kind, name = chain[-1]
    short, cause = _why(event.message)
    what = "Jobs" if workload.kind == "CronJob" else "pods"
    fix = on_object(cluster, "edit", kind, workload.namespace, name)
    return Finding(
        rule=RULE.name,
        key=workload.key,
        object=f"{kind} {name} in {workload.namespace}",
        cause=cause,
        headline=f"{kind} {name} in {workload.namespace} may have no {what}: {short}",
        harm=Harm.WRONG,
        evidence=tuple(event_evidence([event])),
        fixes=(Fix(f"edit {kind} {name}", (fix,)),),
        since=event.first_at,
        count=event.count,
        explains=tuple(f"{k.lower()}:{workload.namespace}/{n}" for k, n in chain),
        group=f"{workload.namespace}/{kind}/{name}",
    )


def _why(message: str) -> tuple[str, str]:
    if found := _QUOTA.search(message):
        return (
            f"quota {found['name']} is used up",
            f"quota {found['name']} allows {found['limit']}; {found['used']} is in use and "
            f"{found['asked']} more is asked for",
        )
    if found := _MUST.search(message):
        what = f"quota {found['name']} demands that it says {found['what']}"
        return what, what
    if found := _SECURITY.search(message):
        return (
            f"the namespace's pod security ({found['level'].partition(':')[0]}) forbids it",
            tidy(found["what"]),
        )
    if found := _WEBHOOK.search(message):
        return f"webhook {found['name']} refuses it", tidy(found["why"] or message)
    if found := _NO_WEBHOOK.search(message):
        return f"webhook {found['name']} does not answer", tidy(found["why"])
    if found := _ACCOUNT.search(message):
        return (
            f"there is no ServiceAccount {found['name']}",
            f"its pods are to run as the ServiceAccount {found['name']}, which does not exist",
        )
    if found := _RANGE.search(message):
        return "a LimitRange forbids its resources", tidy(found[0])
    why = tidy(_REFUSED.sub("", message))
    return why or "the API server refuses them", why or "the API server does not say why"


RULE = ClusterRule(
    "kube-admission",
    "Pods can't be made: quota, limits, security, webhooks.",
    {Workload: examine},
)
