"""A running container whose image's name stands for another image by now."""

from __future__ import annotations

from collections.abc import Iterator

from mltui.triage.finding import Command, Evidence, Finding, Fix, Harm
from mltui.triage.rules import Rule
from mltui.triage.rules._containers import facts_of, opens, words
from mltui.triage.scene import Scene


def find(scene: Scene) -> Iterator[Finding]:
    """Of what is kept running it is a warning: the next start is of something else."""
    for each in scene.containers:
        if not each.moved_to or each.state != "running":
            continue
        is_kept = each.restart_policy not in ("", "no") or bool(each.part_of)
        text = f"{each.image} is {_short(each.moved_to)} now; it runs {_short(each.image_id)}"
        see = Command(("docker", "image", "inspect", each.image))
        yield Finding(
            rule=RULE.name,
            key=f"{each.key}:moved",
            object=words(each),
            cause=f"{each.image} was moved to another image since it was started",
            headline=f"{words(each)} runs an older {each.image}",
            harm=Harm.WARNING if is_kept else Harm.NOTE,
            evidence=(Evidence("field", text, opens(each)), *facts_of(each)),
            fixes=(Fix("see what the name stands for now", (see,)),),
        )


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:12]


RULE = Rule("docker-moved", "An image's name was moved under a container that runs it.", find)
