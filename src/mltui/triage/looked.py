"""What was looked at: "nothing is wrong" means little without it.

Said by the triage screen and by `mltui triage`. Pure: words from facts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mltui.triage.facts import Facts

BLIND = " in what could be looked at"
"""Added to "nothing is wrong" where that is not all."""
_WORDS = {
    "endpointslices": "endpoint slices",
    "persistentvolumeclaims": "claims",
    "horizontalpodautoscalers": "autoscalers",
    "poddisruptionbudgets": "disruption budgets",
    "storageclasses": "storage classes",
    "ingressclasses": "ingress classes",
    "secrets": "TLS secrets",
    "replicasets": "replica sets",
    "statefulsets": "stateful sets",
    "daemonsets": "daemon sets",
}


def looked_words(
    spaces: Sequence[str | None], counts: Mapping[str, int], refused: Iterable[str]
) -> str:
    """Of a cluster: `namespace dev: 14 pods, 3 deployments; no jobs; not nodes (no right)`."""
    names = [each for each in spaces if each]
    place = "all namespaces"
    if len(names) == len(spaces):
        place = f"namespace{'s' * (len(names) > 1)} {', '.join(names)}"
    may_not = set(refused)
    seen = {kind: count for kind, count in counts.items() if kind not in may_not}
    parts = [", ".join(_counted(count, kind) for kind, count in seen.items() if count)]
    if none := [_WORDS.get(kind, kind) for kind, count in seen.items() if not count]:
        parts.append(f"no {', '.join(none)}")
    if may_not:
        parts.append(
            f"not {', '.join(_WORDS.get(kind, kind) for kind in sorted(may_not))}: no right"
        )
    return f"{place}: {'; '.join(filter(None, parts))}"


def _counted(count: int, kind: str) -> str:
    word = _WORDS.get(kind, kind)
    if count == 1:
        word = word.removesuffix("es") if word.endswith("sses") else word.removesuffix("s")
    return f"{count:,} {word}"


def looked(facts: Facts) -> list[tuple[str, str]]:
    """Place and words, a pair each; what could not be looked at is last, without a place."""
    found: list[tuple[str, str]] = []
    if facts.project:
        found.append((facts.project, _project(facts)))
    for host in facts.hosts:
        words = host.looked if host.is_up else f"does not answer: {host.why}"
        found.append((host.name, words or "it answers"))
    return found + [("", text) for text in facts.unseen]


def _project(facts: Facts) -> str:
    numbers = sorted(run.number for run in facts.runs)
    words = ["mltui.yaml"]
    if numbers:
        runs = ", ".join(map(str, numbers[-3:]))
        words.append(f"run{'s' * (len(numbers) > 1)} {runs}")
        # A stage of several rounds is one stage.
        words.append(_counted(len({each.stage for each in facts.stages}), "stages"))
    for count, kind in (
        (len(facts.builds), "builds"),
        (len(facts.services), "services"),
        (len(facts.monitors), "monitors"),
    ):
        if count:
            words.append(_counted(count, kind))
    return ", ".join(words)
