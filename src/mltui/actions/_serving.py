"""What the verbs on services share: which deployment is meant, asking, saying what was done.

What is wanted is written by `serving.client`, which is imported when a verb acts, so that the app
starts without it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mltui.actions.context import Context, Question
from mltui.actions.selection import Selection

if TYPE_CHECKING:
    from mltui.serving.client import Change
    from mltui.serving.rows import Deployment


def on_service(selection: Selection) -> bool:
    """A service is selected."""
    return bool(selection.service)


def is_deployed(selection: Selection) -> bool:
    """A service is selected that was deployed."""
    return bool(selection.deployments)


def why_not_deployed(selection: Selection) -> str | None:
    """Why nothing can be done to a deployment."""
    if not selection.service:
        return "select a service first"
    if not selection.deployments:
        return f"{selection.service} is not deployed yet: `D` deploys it"
    return None


def why_not_served(selection: Selection) -> str | None:
    """Why nothing can be done to what is served."""
    missing = why_not_deployed(selection)
    if missing is None and not any(one.is_wanted for one in selection.deployments):
        return f"{selection.service} is stopped: `r` starts it"
    return missing


def choose(context: Context, argument: str = "") -> Deployment | None:
    """The deployment that is meant: the only one, or the one on the target that was named."""
    selection = context.selection
    there = [one for one in selection.deployments if argument in ("", one.target, one.name)]
    if len(there) == 1:
        return there[0]
    served = [one for one in there if one.is_wanted]
    if len(served) == 1:
        return served[0]
    names = ", ".join(one.target for one in selection.deployments)
    context.notice(f"which target of {selection.service} is meant? {names}", bad=True)
    return None


async def confirm_change(
    context: Context, preview: Callable[[], Change], yes: str, sentence: str
) -> Change | None:
    """Show what would change and have it confirmed; None when the person leaves it."""
    from mltui.serving.changes import change_lines

    change = await context.send(preview)
    if change is None:
        return None
    needs = change.needs_confirmation
    why = f" {needs[0].upper()}{needs[1:]}." if needs else ""
    question = Question(sentence + why, yes, detail=tuple(change_lines(change)))
    return change if await context.confirm(question) else None
