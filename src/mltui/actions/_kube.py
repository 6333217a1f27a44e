"""What the verbs on Kubernetes objects share: whether they may, asking, acting by UID, saying.

What a verb does and asks is `live.kube.verbs`' to say; that is imported when a list is open. A
verb's file adds its key, its words and its place on the footer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from mltui.actions._acting import act_on
from mltui.actions._docker import no_host
from mltui.actions.action import Action
from mltui.actions.context import Context, Question
from mltui.actions.listed import KUBE
from mltui.actions.selection import Selection

if TYPE_CHECKING:
    from mltui.live.kube.cluster import Cluster
    from mltui.live.verbs import Question as Asked
    from mltui.live.verbs import Ref

Act = Callable[["Cluster", "Ref"], Awaitable[str]]


def kube_action(
    verb: str,
    title: str,
    help: str,  # noqa: A002 - the record's own word
    run: Callable[[Context, str], Awaitable[None]],
    *,
    keys: tuple[str, ...] = (),
    command: str = "",
    argument: str = "",
    rank: int = 50,
    danger: bool = False,
    changes: bool = True,
    only_one: bool = False,
    applies: Callable[[Selection], bool] = lambda selection: True,
) -> Action:
    """The action of a verb; it applies to kinds that name it among their verbs."""

    def can_apply(selection: Selection) -> bool:
        return selection.engine == "kubernetes" and verb in selection.verbs and applies(selection)

    def why_not(selection: Selection) -> str | None:
        missing = no_host(selection)
        if missing is not None:
            return missing
        if changes and selection.is_read_only:
            return f"{title}: {selection.host} is read-only (a target of this project says so)"
        if verb not in selection.verbs:
            return f"{title} is nothing that can be done to a {selection.kind.rstrip('s')}"
        if verb in selection.denied:
            return selection.denied[verb]
        if only_one and len(selection.things) > 1:
            return f"{title} is for one at a time: Esc takes the marks away"
        return None

    return Action(
        id=f"kube.{verb}",
        title=title,
        help=help,
        group="Kubernetes",
        run=run,
        keys=keys,
        command=command or verb,
        argument=argument,
        places=(*KUBE, "page"),
        applies=can_apply,
        why_not=why_not,
        danger=danger,
        rank=rank,
    )


def of_kube(selection: Selection) -> bool:
    """The list is of Kubernetes."""
    return selection.engine == "kubernetes"


async def confirmed(context: Context, asked: Asked) -> bool:
    """Ask what a verb asks."""
    return await context.confirm(Question(asked.sentence, asked.yes, asked.no, asked.detail))


async def do(context: Context, refs: Sequence[Ref], doing: str, act: Act) -> None:
    """Mark, act on each object by its identity, say what was done."""
    await act_on(
        context,
        refs,
        doing,
        lambda ref: context.on_cluster(ref.context, _acting(act, ref)),
        lambda ref: f"{ref.context}/{ref.namespace}".rstrip("/"),
    )


def _acting(act: Act, ref: Ref) -> Callable[[Cluster], Awaitable[str]]:
    async def run(cluster: Cluster) -> str:
        return await act(cluster, ref)

    return run
