"""How an attempt stands, read from its Job, its pod and their events. Pure.

Called by the engine's `wait`. Everything that can befall a pod becomes a sentence and a class: the
program's own end, memory, eviction, an image that can't be had, no node, a lost node, a deadline, a
quota, a refusal. Sources: Kubernetes docs, "Pod lifecycle", "Pod disruption conditions", "Jobs".
"""

from __future__ import annotations

import re
import signal
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from mltui.engines.kubernetes.manifest import FETCH, KEEP, STAGE
from mltui.engines.protocol import Exit, Stopped
from mltui.logs import sanitize
from mltui.pipeline.rows import Usage

Object = Mapping[str, Any]


class Phase(StrEnum):
    """How far it is."""

    WAITING = "waiting"
    """For a pod, a node, an image: `why` says so."""
    RUNNING = "running"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Standing:
    """How an attempt stands."""

    phase: Phase
    why: str = ""
    """What it waits for."""
    is_stuck: bool = False
    """It waits for what may never come: patience counts."""
    exit: Exit | None = None
    """How it ended, as far as Kubernetes knows; the store may know more."""
    is_final: bool = False
    """Nothing more will come of it: the store need not be waited for."""


_IMAGE = {"ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull"} | {
    "ImageInspectError",
    "RegistryUnavailable",
    "SignatureValidationFailed",
}
_HOPELESS = re.compile(
    "not found|manifest unknown|unauthorized|denied|forbidden|invalid ?image ?name|no match for "
    "platform|authorization failed|authentication required|couldn't parse image",
    re.IGNORECASE,
)
_DISRUPTED = {
    "PreemptionByScheduler": "it had to make room for a pod of higher priority",
    "DeletionByTaintManager": "its node {node} was lost: it stopped answering, or may no longer "
    "run this",
    "EvictionByEvictionAPI": "it was evicted from the node {node}, which is being emptied",
    "DeletionByPodGC": "its node {node} was lost: it is no longer there",
    "TerminationByKubelet": "its node {node} ended it",
}


def read_standing(
    job: Object | None,
    pods: Sequence[Object],
    events: Iterable[Object] = (),
    last: Object | None = None,
) -> Standing:
    """How it stands. `events`: of the Job and its pods; they matter while it waits.

    `last`: its pod as it was seen last, where there is none any more.
    """
    if job is None:
        return _over(Stopped.LOST, "its Job was removed by somebody else")
    pod = max(pods, key=lambda each: str(each["metadata"].get("creationTimestamp")), default=None)
    failed = _condition(job, "Failed")
    if failed is not None and failed.get("reason") == "DeadlineExceeded":
        return _over(Stopped.DEADLINE, "the cluster ended it at its deadline")
    if pod is None:
        if failed is not None:
            return _over(Stopped.LOST, interruption(job, (), last))
        return _without_pod(events)
    return _with_pod(pod, events)


def _without_pod(events: Iterable[Object]) -> Standing:
    said = _last_warning(events, "FailedCreate")
    if not said:
        return Standing(Phase.WAITING, "its pod is being made")
    found = re.search(r'pods? "[^"]*" is forbidden: (.*)', said, re.DOTALL)
    reason = plain_line((found[1] if found else said).strip())
    if "exceeded quota" in said:
        reason = reason.removeprefix("exceeded quota: ")
        if _asks_for_more_than_all(said):
            what = "it asks for more than the quota of its namespace is in all"
            return _over(Stopped.REFUSED, f"{what}: {reason}")
        why = f"the quota of its namespace is used up: {reason}"
        return Standing(Phase.WAITING, why, is_stuck=True)
    if found or "denied the request" in said or "is invalid" in said:
        return _over(Stopped.REFUSED, f"the cluster does not admit its pod: {reason}")
    return Standing(Phase.WAITING, f"its pod can't be made: {reason}", is_stuck=True)


def _asks_for_more_than_all(said: str) -> bool:
    """Whether one pod alone is over a quota: no waiting helps."""
    amounts = {
        name: dict(re.findall(r"([\w./-]+)=([\w.]+)", part))
        for name, part in re.findall(r"(requested|limited): ((?:[\w./-]+=[\w.]+,?)+)", said)
    }
    limited = amounts.get("limited", {})
    return any(
        _amount(value) > _amount(limited[name])
        for name, value in amounts.get("requested", {}).items()
        if name in limited
    )


def _amount(text: str) -> float:
    found = re.fullmatch(r"([\d.]+)(m|[kKMGTPE]i?)?", text)
    if found is None:
        return 0.0
    unit = found[2] or ""
    if unit == "m":
        return float(found[1]) / 1000
    base = 1024 if unit.endswith("i") else 1000
    return float(found[1]) * float(base ** " kMGTPE".find(unit[:1].replace("K", "k") or " "))


