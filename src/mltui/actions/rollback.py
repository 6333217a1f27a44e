"""Roll a Deployment back: choose the revision, see what changes, then do it."""

from __future__ import annotations

from mltui.actions._kube import do, kube_action
from mltui.actions.context import Context, Question


async def _run(context: Context, argument: str) -> None:
    from mltui.live.kube.verbs.rollback import difference, revisions, roll_back

    ref = context.refs()[0]
    found = await context.on_cluster(ref.context, lambda cluster: revisions(cluster, ref))
    if found is None:
        return
    now = next((each for each in found if each.is_current), None)
    others = [each for each in found if not each.is_current]
    if now is None or not others:
        context.notice(f"{ref.text} has no earlier revision", bad=True)
        return
    if argument:
        chosen = next((each for each in others if str(each.number) == argument), None)
        if chosen is None:
            known = ", ".join(str(each.number) for each in others)
            context.notice(f"{ref.text} has no revision {argument}: there is {known}", bad=True)
            return
    else:
        index = await context.choose(
            f"Roll {ref.text} in {ref.context} back to which revision? Now {now.number}.",
            [each.text for each in others],
        )
        if index is None:
            return
        chosen = others[index]
    target = chosen
    question = Question(
        f"Roll {ref.text} in {ref.context} back to revision {target.number}?", "Roll back"
    )
    if await context.show_difference(question, difference(now, target)):
        await do(
            context, (ref,), "rolling back…",
            lambda cluster, each: roll_back(cluster, each, target),
        )  # fmt: skip


ACTION = kube_action(
    "rollback", "Roll back", "Use an earlier revision again; shows first what changes.", _run,
    keys=("u",), argument="REVISION", rank=22, danger=True, only_one=True,
)  # fmt: skip
