"""Edit a Kubernetes object in the person's editor; the server checks it, a diff is shown first."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mltui.actions._kube import kube_action
from mltui.actions.action import Context, Question

if TYPE_CHECKING:
    from mltui.live.verbs import Ref


async def _run(context: Context, argument: str) -> None:
    await edit_object(context, context.refs()[0])


async def edit_object(context: Context, ref: Ref) -> None:
    """Its YAML to the person's editor, until it is sent or left."""
    from mltui.live.kube.verbs import edit

    draft = await context.on_cluster(ref.context, lambda cluster: edit.begin(cluster, ref))
    if draft is None:
        return
    text = draft.text
    while True:
        edited = await context.edit_text(f"{ref.title}-{ref.name}.yaml", text)
        if edited is None:
            context.notice(f"{ref.text} stays as it is")
            return
        checked = await context.on_cluster(ref.context, partial(edit.checked, draft, edited))
        if checked is None:
            return
        if checked.fault is not None:
            question = Question(str(checked.fault), "Edit again", "Leave it")
            if not await context.confirm(question):
                return
            text = edit.fault_lines(edited, checked.fault)
            continue
        if not checked.difference:
            context.notice(f"nothing would change of {ref.text}")
            return
        question = Question(f"Change {ref.text} in {ref.context} so?", "Change")
        if await context.show_difference(question, checked.difference):
            said = await context.on_cluster(ref.context, partial(edit.send, draft, checked.body))
            context.note_act("editing", ref.text, ref.context, said or "it failed")
            if said is not None:
                context.notice(said)
        return


ACTION = kube_action(
    "edit", "Edit", "Edit it as YAML; the server checks it and the change is shown first.", _run,
    keys=("e",), rank=32, only_one=True, command="edit-object",
)  # fmt: skip