def _with_pod(pod: Object, events: Iterable[Object]) -> Standing:
    status = pod.get("status") or {}
    node = str(pod.get("spec", {}).get("nodeName") or "")
    states = {
        each["name"]: each.get("state") or {}
        for each in (
            *(status.get("initContainerStatuses") or ()),
            *(status.get("containerStatuses") or ()),
        )
    }
    is_going = bool(pod["metadata"].get("deletionTimestamp"))
    is_over = status.get("phase") in ("Succeeded", "Failed")
    stage = states.get(STAGE, {})
    disruption = _condition(pod, "DisruptionTarget")
    if status.get("phase") == "Failed" and status.get("reason") == "Evicted":
        said = plain_line(str(status.get("message") or "no reason is given"))
        return _over(Stopped.LOST, f"it was evicted from the node {node}: {said}")
    if disruption is not None and (is_over or is_going):
        reason = str(disruption.get("reason"))
        sentence = _DISRUPTED.get(reason, f"the cluster ended its pod ({reason})")
        # A lost node says nothing any more: it is not waited for.
        is_lost = reason in ("DeletionByTaintManager", "DeletionByPodGC")
        if is_over or is_lost:
            return _over(Stopped.LOST, sentence.format(node=node))
    if status.get("phase") == "Failed" and status.get("reason") and "terminated" not in stage:
        said = plain_line(str(status.get("message") or status["reason"]))
        return _over(Stopped.LOST, f"the node {node} does not take its pod: {said}")
    fetch = states.get(FETCH, {}).get("terminated")
    if fetch is not None and fetch.get("exitCode"):
        return _over(Stopped.LOST, f"its code and inputs did not arrive: {_why(fetch)}")
    if "terminated" in stage:
        return _ended(stage["terminated"], node, keep=states.get(KEEP, {}), is_over=is_over)
    if "running" in stage:
        return Standing(Phase.RUNNING)
    if is_over:
        return _over(Stopped.LOST, "its pod ended before it began")
    return _waiting(pod, (states.get(FETCH, {}), stage, states.get(KEEP, {})), events)


def _waiting(pod: Object, states: Sequence[Object], events: Iterable[Object]) -> Standing:
    scheduled = _condition(pod, "PodScheduled", "False")
    if scheduled is not None and scheduled.get("reason") == "Unschedulable":
        said = plain_line(str(scheduled.get("message") or "no reason is given"))
        return Standing(Phase.WAITING, f"no node can take it: {said.rstrip('. ')}", is_stuck=True)
    for state in states:
        waiting = state.get("waiting") or {}
        reason, said = str(waiting.get("reason") or ""), str(waiting.get("message") or "")
        if reason in _IMAGE:
            more = _last_warning(events, "Failed")
            text = plain_line(_image_words(more or said) or reason)
            hopeless = _HOPELESS.search(f"{reason} {said} {more}")
            if hopeless:
                return _over(Stopped.REFUSED, f"its image can't be had: {text}")
            return Standing(Phase.WAITING, f"its image does not come: {text}", is_stuck=True)
        if reason in ("CreateContainerConfigError", "CreateContainerError", "RunContainerError"):
            text = plain_line(said or reason)
            return Standing(Phase.WAITING, f"its container can't be made: {text}", is_stuck=True)
    trouble = _last_warning(events, "FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox")
    if trouble:
        return Standing(Phase.WAITING, f"its pod can't begin: {plain_line(trouble)}", is_stuck=True)
    return Standing(Phase.WAITING, "its pod begins")


def _image_words(said: str) -> str:
    """The part of a runtime's message that says what is wrong."""
    text = re.sub(r"rpc error: code = \w+ desc = ", "", said)
    return re.sub(r"^Back-off pulling image .*?: (?=\w+: )|^Failed to pull image ", "", text)


def _ended(ended: Object, node: str, *, keep: Object, is_over: bool) -> Standing:
    """The stage's container is over: the store says the rest, unless the keeper is over too."""
    code, reason = int(ended.get("exitCode") or 0), str(ended.get("reason") or "")
    is_final = is_over or "terminated" in keep
    if reason == "OOMKilled":
        return Standing(
            Phase.ENDED, exit=Exit(Stopped.OUT_OF_MEMORY, code or 137), is_final=is_final
        )
    if reason in ("StartError", "ContainerCannotRun"):
        said = plain_line(str(ended.get("message") or ""))
        what = "its image can't be run on the node" if "exec format" in said else "it can't start"
        return _over(Stopped.REFUSED, f"{what} {node}: {said}")
    if reason == "ContainerStatusUnknown":
        return _over(Stopped.LOST, f"the node {node} forgot it: it was restarted")
    return Standing(Phase.ENDED, exit=plain_exit(code), is_final=is_final)


