"""How a verb acts on several things: each is marked, acted on by its identity, and said.

Used by the verbs of Docker hosts (`_docker`) and of clusters (`_kube`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from mltui.actions.context import Context

if TYPE_CHECKING:
    from mltui.live.verbs import Ref


async def act_on(
    context: Context,
    refs: Sequence[Ref],
    doing: str,
    act: Callable[[Ref], Awaitable[str | None]],
    place: Callable[[Ref], str],
) -> None:
    """`act` does it to one and says what was done, None when it failed; `place`: where that is."""
    said = []
    for ref in refs:
        context.mark((ref.key,), doing)
        answer = await act(ref)
        context.mark((ref.key,), "", soon=answer is not None)
        context.note_act(doing.rstrip("…"), ref.text, place(ref), answer or "it failed")
        if answer is not None:
            said.append(answer)
    if len(said) == 1:
        context.notice(said[0])
    elif said:
        context.notice(f"{said[0]}, and {len(said) - 1} more")
