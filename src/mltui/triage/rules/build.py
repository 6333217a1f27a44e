"""A build that failed: the step, the Dockerfile's line, the package or file that is to blame."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mltui.triage.facts import BuildFact, StageFact
from mltui.triage.finding import Command, Evidence, Finding, Fix, Harm, Opens
from mltui.triage.rules import Rule
from mltui.triage.rules._images import image_words, read_refusal
from mltui.triage.rules._stages import edit_fix, retry_fix
from mltui.triage.scene import Scene

_PIP = re.compile(
    r"(?:No matching distribution found for|satisfies the requirement) (?P<name>[^\s(]+)"
)
_CONFLICT = re.compile(r"^ +(\S+ \S+) depends on (\S.*?)\s*$", re.M)
_ASKED = re.compile(r"^ +The user requested (\S.*?)\s*$", re.M)
_APT = re.compile(r"E: Unable to locate package (?P<name>\S+)")
_COPY = re.compile(
    r'"?(?P<name>[^\s":]+)"?: not found|file not found in build context.*stat (?P<b>[^:]+)'
)
_NO_PROGRAM = re.compile(
    r"(?:sh|bash): (?:\d+: |line \d+: )?(?P<name>[^:\s]+): (?:command )?not found"
)
_FROM = re.compile(r"--from=(?P<name>\S+)")
_FULL = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)
_ARCH = re.compile(r"exec format error|does not match the specified platform", re.IGNORECASE)
_NET = re.compile(r"Temporary failure|Could not resolve|Name or service not known|timed out", re.I)


@dataclass(frozen=True, slots=True)
class _Why:
    headline: str
    cause: str


def find(scene: Scene) -> Iterator[Finding]:
    """Failed builds that stages wait for, and stages that failed in one that is not known."""
    waiting: dict[str, list[StageFact]] = {}
    for stage in scene.failed("build"):
        waiting.setdefault(stage.build, []).append(stage)
    for build, stages in waiting.items():
        known = scene.builds.get(build)
        if known is None or known.state != "failed":
            first = stages[0]
            declared = scene.declared(first)
            known = BuildFact(
                id=build or first.label,
                environment=declared.environment if declared is not None else first.stage,
                state="failed",
                run=first.run,
                ended_at=first.ended_at,
                reason=first.reason,
                message=first.exception,
                last_lines=first.last_lines,
            )
        yield _finding(known, stages)


def _finding(build: BuildFact, stages: list[StageFact]) -> Finding:
    why = _why(build)
    opens = Opens("build", build.id)
    evidence = []
    if build.file and build.line:
        step = f"{build.step}: " if build.step else ""
        text = f"{step}{build.file}:{build.line}  {build.text}".rstrip()
        evidence.append(Evidence("build", text, Opens("file", build.file, build.line)))
    if build.message and build.message not in why.cause:
        evidence.append(Evidence("log", build.message, opens))
    if build.requirement_file:
        place = f"{build.requirement_file}:{build.requirement_line}"
        evidence.append(
            Evidence(
                "field",
                f"{place}  {build.requirement}".rstrip(),
                Opens("file", build.requirement_file, build.requirement_line),
            )
        )
    said = [text.strip() for text in build.last_lines if text.strip()][-3:]
    evidence += [Evidence("log", text, opens) for text in said if text != build.message]
    fixes = []
    if build.requirement_file:
        fixes.append(edit_fix(build.requirement_file, build.requirement_line))
    elif build.file and build.line:
        fixes.append(edit_fix(build.file, build.line))
    refusal = read_refusal(_said(build))
    if refusal is not None and refusal.kind == "login":
        fixes.insert(0, _login(refusal.registry))
    if _FULL.search(_said(build)):
        fixes.insert(0, Fix("see what fills the disk", (Command(("docker", "system", "df")),)))
    first = stages[0]
    fixes.append(retry_fix(first, "build it again and retry"))
    names = ", ".join(dict.fromkeys(stage.label for stage in stages))
    return Finding(
        rule=RULE.name,
        key=build.key,
        object=f"environment {build.environment}",
        cause=why.cause,
        headline=why.headline,
        harm=Harm.URGENT,
        evidence=tuple(evidence),
        fixes=tuple(fixes),
        since=build.ended_at,
        counted=f"{names} needs it" if len(stages) == 1 else f"{len(stages)} stages need it",
        explains=tuple(key for stage in stages for key in (stage.key, f"run:{stage.run}")),
    )


def _said(build: BuildFact) -> str:
    return "\n".join((build.message, build.reason, *build.last_lines))


def _why(build: BuildFact) -> _Why:
    said, name = _said(build), f"environment {build.environment}"
    refusal = read_refusal(said)
    if _FULL.search(said):
        return _Why(f"no room left to build {name}", "the disk of the Docker host is full")
    stage = _FROM.search(build.text)
    if stage and not set(":/.") & set(stage["name"]) and _is_no_image(stage["name"], said):
        return _Why(
            f"{name} can't be built: its Dockerfile has no stage {stage['name']}",
            f"--from={stage['name']} names no stage of the Dockerfile, and no image",
        )
    if refusal is not None:
        return _Why(*image_words(refusal, f"{name} is built from"))
    if found := _PIP.search(said):
        return _Why(
            f"{name} can't be built: there is no {found['name']}",
            f"no release of {found['name']} fits: {build.message or found[0]}",
        )
    if needs := _CONFLICT.findall(said):
        asked = " and ".join(dict.fromkeys(_ASKED.findall(said)))
        wants = "; ".join(f"{who} depends on {what}" for who, what in needs[:3])
        return _Why(
            f"{name} can't be built: its packages don't go together",
            f"{wants}{f', and {asked} is asked for' if asked else ''}",
        )
    if found := _APT.search(said):
        return _Why(
            f"{name} can't be built: no package {found['name']}",
            f"apt knows no package {found['name']}",
        )
    if _ARCH.search(said):
        return _Why(
            f"{name} is built for another architecture",
            "a program of its base image is for another processor than this Docker host's",
        )
    if build.text.upper().startswith(("COPY", "ADD")) and (found := _COPY.search(said)):
        file = found["name"] or found["b"]
        return _Why(
            f"{name} can't be built: {file} is missing",
            f"{file} is not in the build's folder, or .dockerignore leaves it out",
        )
    if found := _NO_PROGRAM.search(said):
        return _Why(
            f"{name} can't be built: no program {found['name']}",
            f"the image has no program {found['name']} at this step",
        )
    if _NET.search(said):
        return _Why(f"{name} can't be built: the network fails", build.message or build.reason)
    return _Why(f"{name} can't be built", build.message or build.reason or "its build failed")


def _is_no_image(name: str, said: str) -> bool:
    """Whether the builder took a stage's name for an image's, and could not have one."""
    words = ("invalid from flag value", f"image {name} ", f"image {name}:", f"library/{name}")
    return read_refusal(said) is not None or any(text in said for text in words)


def _login(registry: str) -> Fix:
    argv = ("docker", "login", registry) if registry else ("docker", "login")
    return Fix(f"log in to {registry or 'the registry'}", (Command(argv),))


RULE = Rule("build", "An environment can't be built: the step, the line, what is to blame.", find)