def interruption(job: Object | None, pods: Sequence[Object], last: Object | None = None) -> str:
    """Why a stage that failed was ended from outside, as a sentence; empty if it was not.

    A stage that is asked to end may do so with any exit code of its own. `last`: its pod as it was
    seen last; one that is evicted goes seconds after that is said of it.
    """
    if job is None or job["metadata"].get("deletionTimestamp"):
        return "its Job was removed by somebody else"
    for pod in pods or ((last,) if last is not None else ()):
        node = str(pod.get("spec", {}).get("nodeName") or "")
        disruption = _condition(pod, "DisruptionTarget")
        if disruption is not None:
            reason = str(disruption.get("reason"))
            sentence = _DISRUPTED.get(reason, f"the cluster ended its pod ({reason})")
            return sentence.format(node=node)
        if pod["metadata"].get("deletionTimestamp"):
            return "its pod was removed by somebody else"
    return "" if pods else "its pod was removed by somebody else"


def plain_exit(code: int, usage: Usage | None = None) -> Exit:
    """An exit code as an end."""
    is_signal = code > 128 and code - 128 in signal.valid_signals()
    how = Stopped.SIGNALLED if is_signal else Stopped.EXITED
    return Exit(how, code, usage or Usage())


def read_result(result: Object, seen: Exit | None, has_limit: bool) -> Exit:
    """The end that the keeper noted, with what Kubernetes saw of it.

    `has_limit`: the stage has a memory limit of its own.
    """
    usage = Usage(_seconds(result), _number(result, "peak"))
    code = result.get("code")
    if result.get("refused"):
        return Exit(Stopped.REFUSED, code, usage, plain_line(str(result["refused"])))
    was_oom = seen is not None and seen.how is Stopped.OUT_OF_MEMORY
    if code != 0 and (was_oom or (code == 137 and (_number(result, "ooms") or 0) > 0)):
        message = "" if has_limit else "its node ran out of memory and ended it"
        return Exit(Stopped.OUT_OF_MEMORY, 137 if code is None else code, usage, message)
    if code is None:  # the shell that would have noted it was killed as well
        if seen is not None:
            return Exit(seen.how, seen.code, usage, seen.message)
        return Exit(Stopped.SIGNALLED, 137, usage)
    return plain_exit(int(code), usage)


def _seconds(result: Object) -> float | None:
    for name, scale in (("cpu_us", 1e6), ("cpu_ns", 1e9)):
        found = _number(result, name)
        if found is not None:
            return found / scale
    return None


def _number(result: Object, name: str) -> int | None:
    text = str(result.get(name, ""))
    return int(text) if text.isdecimal() else None


def read_pod(pod: Object) -> dict[str, Any]:
    """What is kept of a pod: see `mltui.runs.containers`."""
    stage: Object = {}
    for each in (pod.get("status") or {}).get("containerStatuses") or ():
        if each.get("name") == STAGE:
            stage = each
    state = stage.get("state") or {}
    started = _time((state.get("terminated") or state.get("running") or {}).get("startedAt"))
    made = _time((pod.get("metadata") or {}).get("creationTimestamp"))
    return {
        "id": str(stage.get("containerID") or "").rpartition("/")[2],
        "name": (pod.get("metadata") or {}).get("name") or "",
        "node": (pod.get("spec") or {}).get("nodeName"),
        "image": stage.get("imageID") or "",
        "started_at": started,
        "start_s": None if made is None or started is None else started - made,
        "ended_at": _time((state.get("terminated") or {}).get("finishedAt")),
    }


def _time(text: object) -> float | None:
    """RFC 3339 as a Unix time."""
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return None


def plain_line(text: str) -> str:
    """What the API said, on one line and safe to be shown."""
    raw = " ".join(text.split()).encode("utf-8", "replace")
    return sanitize.plain(raw, limit=500)


def _over(how: Stopped, message: str) -> Standing:
    return Standing(Phase.ENDED, exit=Exit(how, None, message=message), is_final=True)


def _why(ended: Object) -> str:
    said = plain_line(str(ended.get("message") or "").strip())
    return said or f"{ended.get('reason') or 'it failed'}, exit code {ended.get('exitCode')}"


def _condition(obj: Object, kind: str, status: str = "True") -> Object | None:
    for each in (obj.get("status") or {}).get("conditions") or ():
        if each.get("type") == kind and each.get("status") == status:
            assert isinstance(each, Mapping)
            return each
    return None


def _last_warning(events: Iterable[Object], *reasons: str) -> str:
    found = [
        (str(each.get("lastTimestamp") or each.get("eventTime") or ""), str(each.get("message")))
        for each in events
        if each.get("type") == "Warning" and each.get("reason") in reasons
    ]
    return max(found)[1] if found else ""
