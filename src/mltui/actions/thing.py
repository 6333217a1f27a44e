"""Look at one thing of a list: its log, a readable page, everything as JSON."""

from __future__ import annotations

from mltui.actions._docker import no_host, nothing_selected
from mltui.actions.action import LISTS, PAGE, Action, Context, Selection


def _is_listed(selection: Selection) -> bool:
    return selection.kind not in ("", "builds", "contexts")


def _has_log(selection: Selection) -> bool:
    return selection.has_logs


def _view(view: str) -> tuple[Action, ...]:
    async def run(context: Context, argument: str) -> None:
        context.show_thing(view)

    words = {
        "log": ("Log", "What the container, the pod or the build wrote, live.", "l", 10),
        "describe": (
            "Describe",
            "A readable page of it, secrets masked.",
            "d",
            12,
        ),
        "inspect": ("Whole", "All that is known of it, as YAML or JSON, secrets masked.", "y", 30),
    }
    title, help_, key, rank = words[view]
    is_log = view == "log"
    return (
        Action(
            id=f"thing.{view}",
            title=title,
            help=help_,
            group="Docker",
            run=run,
            keys=(key,),
            command="" if is_log else view,
            places=(*LISTS, PAGE),
            applies=_has_log if is_log else _is_listed,
            why_not=nothing_selected if is_log else no_host,
            rank=rank,
        ),
    )


VIEWS = (*_view("log"), *_view("describe"), *_view("inspect"))
