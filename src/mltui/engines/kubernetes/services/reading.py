"""How a service stands, read from its Deployment, its pods, its endpoints and their events. Pure.

Called by `host`. What keeps a pod from being ready becomes a sentence; so does a Service whose
endpoints are not the service's pods.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from mltui.engines.hosting import Hosting, Look, Member
from mltui.engines.kubernetes.manifest import FETCH, STAGE
from mltui.engines.kubernetes.services.objects import RESTARTED, VERSION, object_name
from mltui.engines.kubernetes.standing import Phase, plain_line, read_standing
from mltui.engines.protocol import Stopped

Object = Mapping[str, Any]


def read_look(
    hosting: Hosting,
    namespace: str,
    deployment: Object | None,
    pods: Sequence[Object],
    service: Object | None,
    slices: Iterable[Object],
    events: Sequence[Object],
) -> Look:
    """All of it at one moment."""
    # A pod that has ended for good (evicted, say) is no replica: another is made for it.
    members = tuple(
        read_member(pod, [e for e in events if _about(e) == pod["metadata"]["uid"]])
        for pod in sorted(pods, key=lambda each: str(each["metadata"].get("creationTimestamp")))
        if (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")
    )
    if deployment is None:
        return Look(members)
    notes = deployment["metadata"].get("annotations") or {}
    replicas = int(deployment["spec"].get("replicas", 1))
    told = (_number(notes.get(VERSION)), _float(notes.get(RESTARTED)), replicas)
    problem = _not_made(deployment)
    url = ""
    if service is not None:
        port = service["spec"]["ports"][0]["port"]
        url = f"http://{object_name(hosting)}.{namespace}:{port}"
        problem = problem or endpoints_problem(hosting, members, service, slices)
    return Look(members, told, _is_done(deployment, replicas), problem, url)


def _is_done(deployment: Object, replicas: int) -> bool:
    status = deployment.get("status") or {}
    return bool(
        status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)
        and status.get("updatedReplicas", 0) == replicas
        and status.get("readyReplicas", 0) == replicas
        and status.get("replicas", 0) == replicas
    )


def read_member(pod: Object, events: Sequence[Object]) -> Member:
    """One pod as a replica. `events`: the pod's."""
    meta, status = pod["metadata"], pod.get("status") or {}
    notes = meta.get("annotations") or {}
    stage = _of(pod, "containerStatuses", STAGE)
    state = stage.get("state") or {}
    running = state.get("running")
    is_going = bool(meta.get("deletionTimestamp"))
    is_ready = _is_true(pod, "Ready") and not is_going
    # What runs was started again as often as it ended; what does not run ended once more.
    ends = int(stage.get("restartCount") or 0) + ("terminated" in state)
    waiting = (state.get("waiting") or {}).get("reason") == "CrashLoopBackOff"
    ends += waiting
    problem, is_stuck, is_hopeless = "", False, False
    if not is_ready and not is_going:
        problem, is_stuck, is_hopeless = _why_not(pod, stage, events)
    return Member(
        f"{meta['name']}/{meta['uid']}",
        _number(notes.get(VERSION)),
        _float(notes.get(RESTARTED)),
        _time(meta.get("creationTimestamp")) or 0.0,
        str(status.get("podIP") or ""),
        is_ready,
        is_going,
        None if running is None else _time(running.get("startedAt")),
        ends,
        problem,
        is_stuck,
        is_hopeless,
    )


def _why_not(pod: Object, stage: Object, events: Sequence[Object]) -> tuple[str, bool, bool]:
    """Why a pod is not ready: the sentence, whether it may last for ever, whether it will."""
    state = stage.get("state") or {}
    last = state.get("terminated") or (stage.get("lastState") or {}).get("terminated")
    if "running" in state:
        said = _unhealthy(events, _time(state["running"].get("startedAt")) or 0.0)
        if last is None:
            return said or "it starts", False, False
        # Why it was started again stays said while it waits for what it started.
        then = f"; started again: {said}" if said else ""
        return f"{_how_ended(last)}{then}", False, False
    if last is not None:
        return _how_ended(last), False, False
    standing = read_standing({"metadata": {}}, [pod], events)
    if standing.phase is Phase.ENDED and standing.exit is not None:
        return standing.exit.message, True, standing.exit.how is Stopped.REFUSED
    fetched = _of(pod, "initContainerStatuses", FETCH)
    failed = (fetched.get("lastState") or {}).get("terminated")
    if failed is not None and failed.get("exitCode"):
        said = plain_line(str(failed.get("message") or failed.get("reason") or ""))
        return f"its code and inputs did not arrive: {said}", True, False
    return standing.why, standing.is_stuck, False


