"""What is done with a list as a whole: sort, group, choose columns, copy, keep as a view."""

from __future__ import annotations

from collections.abc import Sequence

from mltui.actions.action import Action, Known
from mltui.actions.context import Context
from mltui.actions.selection import EVERYWHERE, LISTS, Selection


def _table(
    what: str,
    title: str,
    help: str,  # noqa: A002 - the record's own word
    keys: tuple[str, ...] = (),
    *,
    command: str = "",
    argument: str = "",
    footer: bool = False,
    rank: int = 52,
    places: tuple[str, ...] = LISTS,
) -> Action:
    async def run(context: Context, text: str) -> None:
        await context.arrange(what, text)

    return Action(
        id=f"table.{what}",
        title=title,
        help=help,
        group="Find",
        run=run,
        keys=keys,
        command=command,
        argument=argument,
        places=places,
        rank=rank,
        on_footer=footer,
        when=_has_rows,
    )


def _has_rows(selection: Selection) -> bool:
    return not selection.is_empty


async def _view(context: Context, argument: str) -> None:
    await context.show_view(argument.strip())


def _views(known: Known) -> Sequence[str]:
    return known.view_names


ACTIONS = (
    _table("sort", "Sort", "Sort by a column; the same once more: the other way round.", ("o",),
           command="sort", argument="COLUMN", footer=True, places=(*LISTS, "runs")),
    _table("reverse", "Reverse", "Sort the other way round.", ("O",), places=(*LISTS, "runs")),
    _table("group", "Group", "Put rows together by owner, node, stage, namespace, any column.",
           ("b",), command="group", argument="COLUMN", footer=True, rank=53),
    _table("columns", "Columns", "Choose columns and their order; it is remembered.", ("V",),
           command="columns", argument="NAMES", footer=True, rank=54, places=(*LISTS, "runs")),
    _table("wide", "Wide", "All columns; ← and → move over those that have no room.", ("w",),
           command="wide"),
    _table("copy", "Copy", "Copy the name, the rows or the table, as text, JSON or CSV.", ("Y",),
           command="copy", argument="WHAT", footer=True, rank=51),
    _table("keep", "Keep view", "Keep list, places, filter and columns under a name.",
           command="keep-view", argument="NAME"),
    Action(
        id="table.view",
        title="View",
        help="Show a view that was kept, or that the config file has.",
        group="Find",
        run=_view,
        command="view",
        argument="NAME",
        places=EVERYWHERE,
        complete=_views,
    ),
)  # fmt: skip
