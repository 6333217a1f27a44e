"""Certificates that have ended, or will soon: of TLS Secrets, and the one we log in with."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from mltui.triage.cluster import Cluster
from mltui.triage.finding import Evidence, Finding, Harm, Opens
from mltui.triage.kube import Certificate
from mltui.triage.rules import ClusterRule

SOON_S = 14 * 86_400.0
SHARE = 0.2
"""Of a life that is short anyway only the last part is soon."""


def examine(cluster: Cluster, each: Certificate) -> Iterator[Finding]:
    """One that has ended is broken; one that is about to, a warning."""
    if each.ends_at is None:
        return
    life = each.ends_at - (each.begins_at or each.ends_at - 10 * SOON_S)
    soon = min(SOON_S, SHARE * life)
    if not cluster.passed(each.ends_at, -soon):
        return
    is_over = cluster.passed(each.ends_at, 0.0)
    date = _date(each.ends_at)
    words = f"ended on {date}" if is_over else f"ends on {date}"
    what = f"the certificate of Secret {each.name} in {each.namespace}"
    effect = "who checks it refuses the connection"
    if each.is_login:
        what = f"the certificate that {each.name} logs in with"
        effect = "the cluster lets nobody in with it"
    yield Finding(
        rule=RULE.name,
        key=each.key,
        object=what.removeprefix("the "),
        cause=f"it {words}; {effect}" + ("" if is_over else " from then on"),
        headline=f"{what} {words}",
        harm=Harm.WRONG if is_over else Harm.WARNING,
        evidence=(Evidence("field", f"{what} {words}", Opens("certificate", each.key)),),
        since=each.ends_at if is_over else each.ends_at - soon,
    )


def _date(at: float) -> str:
    """A record may hold what is no time of the calendar."""
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return "no day of the calendar"


RULE = ClusterRule(
    "kube-certificate", "A certificate has ended, or ends soon.", {Certificate: examine}
)