def _how_ended(ended: Object) -> str:
    code, reason = int(ended.get("exitCode") or 0), str(ended.get("reason") or "")
    if reason == "OOMKilled":
        return "it was out of memory"
    if reason in ("StartError", "ContainerCannotRun"):
        return f"it can't start: {plain_line(str(ended.get('message') or ''))}"
    if code > 128:
        return f"it was ended by signal {code - 128}"
    return f"it ended with exit code {code}"


def _unhealthy(events: Sequence[Object], since: float) -> str:
    """What its probes said last."""
    found = [
        (_time(each.get("lastTimestamp")) or 0.0, str(each.get("message")))
        for each in events
        if each.get("reason") == "Unhealthy"
    ]
    at, said = max(found, default=(0.0, ""))
    if not said or at < since:
        return ""
    status = re.search(r"statuscode: (\d+)", said)
    path = re.search(r'Get "?https?://[^/]*(/[^"\s]*)', said)
    if status is not None:
        return f"its health path answers {status[1]}"
    if "connection refused" in said:
        return (
            "nothing listens on its port yet (in a pod a service has to listen on 0.0.0.0, not on "
            "127.0.0.1)"
        )
    if "deadline exceeded" in said or "timeout" in said.lower():
        return f"{path[1] if path else 'its health path'} does not answer in time"
    return plain_line(re.sub(r"^\w+ probe failed: ", "", said))


def _not_made(deployment: Object) -> str:
    """Why there is not even a pod: a quota, a policy."""
    for each in (deployment.get("status") or {}).get("conditions") or ():
        if each.get("type") == "ReplicaFailure" and each.get("status") == "True":
            said = {"type": "Warning", "reason": each.get("reason"), "message": each.get("message")}
            standing = read_standing({"metadata": {}}, [], [said])
            return standing.exit.message if standing.exit is not None else standing.why
    return ""


def endpoints_problem(
    hosting: Hosting, members: Sequence[Member], service: Object, slices: Iterable[Object]
) -> str:
    """Why clients do not reach the replicas that are ready, or reach something else."""
    name = object_name(hosting)
    there = {
        address
        for each in slices
        for endpoint in each.get("endpoints") or ()
        if (endpoint.get("conditions") or {}).get("ready") is not False
        for address in endpoint.get("addresses") or ()
    }
    ours = {each.address for each in members if each.address}
    ready = {each.address for each in members if each.is_ready and each.address}
    selector = ",".join(f"{k}={v}" for k, v in (service["spec"].get("selector") or {}).items())
    put_right = f"`mltui restart {hosting.deployment}` puts it right"
    strangers = sorted(there - ours)
    if strangers:
        return (
            f"Service {name} also sends connections to {strangers[0]}, which is no replica: its "
            f"selector is {plain_line(selector)}; {put_right}"
        )
    if ready and not ready & there:
        return (
            f"Service {name} has no endpoint though {len(ready)} replicas are ready: its selector "
            f"is {plain_line(selector) or 'empty'}; {put_right}"
        )
    return ""


def _of(pod: Object, where: str, name: str) -> Object:
    for each in (pod.get("status") or {}).get(where) or ():
        if each.get("name") == name:
            assert isinstance(each, Mapping)
            return each
    return {}


def _is_true(pod: Object, kind: str) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(each.get("type") == kind and each.get("status") == "True" for each in conditions)


def _about(event: Object) -> str:
    return str((event.get("involvedObject") or {}).get("uid") or "")


def _number(text: object) -> int:
    return int(text) if isinstance(text, str) and text.isdecimal() else 0


def _float(text: object) -> float:
    try:
        return float(str(text))
    except ValueError:
        return 0.0


def _time(text: object) -> float | None:
    """RFC 3339 as a Unix time."""
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return None
