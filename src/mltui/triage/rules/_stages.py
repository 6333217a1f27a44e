"""What rules about stages share: evidence that opens their logs, the usual fixes, what follows."""

from __future__ import annotations

from mltui.text import format_bytes, format_duration
from mltui.triage.facts import Declared, StageFact, Written
from mltui.triage.finding import Edit, Evidence, Fix, Opens, Retry, SetValue
from mltui.triage.scene import Scene

LAST = 3
"""Last lines of a log that are told; all of them open with it."""


def log_evidence(stage: StageFact) -> list[Evidence]:
    """The exception and the last lines of its log."""
    opens = Opens("log", stage.key)
    said = [text for text in stage.last_lines if text.strip()][-LAST:]
    found = []
    if stage.exception and stage.exception.strip() not in (text.strip() for text in said):
        found.append(Evidence("log", stage.exception, opens))
    return found + [Evidence("log", text.strip(), opens) for text in said]


def place_evidence(written: Written | None) -> list[Evidence]:
    """Where it is written, with the line itself."""
    if written is None:
        return []
    text = f"{written.place}  {written.text}"
    return [Evidence("field", text, Opens("file", written.file, written.line))]


def object_evidence(scene: Scene, stage: StageFact) -> list[Evidence]:
    """The container or pod that ran it."""
    found = []
    for each in scene.containers_of(stage):
        code = f", exit code {each.exit_code}" if each.exit_code is not None else ""
        oom = ", out of memory" if each.is_oom else ""
        text = f"container {each.name}: {each.state}{code}{oom}"
        found.append(Evidence("state", text, Opens("container", each.id)))
    for cluster, pod in scene.pods_of(stage):
        ended = [x for x in pod.containers if x.state == "terminated" and x.exit_code]
        why = "".join(f", {x.name}: {x.reason or 'exit'} {x.exit_code}" for x in ended)
        text = f"pod {pod.name} in {pod.namespace}: {pod.phase}{why}"
        found.append(Evidence("state", text, Opens("pod", cluster.place(pod.key))))
    if not found and stage.object and stage.engine not in ("", "process"):
        what = "Job" if stage.engine == "kubernetes" else "container"
        name = stage.object.partition("/")[0] if what == "Job" else stage.object[:12]
        text = f"{what} {name}"
        if stage.image:
            text += f" of {_short(stage.image)}"
        found.append(Evidence("state", text, Opens("container", stage.object)))
    return found


def _short(image: str) -> str:
    """Its digest by the first letters: all of it is in the journal."""
    name, sign, digest = image.partition("@sha256:")
    return f"{name}@{digest[:12]}" if sign else name.removeprefix("sha256:")[:80]


def follows(scene: Scene, stage: StageFact) -> tuple[str, ...]:
    """What is explained by this stage's failure: its run, its containers, its whole."""
    found = [f"run:{stage.run}", *(each.key for each in scene.containers_of(stage))]
    if stage.object:
        found.append(f"container:{stage.object}")
    for cluster, pod in scene.pods_of(stage):
        found += map(cluster.place, cluster.follows(pod))
    if stage.item:
        found += [x.key for x in scene.facts.stages if _is_whole(x, stage)]
    return tuple(dict.fromkeys(found))


def _is_whole(other: StageFact, item: StageFact) -> bool:
    same = (other.run, other.stage, other.path) == (item.run, item.stage, item.path)
    return same and not other.item


def retry_fix(stage: StageFact, words: str = "retry as it is") -> Fix:
    """A new attempt with the project as it is now."""
    return Fix(words, (Retry(stage.run, stage.label),))


def value_fix(stage: StageFact, name: str, written: Written, new: str) -> Fix:
    """Another value in the file, then a new attempt."""
    return Fix(
        f"set {name}: {new} in {written.place} and retry",
        (
            SetValue(written.path, written.value, new, written.line),
            Retry(stage.run, stage.label),
        ),
    )


def edit_fix(file: str, line: int) -> Fix:
    """The editor at a place of the project."""
    return Fix(f"edit {file}:{line}", (Edit(file, line),))


def counted(stage: StageFact) -> str:
    """`3 attempts`; nothing for the first."""
    return f"{stage.attempt} attempts" if stage.attempt > 1 else ""


def took(stage: StageFact) -> str:
    """` after 41s`; nothing when unknown."""
    if stage.started_at is None or stage.ended_at is None:
        return ""
    return f" after {format_duration(stage.ended_at - stage.started_at)}"


def size(size_bytes: int | None) -> str:
    """`512 MiB`."""
    return format_bytes(size_bytes, binary=True)


def program_of(declared: Declared | None) -> str:
    """The program that the stage calls, or `its command`."""
    return declared.program if declared is not None and declared.program else "its command"
