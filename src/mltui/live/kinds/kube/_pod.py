"""How a pod stands, from what the API says of it. Pure; used by the pods' list, page and logs.

The words are those of `kubectl get pods` (its source: `printPod`), so that nobody has to translate;
the mark says whether a person is needed.
"""

from __future__ import annotations

from datetime import datetime
from sys import intern
from typing import Any

import msgspec

from mltui.live.kinds.kube._object import Lean, Row, common, moment, same
from mltui.live.kinds.kube._quantity import amount


class _Waiting(msgspec.Struct, gc=False):
    reason: str = ""
    message: str = ""


class _Running(msgspec.Struct, gc=False, rename="camel"):
    started_at: datetime | None = None


class _Terminated(msgspec.Struct, gc=False, rename="camel"):
    reason: str = ""
    message: str = ""
    exit_code: int = 0
    signal: int = 0
    finished_at: datetime | None = None


class _State(msgspec.Struct, gc=False):
    waiting: _Waiting | None = None
    running: _Running | None = None
    terminated: _Terminated | None = None


class _ContainerStatus(msgspec.Struct, gc=False, rename="camel"):
    name: str = ""
    ready: bool = False
    started: bool | None = None
    restart_count: int = 0
    state: _State | None = None
    last_state: _State | None = None


class _Resources(msgspec.Struct, gc=False):
    requests: dict[str, str] | None = None
    limits: dict[str, str] | None = None


class _Container(msgspec.Struct, gc=False, rename="camel"):
    name: str = ""
    image: str = ""
    resources: _Resources | None = None
    restart_policy: str | None = None


class _Spec(msgspec.Struct, gc=False, rename="camel"):
    node_name: str = ""
    containers: list[_Container] | None = None
    init_containers: list[_Container] | None = None


class _Condition(msgspec.Struct, gc=False):
    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""


class _Status(msgspec.Struct, gc=False, rename="camel"):
    phase: str = ""
    reason: str = ""
    message: str = ""
    pod_ip: str = msgspec.field(default="", name="podIP")
    start_time: datetime | None = None
    conditions: list[_Condition] | None = None
    container_statuses: list[_ContainerStatus] | None = None
    init_container_statuses: list[_ContainerStatus] | None = None


class Pod(msgspec.Struct, gc=False):
    """The fields that are shown."""

    metadata: Lean = msgspec.field(default_factory=Lean)
    spec: _Spec = msgspec.field(default_factory=_Spec)
    status: _Status = msgspec.field(default_factory=_Status)


class PodRow(Row, frozen=True, gc=False, kw_only=True):
    """What is shown of a pod."""

    phase: str = ""
    status: str = ""
    """`Running`, `CrashLoopBackOff`, `OOMKilled`, `Init:1/2`, …"""
    state: str = "unknown"
    """A mark of `text.glyphs`."""
    reason: str = ""
    """Why it is not well, in a sentence where the cluster gives one."""
    ready: int = 0
    containers: tuple[str, ...] = ()
    init_containers: tuple[str, ...] = ()
    image: str = ""
    restarts: int = 0
    exit_code: int | None = None
    """Of the container that ended last with an error."""
    node: str = ""
    ip: str = ""
    started_at: float | None = None
    ended_at: float | None = None
    cpu_request: float | None = None
    cpu_limit: float | None = None
    memory_request: float | None = None
    memory_limit: float | None = None
    cpu: float | None = None
    """Cores in use, as metrics.k8s.io says."""
    memory: float | None = None

    @property
    def is_running(self) -> bool:
        """It has a container that runs."""
        return self.phase == "Running"

    @property
    def error(self) -> str:
        """For the line about the row."""
        return self.reason


ContainerStates = tuple[str, str, str, int, str]
"""Name, mark, word, restarts, why."""


class MemberPod(PodRow, frozen=True, gc=False, kw_only=True):
    """A pod with how each of its containers stands."""

    states: tuple[ContainerStates, ...] = ()


_CALM = {"Completed": "succeeded", "Succeeded": "succeeded", "Running": "running"}
_WAITING = frozenset(("Pending", "ContainerCreating", "PodInitializing", "Terminating", "NotReady"))
_WARNING = frozenset(
    (
        "ImagePullBackOff", "ErrImagePull", "Unschedulable", "SchedulingGated", "NodeLost",
        "Unknown", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable",
    )
)  # fmt: skip


