"""Cache keys of instances, and the results that are kept under them.

Called by the runner before an attempt, by a retry to see what is stale, by `explain` and by
`dryrun`: they must all mean the same by "would be taken from the cache".
"""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mltui.pipeline.cachekey import diff_parts, key_of, key_parts
from mltui.pipeline.gates import usable
from mltui.pipeline.model import InputValue
from mltui.pipeline.rows import Instance
from mltui.runs.code import read_code
from mltui.runs.journal import Journal
from mltui.runs.parts import ENVIRONMENT, INPUT, PARAM, RESOLVED, resolved_changes
from mltui.runs.planning import Blueprint
from mltui.runs.rows import Result
from mltui.runs.store import Store
from mltui.spec.model import Environment, ParamValue, Stage
from mltui.text.format import format_duration

_CANDIDATES = 10
"""With how many earlier results a key is compared to say why it differs."""
_NAMED = 2
"""How many causes a sentence names."""


@dataclass(frozen=True, slots=True)
class Key:
    """The cache key of an instance, with what it is made of."""

    key: str
    parts: Mapping[str, str]


def key_for(
    blueprint: Blueprint,
    instance: Instance,
    inputs: Mapping[str, str],
    params: Mapping[str, ParamValue],
    environment: Environment | None,
    resolved: str | None,
) -> Key:
    """The key of an instance. inputs: name → digest; resolved: digest of what is installed."""
    stage = blueprint.stage(instance.stage)
    parts = key_parts(
        stage,
        inputs=inputs,
        code=blueprint.code[stage.name],
        params=params,
        environment=_environment_parts(environment, resolved),
        number=instance.round,
        item=instance.item,
    )
    return Key(key_of(parts), parts)


def _environment_parts(environment: Environment | None, resolved: str | None) -> dict[str, str]:
    if environment is None or resolved is None:
        return {"platform": f"{sys.platform}-{platform.machine()}"}
    parts = {"resolved": resolved}
    if environment.variables:
        parts["variables"] = json.dumps(dict(environment.variables), sort_keys=True)
    return parts


def input_digest(store: Store, value: InputValue) -> str:
    """The digest of an input that stages made; of all items, that of their list."""
    if value.artifact is not None:
        return value.artifact.digest
    assert value.items is not None
    entries = {item: artifact.digest for item, artifact in value.items.items()}
    return store.put_text(json.dumps(entries, sort_keys=True, indent=0)).digest


def find_result(
    journal: Journal, store: Store, stage: Stage, key: str, now: float
) -> tuple[Result | None, str]:
    """The kept result that may be taken, else why none may (empty: there is none)."""
    if not stage.cache.enabled:
        return None, "its cache is off"
    found = journal.result(key)
    if found is None:
        return None, ""
    limit = stage.cache.max_age_s
    if limit is not None and now - found.at > limit:
        return None, f"its result is older than {format_duration(limit)}"
    if not usable(stage, found.metrics):
        return None, "its result lacks a metric that the gate needs now"
    if not all(store.check(artifact) for artifact in found.outputs.values()):
        return None, "outputs of its result are no longer kept"
    return found, ""


def candidates(journal: Journal, stage: str) -> list[Result]:
    """Earlier results of a stage, newest first.

    Also those that it took from the cache although another stage, of the same key, made them.
    """
    found = journal.results(stage, limit=_CANDIDATES)
    if found:
        return found
    known = (journal.result(key) for key in journal.keys_of(stage, limit=_CANDIDATES))
    return [result for result in known if result is not None]


def nearest_of(
    results: Iterable[Result], instance: Instance, parts: Mapping[str, str]
) -> Result | None:
    """The result that differs in the fewest parts; of equals the same instance's, then the first.

    So a round is compared with itself in an earlier run, an item with itself.
    """

    def distance(result: Result) -> tuple[int, bool]:
        maker = result.source.split(" ", 2)[-1].rpartition(".")[0]
        return len(diff_parts(result.parts, parts)), maker != instance.label

    return min(results, key=distance, default=None)


def why_it_runs(
    journal: Journal, store: Store, instance: Instance, parts: Mapping[str, str]
) -> str:
    """Why no kept result fits, in a sentence: "digits/train.py changed", "c 0.01 → 1"."""
    before = nearest_of(candidates(journal, instance.stage), instance, parts)
    if before is None:
        return "no earlier result"
    return sentence(store, before.parts, parts) or "it runs again"


def sentence(store: Store, before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """What changed between two keys, in a few words; empty when nothing did."""
    causes: list[str] = []
    for part, old, new in diff_parts(before, after):
        if part == "command" and causes:
            continue  # it differs because something else does
        causes.extend(_causes(store, part, old, new))
    more = len(causes) - _NAMED
    text = ", ".join(causes[:_NAMED])
    return f"{text} and {more} more" if more > 0 else text


def _causes(store: Store, part: str, old: str | None, new: str | None) -> list[str]:
    """What a difference means, in a few words each."""
    name = part.partition(".")[2]
    if part == "code":
        return code_causes(store, old, new)
    if part == RESOLVED:
        changes = resolved_changes(store, old, new)
        return [f"{what} {a or 'none'} → {b or 'none'}" for what, a, b in changes] or [
            "its environment changed"
        ]
    if part.startswith(INPUT):
        return [f"input {name} {_verb(old, new)}"]
    if part.startswith(PARAM) or part in ("round", "item"):
        return [f"{name or part} {old or 'unset'} → {new or 'unset'}"]
    if part.startswith(ENVIRONMENT):
        return [f"environment {name} {_verb(old, new)}"]
    return [f"{part} changed"]


def _verb(old: object, new: object) -> str:
    if old is None:
        return "is new"
    return "is gone" if new is None else "changed"


def code_causes(store: Store, old: str | None, new: str | None) -> list[str]:
    """Which files of the code differ, without looking into them."""
    if old is None or new is None or not (store.has(old) and store.has(new)):
        return ["its code changed"]
    before, after = read_code(old, store), read_code(new, store)
    changed = {path for path in {*before, *after} if before.get(path) != after.get(path)}
    return [f"{path} {_verb(before.get(path), after.get(path))}" for path in sorted(changed)]
