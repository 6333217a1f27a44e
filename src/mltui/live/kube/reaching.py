"""Which pod, and which of its ports, an object of a cluster means to whoever connects to it.

Called by `forwards`. A Service chooses pods by its selector and names their port; what keeps pods
running chooses them by its own; a pod is itself, and once it is gone what its maker made anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mltui.errors import MltuiError, UsageError
from mltui.live.cells import plain
from mltui.live.kube.cluster import Cluster, status_of
from mltui.live.verbs._verb import Ref

_SIGNS = {"In": "in", "NotIn": "notin"}


@dataclass(frozen=True, slots=True)
class Aim:
    """What was meant: pods by a selector, or one by its name."""

    ref: Ref
    remote: str
    """The port as the person named it."""
    selector: str = ""
    """Of the pods; empty for a pod that nothing would make anew."""
    target: str = ""
    """The port of the pods, where it is another: a number or a name."""


@dataclass(frozen=True, slots=True)
class Hit:
    """The pod that is reached now."""

    pod: str
    uid: str
    port: int


async def take_aim(cluster: Cluster, ref: Ref, remote: str) -> Aim:
    """Read what an object means. UsageError for a port that it does not have, MltuiError."""
    from mltui.engines.kubernetes.resources import SERVICES
    from mltui.live.kube.verbs._objects import resource_of

    client = cluster.client
    if ref.kind == "services":
        found = await client.get(SERVICES, ref.namespace, ref.name)
        spec = found.get("spec") or {}
        chosen = ",".join(f"{k}={v}" for k, v in sorted((spec.get("selector") or {}).items()))
        if not chosen:
            raise UsageError(f"{ref.text} chooses no pods: there is nothing to lead to")
        ports = spec.get("ports") or ()
        port = next((p for p in ports if remote in (str(p.get("port")), p.get("name"))), None)
        if port is None:
            known = ", ".join(plain(str(each.get("port"))) for each in ports) or "none"
            raise UsageError(f"{ref.text} has no port {remote}: there is {known}")
        return Aim(ref, remote, chosen, str(port.get("targetPort") or port.get("port")))
    if ref.kind == "pods":
        return Aim(ref, remote, await _makers(cluster, ref), remote)
    found = await client.get(await resource_of(cluster, ref), ref.namespace, ref.name)
    return Aim(ref, remote, selector_of((found.get("spec") or {}).get("selector")), remote)


async def _makers(cluster: Cluster, ref: Ref) -> str:
    """The selector of what makes a pod; of a ReplicaSet's Deployment, which outlives it."""
    from mltui.engines.kubernetes import resources

    known = {
        "ReplicaSet": resources.REPLICA_SETS,
        "StatefulSet": resources.STATEFUL_SETS,
        "DaemonSet": resources.DAEMON_SETS,
        "Deployment": resources.DEPLOYMENTS,
    }
    kind, _, name = ref.owner.partition("/")
    selector = ""
    while kind in known:
        try:
            found = await cluster.client.get(known[kind], ref.namespace, name)
        except MltuiError as error:
            if status_of(error) in (403, 404):
                break
            raise
        selector = selector_of((found.get("spec") or {}).get("selector"))
        owners = (found.get("metadata") or {}).get("ownerReferences") or ()
        owner: Mapping[str, Any] = next((each for each in owners if each.get("controller")), {})
        kind, name = str(owner.get("kind") or ""), str(owner.get("name") or "")
    return selector


def selector_of(found: Mapping[str, Any] | None) -> str:
    """A label selector as a query's text."""
    chosen = found or {}
    parts = [f"{name}={value}" for name, value in sorted((chosen.get("matchLabels") or {}).items())]
    for each in chosen.get("matchExpressions") or ():
        name, sign = str(each.get("key")), str(each.get("operator"))
        if sign in _SIGNS:
            parts.append(f"{name} {_SIGNS[sign]} ({','.join(map(str, each.get('values') or ()))})")
        else:
            parts.append(name if sign == "Exists" else f"!{name}")
    return ",".join(parts)


async def hit(cluster: Cluster, aim: Aim) -> Hit:
    """The pod that is to be reached now. MltuiError when none is ready to be."""
    from mltui.engines.kubernetes.resources import PODS

    ref, client = aim.ref, cluster.client
    if ref.kind == "pods":
        try:
            found = await client.get(PODS, ref.namespace, ref.name)
        except MltuiError as error:
            if status_of(error) != 404 or not aim.selector:
                raise
        else:
            if is_up(found) or not aim.selector:
                return _hit(found, aim)
    pods = (
        await client.get(PODS, ref.namespace, query={"labelSelector": aim.selector, "limit": 500})
    )["items"]
    ready = [pod for pod in pods if is_up(pod)]
    if not ready:
        raise MltuiError(f"{ref.text} has no pod that is ready")
    ready.sort(key=lambda pod: (not _is_ready(pod), str(pod["metadata"]["creationTimestamp"])))
    return _hit(ready[0], aim)


def is_up(pod: Mapping[str, Any]) -> bool:
    """It runs, and is not on its way out."""
    is_going = bool((pod.get("metadata") or {}).get("deletionTimestamp"))
    return (pod.get("status") or {}).get("phase") == "Running" and not is_going


def _is_ready(pod: Mapping[str, Any]) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(each.get("type") == "Ready" and each.get("status") == "True" for each in conditions)


def _hit(pod: Mapping[str, Any], aim: Aim) -> Hit:
    name = str(pod["metadata"]["name"])
    if not is_up(pod):
        phase = plain(str((pod.get("status") or {}).get("phase") or "not known"))
        raise MltuiError(f"pod {plain(name)} does not run: it is {phase}")
    if aim.target.isdecimal():
        return Hit(name, str(pod["metadata"]["uid"]), int(aim.target))
    for container in (pod.get("spec") or {}).get("containers") or ():
        for port in container.get("ports") or ():
            if port.get("name") == aim.target:
                return Hit(name, str(pod["metadata"]["uid"]), int(port["containerPort"]))
    raise UsageError(f"pod {plain(name)} has no port called {aim.target}")