def read_pod(pod: Pod, context: str) -> PodRow:
    """The row of a pod."""
    spec, status = pod.spec, pod.status
    word, reason, code, ended = _word(pod)
    ready = restarts = 0
    started: datetime | None = None
    for each in status.container_statuses or ():
        ready += each.ready
        restarts += each.restart_count
        if each.state is not None and each.state.running is not None:
            started = each.state.running.started_at
    containers = spec.containers or []
    fields = common(pod.metadata, context)
    return PodRow(
        phase=intern(status.phase),
        status=intern(word),
        state=_mark(word, pod, ready, len(containers)),
        reason=reason,
        ready=ready,
        containers=same(tuple([each.name for each in containers])),
        init_containers=same(tuple([each.name for each in spec.init_containers or ()])),
        image=intern(containers[0].image) if containers else "",
        restarts=restarts,
        exit_code=code,
        node=intern(spec.node_name),
        ip=status.pod_ip,
        started_at=moment(started or status.start_time),
        ended_at=moment(ended) if status.phase in ("Succeeded", "Failed") else None,
        cpu_request=_sum(containers, "requests", "cpu"),
        cpu_limit=_sum(containers, "limits", "cpu", every=True),
        memory_request=_sum(containers, "requests", "memory"),
        memory_limit=_sum(containers, "limits", "memory", every=True),
        **fields,
    )


def _sum(
    containers: list[_Container], part: str, what: str, *, every: bool = False
) -> float | None:
    """Of all containers; `every`: a limit counts only where each has one."""
    total: float | None = None
    for each in containers:
        found: dict[str, str] | None = getattr(each.resources, part, None)
        value = amount(found.get(what)) if found else None
        if value is not None:
            total = (total or 0.0) + value
        elif every:
            return None
    return total


def _word(pod: Pod) -> tuple[str, str, int | None, datetime | None]:
    """kubectl's word, a reason, an exit code, when the last container ended."""
    status = pod.status
    word = status.reason or status.phase or "Unknown"
    reason = status.message
    code: int | None = None
    ended: datetime | None = None
    for condition in status.conditions or ():
        if condition.type == "PodScheduled" and condition.status == "False":
            word, reason = condition.reason or word, condition.message
    initializing = _init_word(pod)
    if initializing is not None:
        word, reason, code = initializing
    else:
        has_running = False
        for each in reversed(status.container_statuses or ()):
            state = each.state or _State()
            last = each.last_state.terminated if each.last_state else None
            if state.waiting is not None and state.waiting.reason:
                word, reason = state.waiting.reason, state.waiting.message
                if last is not None and word == "CrashLoopBackOff":
                    code = last.exit_code
                    reason = _ended(last)
            elif state.terminated is not None:
                over = state.terminated
                ended = max(filter(None, (ended, over.finished_at)), default=None)
                word = over.reason or (
                    f"Signal:{over.signal}" if over.signal else f"ExitCode:{over.exit_code}"
                )
                if over.exit_code:
                    code, reason = over.exit_code, over.message.strip() or _ended(over)
            elif each.ready and state.running is not None:
                has_running = True
            if last is not None and code is None and last.exit_code and not reason:
                code, reason = last.exit_code, f"before: {_ended(last)}"
        if word == "Completed" and has_running:
            word = "Running" if _is_ready(pod) else "NotReady"
    if pod.metadata.deletion_timestamp is not None:
        if status.reason == "NodeLost":
            word = "Unknown"
        elif status.phase not in ("Succeeded", "Failed"):
            word = "Terminating"
    return word, reason, code, ended


