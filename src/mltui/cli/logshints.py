"""What `mltui logs` says where no pod or no container is meant by what was asked: what there is."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from mltui.errors import MltuiError, UsageError

if TYPE_CHECKING:
    from mltui.live.kube.cluster import Clusters
    from mltui.live.kube.place import Place

_NAMES = 5


async def no_pods(
    clusters: Clusters, places: Sequence[Place], what: str, targets: Sequence[str]
) -> UsageError:
    """No pod is meant: names that are near, or what there is."""
    from mltui.engines.kubernetes.resources import PODS

    where = ", ".join(place.text for place in places)
    names: list[str] = []
    for place in places:
        client = clusters.cluster(place.context).client
        try:
            found = await client.get(PODS, place.namespace or None, query={"limit": 500})
        except MltuiError:
            continue  # what can't be listed is no hint
        names += [str(pod["metadata"]["name"]) for pod in (found or {}).get("items") or ()]
    return UsageError(f"no pods of {what} in {where}{_hint(names, targets)}")


def _hint(names: Sequence[str], targets: Sequence[str]) -> str:
    if not names:
        return ": there are no pods at all; -n NS or -A looks elsewhere"
    for target in targets:
        word = target.partition("/")[2].partition("/")[0]
        if not target.startswith("pod") or word == "*":
            continue
        for pattern in (word.replace(".*", "*"), f"{word}*", f"*{word}*"):
            near = [name for name in names if fnmatchcase(name, pattern)]
            if near:
                return f": `'{pattern}'` is {_listed(near)}"
    return f": there is {_listed(names)}"


def no_container(
    pods: Sequence[dict[str, Any]],
    what: str,
    where: str,
    asked: Sequence[str],
    without: Sequence[str],
) -> UsageError:
    """Pods are there, and no log: nothing has begun, or no container is meant."""
    from mltui.cli.logpods import PARTS

    names = [str(pod["metadata"]["name"]) for pod in pods]
    known = dict.fromkeys(
        str(each["name"])
        for pod in pods
        for part, _ in PARTS
        for each in (pod.get("spec") or {}).get(part) or ()
    )
    left = [
        name
        for name in known
        if any(fnmatchcase(name, each) for each in asked or ("*",))
        and not any(fnmatchcase(name, each) for each in without)
    ]
    if not left:
        words = ", ".join((*dict.fromkeys(asked), *(f"not {each}" for each in without)))
        return UsageError(f"{what} in {where} has no container {words}: there is {_listed(known)}")
    return UsageError(
        f"no log of {what} in {where} yet: nothing has begun in {', '.join(names[:_NAMES])} "
        "(`-f` waits for it)"
    )


def _listed(names: Sequence[str] | dict[str, Any]) -> str:
    shown = list(names)
    more = f" and {len(shown) - _NAMES} more" if len(shown) > _NAMES else ""
    return ", ".join(shown[:_NAMES]) + more
