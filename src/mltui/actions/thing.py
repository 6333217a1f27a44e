"""Look at one thing of a list: its log, a readable page, everything as JSON."""

from __future__ import annotations

from mltui.actions._docker import no_host, nothing_selected
from mltui.actions.action import DOCKER, PAGE, Action, Context, Selection


def _is_docker(selection: Selection) -> bool:
    return selection.kind in DOCKER


def _has_log(selection: Selection) -> bool:
    return selection.kind in ("containers", "builds")


def _view(view: str) -> tuple[Action, ...]:
    async def run(context: Context, argument: str) -> None:
        context.show_thing(view)

    words = {
        "log": ("Log", "What the container or the build wrote, live.", "l", 10),
        "describe": (
            "Describe",
            "A readable page of it, secrets masked.",
            "d",
            12,
        ),
        "inspect": ("JSON", "All that the host says of it, as JSON, secrets masked.", "y", 30),
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
            places=("containers", "builds", PAGE) if is_log else (*DOCKER, PAGE),
            applies=_has_log if is_log else _is_docker,
            why_not=nothing_selected if is_log else no_host,
            rank=rank,
        ),
    )


VIEWS = (*_view("log"), *_view("describe"), *_view("inspect"))
