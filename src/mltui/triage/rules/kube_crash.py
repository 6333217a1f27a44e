"""A container of a pod that ends again and again, or can't be started at all."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mltui.triage.cluster import Cluster
from mltui.triage.finding import Evidence, Finding
from mltui.triage.kube import Pod, PodContainer
from mltui.triage.rules import ClusterRule
from mltui.triage.rules._codes import meaning
from mltui.triage.rules._pods import (
    containers,
    edit_fix,
    event_evidence,
    kind_words,
    log_evidence,
    on_pod,
    opens,
    tidy,
    undo_fix,
)
from mltui.triage.rules._programs import why_not_run
from mltui.triage.rules.kube_memory import is_oom
from mltui.triage.rules.kube_probe import killed_by_probe

_START = ("RunContainerError", "CreateContainerError", "StartError", "ContainerCannotRun",
          "PostStartHookError")  # fmt: skip
_RUNTIME = re.compile(
    r".*(?:OCI runtime \S+ failed|failed to create containerd container"
    r"|unable to start container process|container init): ",
    re.DOTALL,
)
"""Through whom the error came."""
_MOUNT_KIND = "not a directory"
_MOUNT = re.compile(r'to rootfs at \\?"(?P<at>[^"\\]+)')
LOOP_S = 900.0
HOOK_S = 90.0
"""A container that is killed for its hook is gone by then."""


def examine(cluster: Cluster, pod: Pod) -> Iterator[Finding]:
    """One that crashes, or failed as a Job's; others tell of memory and probes."""
    if pod.deleting_since is not None:
        return
    if pod.phase == "Failed" and (pod.reason or cluster.is_done(pod)):  # it failed as a whole
        return
    for each in containers(pod):
        if is_oom(cluster, pod, each) or killed_by_probe(cluster, pod, each):
            continue
        if (found := _examined(cluster, pod, each)) is not None:
            yield found
            return


def _examined(cluster: Cluster, pod: Pod, each: PodContainer) -> Finding | None:
    owner = kind_words(cluster.owner_of(pod))
    reason = each.reason or ""
    if (hook := _hook(cluster, pod, each)) is not None:
        return hook
    if reason in _START or each.last_reason in _START:
        said = each.message if reason in _START and each.message else each.last_message
        return _no_start(cluster, pod, each, owner, said)
    is_over = each.state == "terminated" and bool(each.exit_code)
    loops = each.state == "waiting" and reason == "CrashLoopBackOff"
    young = not cluster.passed(each.started_at, LOOP_S)
    again = each.state == "running" and each.restarts > 1 and young and bool(each.last_exit_code)
    ended = each.state == "terminated" and each.restarts > 1 and pod.phase == "Running"
    if not (is_over or loops or again or ended):
        return None
    code = each.exit_code if each.state == "terminated" else each.last_exit_code
    told = each.exception or "\n".join(each.last_lines)
    if code and (why := why_not_run(told, f"image {each.image}")) is not None:
        return _no_run(cluster, pod, each, owner, why)
    what = f"init container {each.name}" if each.is_init else f"container {each.name}"
    cause = f"{what} {meaning(code)}"
    if code == 0:
        cause = f"{what} ends well, and is started again each time: its command is no service"
    elif each.exception:
        cause = f"{what}: {each.exception}"
    elif left := _left_word(each):
        cause = f"{what}: {left}"
    elif said := _last_line(each):
        cause += f", and said last: {said}"
    times = f", restarted {each.restarts} times" if each.restarts else ""
    text = f"{what}: {reason or each.state}, exit code {code}{times}"
    verb = "fails" if not each.restarts else "crashes over and over"
    if code == 0:
        verb = "ends at once and is restarted"
    short = each.exception or _left_word(each) or _short(each, code)
    return on_pod(
        cluster,
        pod,
        RULE.name,
        cause,
        f"{owner} {verb}: {short}" if code != 0 else f"{owner} {verb}",
        (Evidence("state", text, opens(pod)), *log_evidence(pod, each)),
        (*undo_fix(cluster, pod), edit_fix(cluster, pod)),
        since=each.ended_at or each.last_ended_at,
        count=max(each.restarts, 1),
    )


def _left_word(each: PodContainer) -> str:
    """What it wrote into its termination message, where a container says why it ends."""
    message = each.message if each.state == "terminated" else each.last_message
    return tidy(message)


def _no_run(
    cluster: Cluster, pod: Pod, each: PodContainer, owner: str, why: tuple[str, str]
) -> Finding:
    """Its program, or one that it calls, can't be run: the kernel's words say it in the log."""
    code = each.exit_code if each.state == "terminated" else each.last_exit_code
    return on_pod(
        cluster,
        pod,
        RULE.name,
        f"container {each.name}: {why[1]}",
        f"{owner} can't run: {why[0]}",
        (
            Evidence("state", f"container {each.name}: exit code {code}", opens(pod)),
            *log_evidence(pod, each),
        ),
        (*undo_fix(cluster, pod), edit_fix(cluster, pod)),
        since=each.ended_at or each.last_ended_at,
        count=max(each.restarts, 1),
    )


def _last_line(each: PodContainer) -> str:
    return next((text.strip() for text in reversed(each.last_lines) if text.strip()), "")


def _short(each: PodContainer, code: int | None) -> str:
    """What a list has room for: an exit code alone tells little."""
    said = _last_line(each)
    return f"{meaning(code)}, {said}" if said else meaning(code)


def _hook(cluster: Cluster, pod: Pod, each: PodContainer) -> Finding | None:
    """It was killed because its own postStart hook failed: the exit code says nothing of that."""
    events = cluster.events("Pod", pod.namespace, pod.name, "FailedPostStartHook")
    ended = each.last_ended_at or each.ended_at
    if each.is_init or not events or not (each.restarts or each.state == "terminated"):
        return None
    last = events[-1].last_at
    if ended is not None and last is not None and abs(ended - last) > HOOK_S:
        return None
    return on_pod(
        cluster,
        pod,
        RULE.name,
        f"the postStart hook of container {each.name} fails, so it is killed and started again",
        f"{kind_words(cluster.owner_of(pod))} can't start: its postStart hook fails",
        (*event_evidence(events[-1:]), *log_evidence(pod, each)),
        (*undo_fix(cluster, pod), edit_fix(cluster, pod)),
        since=ended,
        count=max(each.restarts, 1),
    )


def _mount_of(said: str) -> str:
    found = _MOUNT.search(said)
    return found["at"] if found else ""


def _no_start(cluster: Cluster, pod: Pod, each: PodContainer, owner: str, said: str) -> Finding:
    found = why_not_run(said, f"image {each.image}")
    why = tidy(_RUNTIME.sub("", said))
    cause = why or "the node can't start it"
    title = f"{owner} can't start: {why}" if why else f"{owner} can't start"
    if found is not None:
        title, cause = f"{owner} can't start: {found[0]}", found[1]
    elif _MOUNT_KIND in said and "mount" in said:
        title = f"{owner} can't start: a mount is a folder where a file is, or the reverse"
        cause = f"one of its mounts does not fit image {each.image}: {_mount_of(said) or why}"
    return on_pod(
        cluster,
        pod,
        RULE.name,
        cause,
        title,
        (Evidence("state", f"{each.reason}: {tidy(said)}", opens(pod)),),
        (*undo_fix(cluster, pod), edit_fix(cluster, pod)),
        since=each.last_ended_at,
    )


RULE = ClusterRule(
    "kube-crash", "A container of a pod crashes, or can't be started: why.", {Pod: examine}
)
