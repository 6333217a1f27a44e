"""Edit a Kubernetes object in the person's editor; the server checks it, a diff is shown first."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mltui.actions._kube import kube_action
from mltui.actions.context import Context, Question
from mltui.errors import Conflict, MltuiError, Unreachable

if TYPE_CHECKING:
    from mltui.live.kube.verbs.edit import Draft
    from mltui.live.verbs import Ref


async def _run(context: Context, argument: str) -> None:
    await edit_object(context, context.refs()[0])


async def edit_object(context: Context, ref: Ref) -> None:
    """Its YAML to the person's editor, until it is sent or left."""
    from mltui.live.kube.verbs import edit

    draft = await context.on_cluster(ref.context, lambda cluster: edit.begin(cluster, ref))
    if draft is None:
        return
    text = await context.edit_text(_file(ref), draft.text)
    while text is not None:
        checked = await context.on_cluster(ref.context, partial(edit.checked, draft, text))
        if checked is None:
            return
        fault = checked.fault
        if fault is None and not checked.difference:
            context.notice(f"nothing would change of {ref.text}")
            return
        if fault is None:
            question = Question(f"Change {ref.text} in {ref.context} so?", "Change")
            if not await context.show_difference(question, checked.difference):
                break
            sent = await context.on_cluster(ref.context, partial(edit.send, draft, checked.body))
            if sent is None:
                return
            context.note_act("editing", ref.text, ref.context, sent.said or str(sent.fault))
            if sent.fault is None:
                context.notice(sent.said)
                return
            fault = sent.fault
        after = await _after(context, ref, draft, text, fault)
        if after is None:
            return
        draft, text = after
    context.notice(f"{ref.text} stays as it is")


async def _after(
    context: Context, ref: Ref, draft: Draft, text: str, fault: MltuiError
) -> tuple[Draft, str | None] | None:
    """What to go on with after it was refused; no text: it is left. None: why not was said."""
    from mltui.live.kube.verbs import edit

    if isinstance(fault, Conflict):
        found = await context.on_cluster(ref.context, partial(edit.meanwhile, draft, text))
        if found is None:
            return None
        question = Question(found.said, "See yours on top of it")
        goes_on = await context.show_difference(question, found.difference)
        return found.draft, found.text if goes_on else None
    if isinstance(fault, Unreachable):
        goes_on = await context.confirm(Question(str(fault), "Try again"))
        return draft, text if goes_on else None
    if not await context.confirm(Question(str(fault), "Edit again")):
        return draft, None
    return draft, await context.edit_text(_file(ref), edit.fault_lines(text, fault))


def _file(ref: Ref) -> str:
    return f"{ref.title}-{ref.name}.yaml"


ACTION = kube_action(
    "edit", "Edit", "Edit it as YAML; the server checks it and the change is shown first.", _run,
    keys=("e",), rank=32, only_one=True, command="edit-object",
)  # fmt: skip
