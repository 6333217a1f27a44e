"""A container that Docker could not start: a port, a mount, a program, a device."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mltui.triage.facts import ContainerFact
from mltui.triage.finding import Command, Evidence, Finding, Fix
from mltui.triage.rules import Rule
from mltui.triage.rules._containers import (
    facts_of,
    harm_of,
    opens,
    remove_fix,
    start_fix,
    words,
)
from mltui.triage.rules._programs import why_not_run
from mltui.triage.scene import Scene

_PORT = re.compile(
    r"(?:Bind for \S*?:(?P<a>\d+) failed: port is already allocated"
    r"|listen (?:tcp|udp)\S* \S*?:(?P<b>\d+): bind: (?:address already in use|permission denied))"
)
_MOUNT = re.compile(
    r"bind source path does not exist: (?P<a>\S+)|error while creating mount source path '(?P<b>[^']+)'"  # noqa: E501
)
_MOUNT_KIND = re.compile(r"Are you trying to mount a directory onto a file|not a directory")
_FOLDER = re.compile(r"(?:chdir to cwd|Cwd) \(?\\?\"?(?P<a>[^\"\\)]+)")


@dataclass(frozen=True, slots=True)
class _Why:
    headline: str
    cause: str
    fixes: tuple[Fix, ...] = ()


def find(scene: Scene) -> Iterator[Finding]:
    """Everything that has an error of its start."""
    for each in scene.containers:
        missing = [m for m in each.mounts if m.is_missing] if each.state == "created" else []
        if not (each.error or missing) or each.state in ("running", "paused"):
            continue
        why = _why(each) if each.error else _no_mount(each, missing[0].source)
        code = f", exit code {each.exit_code}" if each.exit_code is not None else ""
        said = f"{each.state}{code}: {each.error}" if each.error else "it was never started"
        yield Finding(
            rule=RULE.name,
            key=each.key,
            object=words(each),
            cause=why.cause,
            headline=why.headline,
            harm=harm_of(scene, each),
            evidence=(
                Evidence("state", said, opens(each)),
                *facts_of(each),
            ),
            fixes=(*why.fixes, start_fix(each), remove_fix(each)),
            since=each.ended_at or each.created_at,
        )


def _no_mount(each: ContainerFact, path: str) -> _Why:
    return _Why(
        f"{words(each)} can't start: {path} is missing",
        f"the host has no {path}, which it is to mount",
    )


def _why(each: ContainerFact) -> _Why:
    error, name = each.error, words(each)
    low = error.lower()
    if found := _PORT.search(error):
        port = found["a"] or found["b"]
        if "permission denied" in found[0]:
            return _Why(f"{name} may not listen on port {port}", f"port {port} needs more rights")
        see = Fix(
            f"see who has port {port}", (Command(("docker", "ps", "--filter", f"publish={port}")),)
        )
        return _Why(
            f"{name} can't start: port {port} is taken",
            f"something else listens on port {port} of the host already",
            (see,),
        )
    if found := _MOUNT.search(error):
        path = found["a"] or found["b"]
        return _no_mount(each, path)
    if (not_run := why_not_run(error, f"image {each.image}")) is not None:
        return _Why(f"{name} can't start: {not_run[0]}", not_run[1])
    if _MOUNT_KIND.search(error) and "mount" in error:
        paths = ", ".join(f"{m.source} at {m.target}" for m in each.mounts)
        return _Why(
            f"{name} can't start: a mount is a folder where a file is, or the reverse",
            f"one of its mounts does not fit the image: {paths}",
        )
    if "does not match the specified platform" in low:
        return _Why(
            f"{name} is for another architecture",
            f"image {each.image} is made for another processor than this host's",
        )
    if found := _FOLDER.search(error):
        return _Why(f"{name} can't start: no folder {found['a']}", "its working folder is missing")
    if "unable to find user" in low or "no matching entries in passwd" in low:
        return _Why(f"{name} can't start: its user does not exist", "the image has no such user")
    if "could not select device driver" in low:
        return _Why(f"{name} can't start: the host offers no GPU", "no GPU runtime is installed")
    if "no space left" in low:
        see = Fix("see what fills the disk", (Command(("docker", "system", "df")),))
        return _Why(f"{name} can't start: the disk is full", "the host's disk is full", (see,))
    if "network" in low and "not found" in low:
        return _Why(f"{name} can't start: its network is gone", error)
    return _Why(f"{name} can't start", error)


RULE = Rule(
    "docker-start", "Docker could not start a container: port, mount, program, device.", find
)
