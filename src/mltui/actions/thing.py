"""Look at one thing of a list: its log, a readable page, the whole of it, what goes on in it."""

from __future__ import annotations

from collections.abc import Callable

from mltui.actions._docker import no_host, nothing_selected
from mltui.actions.action import Action
from mltui.actions.context import Context
from mltui.actions.listed import KUBE
from mltui.actions.selection import LISTS, MEASURED, PAGE, Selection


def _is_listed(selection: Selection) -> bool:
    return selection.kind not in ("", "builds", "contexts", "forwards")


def _has_family(selection: Selection) -> bool:
    return selection.engine == "kubernetes" and _is_listed(selection)


def _has_log(selection: Selection) -> bool:
    return selection.has_logs


def _why_no_log(selection: Selection) -> str | None:
    return nothing_selected(selection) or selection.denied.get("log")


def _view(
    view: str,
    title: str,
    help: str,  # noqa: A002 - the record's own word
    key: str,
    rank: int,
    *,
    places: tuple[str, ...] = LISTS,
    command: str = "",
    applies: Callable[[Selection], bool] = _is_listed,
    why_not: Callable[[Selection], str | None] = no_host,
    group: str = "Docker",
) -> Action:
    """One record a page."""

    async def run(context: Context, argument: str) -> None:
        context.show_thing(view)

    def refuses(selection: Selection) -> str | None:
        found = why_not(selection)
        if found is None and not applies(selection):
            return f"{title} is nothing that {selection.kind} have"
        return found

    return Action(
        id=f"thing.{view}",
        title=title,
        help=help,
        group=group,
        run=run,
        keys=(key,),
        command=command,
        places=(*places, PAGE),
        applies=applies,
        why_not=refuses,
        rank=rank,
    )


def _of(
    view: str,
    title: str,
    help: str,  # noqa: A002 - the record's own word
    key: str,
    rank: int,
    kinds: tuple[str, ...],
    why_not: Callable[[Selection], str | None] = no_host,
    group: str = "Docker",
) -> Action:
    """A page that only these kinds have."""

    def wrong_kind(selection: Selection) -> str | None:
        if selection.kind in kinds:
            return why_not(selection)
        return f"{title} is for {' and '.join(kinds)}"

    return _view(
        view, title, help, key, rank,
        places=kinds, command=view, applies=lambda s: s.kind in kinds, why_not=wrong_kind,
        group=group,
    )  # fmt: skip


def _while_it_runs(selection: Selection) -> str | None:
    missing = no_host(selection)
    if missing is not None:
        return missing
    row = selection.things[0]
    return None if row.is_running else f"container {row.name} does not run: it has no processes"


VIEWS = (
    _view("log", "Log", "What the container, the pod or the build wrote, live.", "l", 10,
          applies=_has_log, why_not=_why_no_log),
    _view("describe", "Describe", "A readable page of it, secrets masked.", "d", 12,
          command="describe"),
    _view("inspect", "Whole", "All that is known of it, as YAML or JSON, secrets masked.", "y", 30,
          command="inspect"),
    _of("layers", "Layers", "What an image is made of, from its base up, with sizes.", "l", 13,
        ("images",)),
    _of(MEASURED, "Stats", "CPU, memory and network of a container as curves, by the second.",
        "m", 16, ("containers",)),
    _of("top", "Top", "The processes of a container, the busiest first, live.", "T", 17,
        ("containers",), _while_it_runs),
    _of("environment", "Environment", "Its variables; what looks secret is masked.", "e", 31,
        ("containers", "images")),
    _of("history", "History", "Its revisions with what each changed, and how its rollout stands.",
        "v", 23, ("deployments", "statefulsets", "daemonsets"), group="Kubernetes"),
    _view("tree", "Tree", "What owns it up to the top, and what that owns, down to containers.",
          "T", 24, places=KUBE, command="tree", applies=_has_family, group="Kubernetes"),
    _of("changes", "Files changed", "Files that a container added, changed or deleted.", "f", 32,
        ("containers",)),
)  # fmt: skip