def _init_word(pod: Pod) -> tuple[str, str, int | None] | None:
    """While containers of `initContainers` are not all done."""
    sidecars = {
        each.name for each in pod.spec.init_containers or () if each.restart_policy == "Always"
    }
    total = len(pod.spec.init_containers or ())
    for index, each in enumerate(pod.status.init_container_statuses or ()):
        state = each.state or _State()
        over = state.terminated
        if over is not None and over.exit_code == 0:
            continue
        if each.name in sidecars and each.started:
            continue
        if over is not None:
            word = over.reason or (
                f"Signal:{over.signal}" if over.signal else f"ExitCode:{over.exit_code}"
            )
            return f"Init:{word}", over.message.strip() or _ended(over), over.exit_code
        waiting = state.waiting
        if waiting is not None and waiting.reason not in ("", "PodInitializing"):
            return f"Init:{waiting.reason}", waiting.message, None
        return f"Init:{index}/{total}", "", None
    return None


def _is_ready(pod: Pod) -> bool:
    return any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions or ())


def _ended(over: _Terminated) -> str:
    from mltui.live.exits import exit_meaning

    code = over.exit_code or (128 + over.signal if over.signal else 0)
    meaning = exit_meaning(code, is_oom=over.reason == "OOMKilled")
    return f"exit {code}: {meaning}" if meaning else f"exit {code}"


def _mark(word: str, pod: Pod, ready: int, count: int) -> str:
    if word == "Running":
        return "running" if ready == count else "waiting"
    if word in _CALM:
        return _CALM[word]
    if word in _WARNING:
        return "warning"
    if word in _WAITING or (word.startswith("Init:") and word[5:6].isdigit()):
        return "waiting"
    return "failed"


def read_member(pod: Pod, context: str) -> MemberPod:
    """The row of a pod with its containers."""
    row = read_pod(pod, context)
    known = {
        each.name: each
        for each in (*(pod.status.init_container_statuses or ()),
                     *(pod.status.container_statuses or ()))
    }  # fmt: skip
    names = (*row.init_containers, *row.containers)
    states = tuple([_container_state(name, known.get(name)) for name in names])
    fields = {name: getattr(row, name) for name in PodRow.__struct_fields__}
    return MemberPod(**fields, states=states)


def _container_state(name: str, found: _ContainerStatus | None) -> ContainerStates:
    """kubectl's words of one container."""
    state = (found.state if found is not None else None) or _State()
    restarts = found.restart_count if found is not None else 0
    last = found.last_state.terminated if found is not None and found.last_state else None
    if state.running is not None:
        ready = found is not None and found.ready
        before = f"before: {_ended(last)}" if last is not None and last.exit_code else ""
        return name, "running" if ready else "waiting", "Running", restarts, before
    if state.terminated is not None:
        over = state.terminated
        is_well = over.exit_code == 0 and not over.signal
        word = over.reason or ("Completed" if is_well else "Error")
        why = "" if is_well else over.message.strip() or _ended(over)
        return name, "succeeded" if is_well else "failed", word, restarts, why
    waiting = state.waiting or _Waiting("Waiting")
    word = waiting.reason or "Waiting"
    why = _ended(last) if last is not None and word == "CrashLoopBackOff" else waiting.message
    mark = "waiting" if word in _WAITING or word == "Waiting" else (
        "warning" if word in _WARNING else "failed")  # fmt: skip
    return name, mark, word, restarts, why


class Usage(msgspec.Struct, gc=False):
    """`usage` of a container in metrics.k8s.io."""

    cpu: str = ""
    memory: str = ""


class _Measured(msgspec.Struct, gc=False):
    usage: Usage = msgspec.field(default_factory=Usage)


class PodMetrics(msgspec.Struct, gc=False):
    """What metrics.k8s.io says of a pod."""

    metadata: Lean = msgspec.field(default_factory=Lean)
    containers: list[_Measured] | None = None

    @property
    def totals(self) -> tuple[float, float]:
        """Cores and bytes of all its containers."""
        cpu = memory = 0.0
        for each in self.containers or ():
            cpu += amount(each.usage.cpu) or 0.0
            memory += amount(each.usage.memory) or 0.0
        return cpu, memory


def with_usage(row: PodRow, cpu: float | None, memory: float | None) -> PodRow:
    """The row with what was measured."""
    found: PodRow = msgspec.structs.replace(row, cpu=cpu, memory=memory)
    return found


def carry(old: Any, new: Any) -> Any:
    """What was measured stays until it is measured again."""
    if old.cpu is None or not new.is_running:
        return new
    return with_usage(new, old.cpu, old.memory)
