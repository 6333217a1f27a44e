"""What rules about containers share: evidence, fixes, how old is too old."""

from __future__ import annotations

from mltui.text import format_bytes
from mltui.triage.facts import ContainerFact
from mltui.triage.finding import Command, Docker, Evidence, Fix, Harm, Opens
from mltui.triage.scene import Scene

FRESH_S = 86_400.0
"""What ended longer ago, and nobody restarts, is only worth a note."""
LOOP_S = 900.0
"""A container that was restarted and has run so long is taken to be well again."""


def words(container: ContainerFact) -> str:
    """`container web-1`, `web of shop`."""
    return f"container {container.name}"


def opens(container: ContainerFact) -> Opens:
    """Its page."""
    return Opens("container", container.id)


def said(container: ContainerFact, count: int = 3) -> list[Evidence]:
    """The exception and the last lines that it wrote."""
    lines = [text.strip() for text in container.last_lines if text.strip()][-count:]
    found = []
    if container.exception and container.exception not in lines:
        found.append(Evidence("log", container.exception, opens(container)))
    return found + [Evidence("log", text, opens(container)) for text in lines]


def last_line(container: ContainerFact) -> str:
    """The last thing that it wrote."""
    return next((text.strip() for text in reversed(container.last_lines) if text.strip()), "")


def facts_of(container: ContainerFact) -> list[Evidence]:
    """Image, command and what it belongs to."""
    text = f"image {container.image}"
    if container.command:
        text += f", command {container.command}"
    if container.part_of:
        text += f", {container.part_of}"
    return [Evidence("field", text, opens(container))]


def harm_of(scene: Scene, container: ContainerFact) -> Harm:
    """Something broken now; a note when it is over since long and nobody restarts it."""
    at = container.ended_at or container.created_at
    is_kept = container.restart_policy not in ("", "no") or container.part_of
    is_old = at is not None and scene.at - at > FRESH_S
    return Harm.NOTE if is_old and not is_kept else Harm.WRONG


def start_fix(container: ContainerFact, title: str = "start it again") -> Fix:
    """As `:containers` does it."""
    return Fix(title, (Docker("start", container.id, container.name),))


def restart_fix(container: ContainerFact, title: str = "restart it") -> Fix:
    """As `:containers` does it."""
    return Fix(title, (Docker("restart", container.id, container.name),))


def remove_fix(container: ContainerFact) -> Fix:
    """For what is not needed any more; asks, as the verb does."""
    return Fix("remove it", (Docker("remove", container.id, container.name),))


def limit_fix(container: ContainerFact) -> Fix | None:
    """Half as much memory again, now and for later starts; not in the file that made it."""
    limit = container.memory_limit_bytes
    if not limit:
        return None
    new = f"{-(-limit * 3 // 2 // (1 << 20))}m"
    argv = ("docker", "update", "--memory", new, "--memory-swap", new, container.id[:12])
    title = f"give it {format_bytes(int(new[:-1]) << 20, binary=True)} and start it again"
    return Fix(title, (Command(argv), Docker("start", container.id, container.name)))


def is_looping(scene: Scene, container: ContainerFact) -> bool:
    """Docker starts it again and again."""
    if container.state == "restarting":
        return True
    started = container.started_at
    young = started is not None and scene.at - started < LOOP_S
    return container.restarts > 1 and container.state == "running" and young


def is_over(container: ContainerFact) -> bool:
    """It ended and is not started again by itself."""
    return container.state in ("exited", "dead")
