"""The ends of the logs of containers that crashed: what triage tells of why.

Called by `kube_facts` for one look and by `ward` for a cluster that is followed.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mltui.errors import MltuiError
from mltui.live.masking import mask_lines, mask_text
from mltui.logs.errors import exception_of
from mltui.logs.sanitize import plain as plain_bytes
from mltui.triage.kube import Pod, PodContainer

if TYPE_CHECKING:
    from mltui.engines.kubernetes.client import Client

LINES, KEPT = 40, 8


@dataclass(frozen=True, slots=True)
class Words:
    """What a container wrote last, in one of its lives."""

    stamp: object
    """Which life: see `stamp_of`."""
    exception: str = ""
    lines: tuple[str, ...] = ()


def stamp_of(each: PodContainer) -> object:
    """A life of a container: another one has other last words."""
    return (each.restarts, each.state == "terminated", each.last_exit_code, each.is_ready)


def crashed(pod: Pod) -> list[PodContainer]:
    """Containers whose last words matter."""
    if pod.deleting_since is not None or pod.phase == "Succeeded":
        return []
    return [
        each
        for each in pod.containers
        if (each.state == "terminated" and each.exit_code)
        or each.last_exit_code is not None
        or (each.state == "running" and not each.is_ready)
    ]


def with_words(pod: Pod, known: Mapping[str, Words]) -> Pod:
    """The pod with what its containers said, by their names."""
    return replace(
        pod,
        containers=tuple(
            replace(each, exception=said.exception, last_lines=said.lines)
            if (said := known.get(each.name)) is not None
            else each
            for each in pod.containers
        ),
    )


def is_lost(log: bytes) -> bool:
    """What a node answers in place of the log of a container that it has removed meanwhile."""
    return log.startswith(b"unable to retrieve container logs for ") and b"\n" not in log.strip()


async def read_words(client: Client, pod: Pod, each: PodContainer) -> Words:
    """The end of its log: of the life that ended, which may be the one before.

    Nothing where nothing is kept, or the pod is gone meanwhile.
    """
    is_before = each.state != "terminated" and each.last_exit_code is not None
    data = bytearray()
    for previous in (True, False) if is_before else (False,):
        with suppress(MltuiError):
            asked: dict[str, str | int | bool | None] = {
                "container": each.name,
                "tailLines": LINES,
                "limitBytes": 1 << 16,
                "previous": "true" if previous else None,
            }
            async with client.log(pod.namespace, pod.name, asked) as pieces:
                async for piece in pieces:
                    data += piece
        if is_lost(bytes(data)):
            data.clear()
        if data:
            break
    lines = bytes(data).rstrip(b"\n").split(b"\n") if data else []
    return Words(
        stamp_of(each),
        mask_text(exception_of(b"\n".join(lines)) or ""),
        tuple(mask_lines(plain_bytes(line).rstrip() for line in lines)[-KEPT:]) if lines else (),
    )
