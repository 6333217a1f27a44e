"""A stage whose program failed: the exception, the line of code, a package that is missing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mltui.logs.errors import frame_of
from mltui.triage.facts import Declared, StageFact
from mltui.triage.finding import Evidence, Finding, Fix, Harm, Opens
from mltui.triage.rules import Rule
from mltui.triage.rules._codes import meaning
from mltui.triage.rules._programs import why_not_run
from mltui.triage.rules._stages import (
    counted,
    edit_fix,
    follows,
    log_evidence,
    object_evidence,
    place_evidence,
    program_of,
    retry_fix,
)
from mltui.triage.rules.stage_memory import find as memory
from mltui.triage.scene import Scene

_NO_MODULE = re.compile(r"(?:ModuleNotFoundError|ImportError): No module named '([\w.]+)'")
_NO_FILE = re.compile(
    r"(?:FileNotFoundError: .*?|No such file or directory: |can't open file )'?([^']+)'?"
)
_NO_PROGRAM = re.compile(r"(?:\d+: )?(\S+): (?:command )?not found|its image has no program '(.+)'")
_REFUSED = re.compile(r"(\S+): Permission denied")
_ALLOCATION = re.compile(r"MemoryError|Cannot allocate memory|std::bad_alloc|CUDA out of memory")


@dataclass(frozen=True, slots=True)
class _Why:
    cause: str
    headline: str
    fixes: tuple[Fix, ...] = ()


def find(scene: Scene) -> Iterator[Finding]:
    """Each that memory is not the reason of."""
    explained = {finding.key for finding in memory(scene)}
    for stage in scene.failed("program"):
        if stage.key in explained:
            continue
        declared = scene.declared(stage)
        frame = frame_of(stage.last_lines)
        why = _why(stage, declared, frame)
        places = place_evidence(declared.run if declared is not None else None)
        if frame is not None:
            text = f"{frame[0]}:{frame[1]}"
            places.insert(0, Evidence("field", text, Opens("file", frame[0], frame[1])))
        yield Finding(
            rule=RULE.name,
            key=stage.key,
            object=stage.words,
            cause=why.cause,
            headline=why.headline,
            harm=Harm.URGENT,
            evidence=(*places, *log_evidence(stage), *object_evidence(scene, stage)),
            fixes=(*why.fixes, retry_fix(stage)),
            since=stage.ended_at,
            count=max(stage.attempt, 1),
            counted=counted(stage),
            explains=follows(scene, stage),
        )


def _why(stage: StageFact, declared: Declared | None, frame: tuple[str, int] | None) -> _Why:
    said = "\n".join((stage.exception, *stage.last_lines, stage.reason))
    words, program = stage.words, program_of(declared)
    module = _NO_MODULE.search(said)
    if module:
        name = module[1].partition(".")[0]
        needs = declared.requirements if declared is not None else ""
        fixes = (edit_fix(needs, 1),) if needs else ()
        of = f" {declared.environment}" if declared is not None and declared.environment else ""
        where = f": {needs} does not install it" if needs else ""
        return _Why(
            f"the environment{of} has no module {name}{where}",
            f"{words} lacks the module {name}",
            fixes,
        )
    code = _code(stage)
    told = stage.exception or "\n".join((*stage.last_lines, stage.reason))
    if code != 137 and (not_run := why_not_run(told, "its environment")) is not None:
        return _Why(not_run[1], f"{words} can't run: {not_run[0]}")
    absent = _NO_PROGRAM.search(said)
    if code == 127 or (absent and absent[2]):
        names = (*(absent.groups() if absent else ()), declared.program if declared else "")
        name = next((x for x in names if x), "")
        if not name:
            return _Why(
                "a program that it calls is not where it runs", f"{words} can't find a program"
            )
        cause = f"the program {name} is not where it runs"
        if "/" in name:  # a shell says the same of a script whose interpreter is not there
            cause += ", or what its first line (#!) names is not, with any Windows line end"
        return _Why(cause, f"{words} can't find the program {name}")
    if code == 126:
        refused = _REFUSED.search(stage.exception)
        program = refused[1] if refused else program
        return _Why(f"{program} may not be executed", f"{words} may not execute {program}")
    edit = (edit_fix(*frame),) if frame is not None else ()
    if _ALLOCATION.search(stage.exception):
        return _Why(
            f"its program asked for more memory than there is: {stage.exception}",
            f"{words} could not get the memory it asked for",
            edit,
        )
    if stage.exception:
        return _Why(stage.exception, f"{words} failed: {stage.exception}", edit)
    why = meaning(code) if code is not None else stage.reason
    last = next((x.strip() for x in reversed(stage.last_lines) if x.strip()), "")
    said_last = f", and said last: {last}" if last else ""
    return _Why(f"{program} {why}{said_last}", f"{words} failed: {why}", edit)


def _code(stage: StageFact) -> int | None:
    if stage.exit_code is not None:
        return stage.exit_code
    found = re.search(r"exit code (\d+)", stage.reason)
    return int(found[1]) if found else None


RULE = Rule("stage-program", "A stage's program failed: its exception, line, what it lacks.", find)
