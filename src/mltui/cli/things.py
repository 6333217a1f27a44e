"""`mltui ls KIND` for what is out there: a Docker host's things, and resources of Kubernetes.

Called by `ls` for names that are no list of the journal; loads the live kinds, which that must not
pay for.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from typing import Any

from mltui.cli import diagnostics
from mltui.cli.listing import KINDS, SERVING
from mltui.cli.output import Output
from mltui.cli.table import Column, layout
from mltui.errors import UsageError
from mltui.live.cells import NOTHING, Cell
from mltui.live.cells import Column as LiveColumn
from mltui.live.kind import Kind
from mltui.live.kinds import kinds, kube_kinds
from mltui.live.listing import list_once, to_json

_ROLES = {
    "dim": "dim",
    "state-failed": "bad",
    "state-warning": "warn",
    "state-unknown": "warn",
    "state-paused": "warn",
}
_LOWEST = 100
"""Columns of a lower priority are left out of a table; `-o wide` has them all."""


def run(args: argparse.Namespace, out: Output) -> int:
    """List the things of a kind."""
    if _is_docker(args.kind):
        if args.namespaces or args.all_namespaces or args.contexts or args.selector:
            raise UsageError(f"{args.kind} are Docker's: they have no namespace, context or label")
        kind, columns, rows, troubles = _docker(args)
    else:
        kind, columns, rows, troubles = _kube(args)
    if args.output == "json":
        out.json([to_json(kind, row) for row in rows])
    elif args.output == "name":
        for row in rows:
            out.line(out.say(f"{kind.title}/{kind.label(row)}"))
    elif rows:
        _print(out, columns if args.output == "wide" else _main(columns), rows)
    elif not troubles:
        diagnostics.note(kind.empty)
    for trouble in troubles:
        diagnostics.note(trouble)
    return diagnostics.UNREACHABLE if troubles else diagnostics.DONE


def _is_docker(word: str) -> bool:
    return any(word == kind.name or word in kind.aliases for kind in kinds().values())


_Found = tuple[Kind[Any], Sequence[LiveColumn[Any]], Sequence[Any], Sequence[str]]


def _docker(args: argparse.Namespace) -> _Found:
    from mltui.live.listing import known_kind

    kind = known_kind(args.kind)
    return kind, kind.columns, asyncio.run(list_once(kind.name, stats=args.usage)), ()


def _kube(args: argparse.Namespace) -> _Found:
    from mltui.live.kube.listing import known, list_kube
    from mltui.spec.spelling import did_you_mean, nearest

    contexts, namespaces = list(args.contexts), list(args.namespaces)
    if args.all_namespaces:
        namespaces = ["*"]
    looking = list_kube(
        args.kind,
        contexts=contexts,
        namespaces=namespaces,
        selector=args.selector or "",
        usage=args.usage,
    )
    try:
        found = asyncio.run(looking)
    except UsageError:
        if known(args.kind) is not None:
            raise
        near = nearest(args.kind, SERVING)
        names = [*KINDS, *kinds(), *kube_kinds()]
        hint = f"did you mean `{near}`?" if near else did_you_mean(args.kind, names)
        hint = hint or "there is `runs`, `stages`, `services`, `containers`, `pods` and many more"
        raise UsageError(f"there is no list of `{args.kind}`: {hint}") from None
    return found.kind, found.columns, found.rows, found.troubles


def _main(columns: Sequence[LiveColumn[Any]]) -> list[LiveColumn[Any]]:
    return [column for column in columns if column.priority >= _LOWEST]


def _print(out: Output, columns: Sequence[LiveColumn[Any]], rows: Sequence[Any]) -> None:
    cells = [[column.cell_of(row) for column in columns] for row in rows]
    # A column in which no row says anything is left out.
    shown = [
        index
        for index in range(len(columns))
        if any(line[index].text not in ("", NOTHING) for line in cells)
    ]
    heads = [Column(columns[at].title, right=columns[at].align == "right") for at in shown]
    texts = [[out.say(line[at].text) for at in shown] for line in cells]
    places = {columns[at].title: at for at in shown}

    def paint(row: int, name: str, text: str) -> str:
        if row < 0:
            return out.paint(text, "dim")
        cell: Cell = cells[row][places[name]]
        role = _ROLES.get(cell.role)
        return out.paint(text, role) if role else text

    for line in layout(heads, texts, width=out.width, paint=paint if out.has_colour else None):
        out.line(line)
