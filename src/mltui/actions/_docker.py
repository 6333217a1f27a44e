"""What the verbs on a Docker host's things share: asking, acting by identity, saying what was done.

What a verb does and asks is `live.verbs`' to say; that is imported when a list is open, so that the
app starts without it. A verb's file adds its key, its words and its place on the footer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from mltui.actions._acting import act_on
from mltui.actions.action import Action
from mltui.actions.context import Context, Question
from mltui.actions.selection import Selection

if TYPE_CHECKING:
    from mltui.live.daemon import Daemon
    from mltui.live.verbs import Ref, Verb


def verb_action(
    verb: str,
    title: str,
    help: str,  # noqa: A002 - the record's own word
    *,
    places: tuple[str, ...],
    keys: tuple[str, ...] = (),
    rank: int = 50,
    danger: bool = False,
    applies: Callable[[Selection], bool] = lambda selection: True,
) -> Action:
    """The action of a verb of `live.verbs`, with its id."""

    async def run(context: Context, argument: str) -> None:
        await _act(context, verb)

    def can_apply(selection: Selection) -> bool:
        return selection.place in places and applies(selection)

    return Action(
        id=f"docker.{verb}",
        title=title,
        help=help,
        group="Docker",
        run=run,
        keys=keys,
        command=verb,
        places=places,
        applies=can_apply,
        why_not=lambda selection: _why_not(verb, selection),
        danger=danger,
        rank=rank,
    )


def nothing_selected(selection: Selection) -> str | None:
    """Why nothing can be done to things of a list: there is none, or their host is silent."""
    if not selection.things:
        return f"there are no {selection.kind}" if selection.kind else "nothing is selected"
    return None


def no_host(selection: Selection) -> str | None:
    """The same for what needs the host's answer."""
    if selection.is_stale:
        return f"{selection.host} does not answer; it is tried again by itself"
    return nothing_selected(selection)


def _why_not(verb: str, selection: Selection) -> str | None:
    missing = no_host(selection)
    if missing is not None:
        return missing
    from mltui.live.verbs import verbs, why_not

    found = verbs()[verb]
    reasons = [why_not(found, selection.kind, row) for row in selection.things]
    return None if None in reasons else f"{found.title}: {reasons[0]}"


async def _act(context: Context, verb: str) -> None:
    """Ask, mark, act on each thing by its identity, say what was done."""
    from mltui.live.verbs import verbs, why_not

    found, selection = verbs()[verb], context.selection
    able = {id(row) for row in selection.things if why_not(found, selection.kind, row) is None}
    rows = [row for row in selection.things if id(row) in able]
    refs = list(context.refs())
    if len(refs) == len(selection.things):
        refs = [ref for ref, row in zip(refs, selection.things, strict=True) if row in rows]
    if not refs:
        context.notice(f"{found.title}: there is nothing that it could act on", bad=True)
        return
    if found.question is not None:
        asked = found.question(refs, selection.host)
        if not await context.confirm(Question(asked.sentence, asked.yes, asked.no, asked.detail)):
            return
    await _do(context, found, refs)


async def _do(context: Context, verb: Verb, refs: Sequence[Ref]) -> None:
    await act_on(
        context,
        refs,
        verb.doing,
        lambda ref: context.on_host(_acting(verb, ref)),
        lambda ref: context.selection.host,
    )


def _acting(verb: Verb, ref: Ref) -> Callable[[Daemon], Awaitable[str]]:
    async def act(daemon: Daemon) -> str:
        return await verb.act(daemon, ref)

    return act
