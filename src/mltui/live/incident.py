"""What a bundle holds beside facts: the objects that findings are about, their events, their logs.

Called by `mltui bundle`. Everything is masked here, whoever asks: a bundle leaves the machine.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from mltui.errors import MltuiError
from mltui.live.kube.describe import as_yaml, masked
from mltui.live.kube.last_words import crashed, is_lost
from mltui.live.masking import mask_inspection, mask_line, mask_log, mask_text
from mltui.logs.sanitize import plain as plain_bytes
from mltui.triage.facts import ContainerFact, Facts, StageFact
from mltui.triage.finding import Finding
from mltui.triage.kube import Event, KubeFacts, Pod, PodContainer

if TYPE_CHECKING:
    from mltui.engines.kubernetes.client import Client
    from mltui.engines.kubernetes.resources import Resource
    from mltui.live.kube.cluster import Clusters

MOST_OBJECTS, MOST_LOGS = 150, 40
LINES, LOG_BYTES = 2000, 256 << 10
"""So much of the end of each log."""
_AT_ONCE = 8
Texts = dict[str, str]


def object_file(key: str) -> str:
    """Where a bundle has an object: `objects/kind/shop/pod-web-1` for `pod:shop/web-1@kind`."""
    place, _, context = key.partition("@")
    kind, _, rest = place.partition(":")
    space, _, name = rest.rpartition("/")
    parts = (context or "docker", *([space] if space else []), f"{kind}-{name}")
    return "/".join(("objects", *map(_safe, parts)))


def _safe(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "_", text).lstrip(".") or "_"


W = TypeVar("W", StageFact, ContainerFact, PodContainer)


def _quietly(said: W) -> W:
    if not said.exception and not said.last_lines:
        return said
    lines = mask_log("\n".join(said.last_lines)).split("\n") if said.last_lines else ()
    return replace(said, exception=mask_line(said.exception), last_lines=tuple(lines))


def handed_over(facts: Facts) -> Facts:
    """Facts whose last words of programs are masked as their logs are."""
    clusters = tuple(
        replace(
            kube,
            pods=tuple(
                replace(pod, containers=tuple(map(_quietly, pod.containers))) for pod in kube.pods
            ),
        )
        for kube in facts.clusters
    )
    return replace(
        facts,
        stages=tuple(map(_quietly, facts.stages)),
        containers=tuple(map(_quietly, facts.containers)),
        clusters=clusters,
    )


async def cluster_texts(clusters: Clusters, facts: Facts, findings: Sequence[Finding]) -> Texts:
    """The texts of what is wrong in clusters, by the names of files. What is gone is left out."""
    found: Texts = {}
    for kube in facts.clusters:
        keys = list(_concerned(findings, kube.cluster))[:MOST_OBJECTS]
        try:
            client = clusters.cluster(kube.cluster).client
        except MltuiError:
            continue
        room = asyncio.Semaphore(_AT_ONCE)
        found |= dict(await asyncio.gather(*(_object(client, room, key) for key in keys)))
        found |= _events(kube, keys)
        found |= await _logs(client, room, kube, keys)
    return {name: text for name, text in found.items() if text}


def _concerned(findings: Iterable[Finding], cluster: str) -> Iterator[str]:
    """Keys of what findings are about and what follows from it, the most harmful first."""
    keys = (key for x in findings if x.cluster == cluster for key in (x.key, *x.explains))
    for key in dict.fromkeys(keys):
        if key.partition("@")[2] in ("", cluster):
            yield f"{key.partition('@')[0]}@{cluster}"


def _resources() -> Mapping[str, Resource]:
    from mltui.engines.kubernetes import resources as known

    return {
        "pod": known.PODS, "deployment": known.DEPLOYMENTS, "replicaset": known.REPLICA_SETS,
        "statefulset": known.STATEFUL_SETS, "daemonset": known.DAEMON_SETS, "job": known.JOBS,
        "service": known.SERVICES, "claim": known.CLAIMS, "scaler": known.AUTOSCALERS,
        "budget": known.BUDGETS, "node": known.NODES, "ingress": known.INGRESSES,
    }  # fmt: skip


def _parts(key: str) -> tuple[str, str, str]:
    kind, _, rest = key.partition("@")[0].partition(":")
    space, _, name = rest.rpartition("/")
    return kind, space, name


async def _object(client: Client, room: asyncio.Semaphore, key: str) -> tuple[str, str]:
    kind, space, name = _parts(key)
    resource = _resources().get(kind)
    if resource is None:
        return object_file(key), ""
    async with room:
        try:
            raw = await client.get(resource, space or None, name)
        except MltuiError as error:
            return object_file(key), f"# it could not be read: {mask_text(str(error))}\n"
    return object_file(key), as_yaml(masked(raw))


def _events(kube: KubeFacts, keys: Iterable[str]) -> Texts:
    """What the cluster noted about them, a namespace a file."""
    about = {(kind, space, name) for kind, space, name in map(_parts, keys)}
    by_space: dict[str, list[Event]] = {}
    for each in kube.events:
        if (each.kind.lower(), each.namespace, each.name) in about:
            by_space.setdefault(each.namespace, []).append(each)
    return {
        "/".join(("objects", _safe(kube.cluster), _safe(space or "_"), "events")): "".join(
            f"{_stamp(x.last_at)}  {x.type}  {x.reason}  {x.kind}/{x.name}  ×{x.count}  "
            f"{mask_line(x.message)}\n"
            for x in sorted(events, key=lambda each: each.last_at or 0.0)
        )
        for space, events in by_space.items()
    }


def _stamp(at: float | None) -> str:
    return "-" if at is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


async def _logs(
    client: Client, room: asyncio.Semaphore, kube: KubeFacts, keys: Iterable[str]
) -> Texts:
    """The ends of the logs of containers that crashed."""
    wanted = set(keys)
    chosen = [
        (pod, each.name, previous)
        for pod in kube.pods
        if f"{pod.key}@{kube.cluster}" in wanted
        for each in crashed(pod)
        for previous in (True, False)
        if not previous or each.last_exit_code is not None
    ]

    async def read(pod: Pod, name: str, previous: bool) -> tuple[str, str]:
        end = ".before.log" if previous else ".log"
        file = f"{object_file(f'{pod.key}@{kube.cluster}')}.{_safe(name)}{end}"
        asked: dict[str, str | int | bool | None] = {
            "container": name,
            "tailLines": LINES,
            "previous": "true" if previous else None,
        }
        data = bytearray()
        async with room:
            try:
                async with client.log(pod.namespace, pod.name, asked) as pieces:
                    async for piece in pieces:
                        data += piece
                        del data[:-LOG_BYTES]
            except MltuiError:
                return file, ""
        return file, "" if is_lost(bytes(data)) else log_text(bytes(data))

    return dict(await asyncio.gather(*(read(*each) for each in chosen[:MOST_LOGS])))


def log_text(data: bytes) -> str:
    """A log as it may be handed on."""
    lines = data.split(b"\n")
    return mask_log("\n".join(plain_bytes(line).rstrip() for line in lines))


async def docker_texts(facts: Facts) -> Texts:
    """The inspections and ends of logs of the containers that are not well."""
    from mltui.live.daemon import opened
    from mltui.live.facts import last_lines

    found: Texts = {}
    if not facts.containers:
        return found
    async with opened(None, None) as daemon:
        for each in facts.containers[:MOST_LOGS]:
            file = object_file(f"container:{each.id[:12]}")
            try:
                raw = await daemon.get(f"/containers/{each.id}/json")
                terminal = bool((raw.get("Config") or {}).get("Tty"))
                lines = await last_lines(daemon, each.id, is_terminal=terminal, count=LINES)
            except MltuiError:
                continue
            found[file] = json.dumps(mask_inspection(raw), ensure_ascii=False, indent=1)
            found[f"{file}.log"] = log_text(b"\n".join(lines)[-LOG_BYTES:])
    return found
