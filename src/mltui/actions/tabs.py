"""Show one of the selected stage's panes. One record a pane, in the order of the tabs."""

from __future__ import annotations

from mltui.actions.action import Action
from mltui.actions.context import Context
from mltui.actions.selection import Selection


def _tab(
    name: str,
    key: str,
    title: str,
    help: str,  # noqa: A002 - the record's own word
    rank: int,
    *,
    fix: str = "",
    footer: bool = True,
) -> Action:
    async def run(context: Context, argument: str) -> None:
        context.show_tab(name)

    def has_it(selection: Selection) -> bool:
        return selection.row is not None or (name == "log" and bool(selection.deployments))

    def why_not(selection: Selection) -> str | None:
        if selection.name is None:
            return "nothing is selected"
        if has_it(selection):
            is_shown = selection.run is not None or selection.row is None
            return None if is_shown else f"{title}: nothing ran yet, n starts a run"
        if name == "log" and selection.service:
            return f"{selection.service} was never deployed: it has no log"
        return f"{title} is for stages: {selection.name} is none"

    return Action(
        id=f"look.{name}",
        title=title,
        help=help,
        group="Look",
        run=run,
        keys=(key,),
        command=name,
        applies=has_it,
        why_not=why_not,
        fix=lambda selection: fix or None,
        rank=rank,
        on_footer=footer,
    )


TABS = (
    _tab(
        "log",
        "l",
        "Log",
        "What the stage wrote, live; it has the keys until Esc.",
        14,
        fix="open its log",
    ),
    _tab("gate", "g", "Gate", "The metric of each round against what the gate needs.", 18),
    _tab("inputs", "i", "Inputs", "What went in and what came out, with a look inside.", 20),
    _tab("build", "b", "Build", "The environment it runs in, and how that was built.", 24),
    _tab(
        "explain",
        "x",
        "Explain",
        "Why it ran or was cached: which part of its key changed, from what to what.",
        16,
    ),
)
