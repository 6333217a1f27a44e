"""Namespaces and contexts: where the lists of Kubernetes look."""

from __future__ import annotations

from mltui.actions._kube import of_kube
from mltui.actions.action import Action
from mltui.actions.context import Context
from mltui.actions.listed import KUBE
from mltui.actions.selection import EVERYWHERE, Selection


def _fills(selection: Selection) -> bool:
    """An empty list may have something elsewhere."""
    return of_kube(selection) and selection.is_empty and selection.kind != "namespaces"


def _listing(
    name: str,
    kind: str,
    title: str,
    help: str,  # noqa: A002 - the record's own word
    argument: str,
    key: str = "",
) -> Action:
    async def run(context: Context, text: str) -> None:
        if not text:
            context.show_list(kind)
        elif kind == "contexts":
            context.go_places(",".join(f"{each.strip()}/" for each in text.split(",")))
        else:
            context.go_places(text)

    return Action(
        id=f"place.{name}",
        title=title,
        help=help,
        group="Kubernetes",
        run=run,
        command=name,
        argument=argument,
        keys=(key,) if key else (),
        places=EVERYWHERE,
        on_footer=name == "ns",
        when=_fills,
        rank=60,
        complete=None if kind == "contexts" else lambda known: known.place_names,
    )


def _number(number: int) -> Action:
    async def run(context: Context, argument: str) -> None:
        context.go_favourite(number)

    return Action(
        id=f"place.{number}",
        title="All namespaces" if number == 0 else f"Place {number}",
        help="Look at all namespaces."
        if number == 0
        else "Look at the place with this number; places get theirs when they are first looked at.",
        group="Kubernetes",
        run=run,
        keys=(str(number),),
        places=KUBE,
        applies=of_kube,
        when=lambda selection: _fills(selection) and not selection.host.endswith("/*"),
        rank=59,
    )


async def _resource(context: Context, argument: str) -> None:
    if argument:
        context.show_list(argument)
    else:
        context.notice("name a resource: `:resource certificates`", bad=True)


PLACES = (
    _listing(
        "ns",
        "namespaces",
        "Namespaces",
        "Choose namespaces: Space marks several.",
        "NAMES",
        key="N",
    ),
    _listing("namespaces", "namespaces", "Namespaces", "The same as `:ns`.", "NAMES"),
    _listing("ctx", "contexts", "Contexts", "Choose clusters: Space marks several.", "NAMES"),
    _listing("contexts", "contexts", "Contexts", "The same as `:ctx`.", "NAMES"),
    Action(
        id="list.resource",
        title="Any resource",
        help="List any resource that the cluster has, custom ones too; `:NAME` does the same.",
        group="Kubernetes",
        run=_resource,
        command="resource",
        argument="NAME",
        places=EVERYWHERE,
        rank=61,
    ),
)
NUMBERS = (_number(0),)
"""1 to 9 are the screen's own: in the pipeline they mean something else."""
