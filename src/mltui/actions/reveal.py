"""Show the values of a Secret, which are masked otherwise."""

from __future__ import annotations

from mltui.actions._kube import kube_action
from mltui.actions.context import Context, Question


async def _run(context: Context, argument: str) -> None:
    ref = context.refs()[0]
    question = Question(
        f"Show the values of {ref.text} in {ref.context} on this screen?", "Show them"
    )
    if await context.confirm(question):
        context.show_thing("secrets")


ACTION = kube_action(
    "reveal", "Reveal", "Show a secret's values, decoded; asks first, as screens are looked at.",
    _run, keys=("x",), rank=16, changes=False, only_one=True,
)  # fmt: skip
