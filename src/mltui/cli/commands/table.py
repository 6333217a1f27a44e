"""`mltui table`: runs with the metrics and params that are asked for, sorted, for any reader."""

from __future__ import annotations

import argparse
import csv
import io
from contextlib import closing
from pathlib import Path
from typing import Any

from mltui.cli import diagnostics
from mltui.cli.listing import timestamp
from mltui.cli.output import Output
from mltui.cli.table import Column, layout
from mltui.errors import UsageError
from mltui.logs.sanitize import safe
from mltui.runs.project import Project
from mltui.runs.rows import Note, RunRow
from mltui.spec.spelling import did_you_mean
from mltui.text import format_duration, format_number

EPILOG = """\
examples:
  mltui table                                     metrics of the last stages, params that vary
  mltui table --show evaluate.accuracy,c,gamma    these, in this order
  mltui table --sort evaluate.accuracy --desc
  mltui table --tag baseline -o md                for a report; also csv and json

A metric may be named without its stage where that is clear: `accuracy`.
"""
_AXES = ("step", "epoch")
_SHOWN = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("--show", metavar="NAMES", help="metrics and params, with commas")
    parser.add_argument("--sort", metavar="NAME", help="by a metric, a param, `run` or `time`")
    parser.add_argument("--desc", action="store_true", help="the greatest first")
    parser.add_argument("--tag", metavar="TAG", help="only runs with this tag")
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="at most N; 0 for all")
    parser.add_argument(
        "-o", dest="output", choices=["json", "csv", "md"], help="one JSON value, CSV or Markdown"
    )


def run(args: argparse.Namespace, out: Output) -> int:
    """Print it."""
    project = Project.find(Path.cwd())
    with closing(project.journal()) as journal:
        runs, notes = journal.runs(), journal.notes()
    if args.tag:
        runs = [one for one in runs if args.tag in notes.get(one.number, Note()).tags]
    names = _chosen(args.show, runs) if args.show else _usual(runs)
    if args.sort:
        runs = _sorted(runs, args.sort, args.desc)
    if args.limit > 0:
        runs = runs[: args.limit]
    objects = [_object(one, names, notes.get(one.number, Note())) for one in runs]
    if args.output == "json":
        out.json(objects)
    elif args.output == "csv":
        out.raw(_csv(objects, names).encode())
    elif args.output == "md":
        heads = ["run", "state", "time", *names, "tags", "note"]
        out.line(_line(heads))
        out.line(_line(["---"] * len(heads)))
        for each in objects:
            out.line(_line(_cells(each, names)))
    else:
        _print(objects, names, out)
    return diagnostics.DONE


def _known(runs: list[RunRow]) -> dict[str, None]:
    """Every metric and param that some run has."""
    found: dict[str, None] = {}
    for one in runs:
        found.update(dict.fromkeys(n for n in one.metrics if n.rpartition(".")[2] not in _AXES))
        found.update(dict.fromkeys(one.params))
    return found


def _named(name: str, known: dict[str, None]) -> str:
    """The metric or param that a person means. UsageError when that is none, or several."""
    if name in known:
        return name
    short = [one for one in known if one.rpartition(".")[2] == name]
    if len(short) == 1:
        return short[0]
    if short:
        raise UsageError(f"`{name}` is {' and '.join(f'`{one}`' for one in short)}: say which")
    hint = did_you_mean(name, known)
    raise UsageError(f"no run has a metric or param `{name}`" + (f": {hint}" if hint else ""))


def _chosen(text: str, runs: list[RunRow]) -> list[str]:
    known = _known(runs)
    return [_named(name.strip(), known) for name in text.split(",") if name.strip()]


def _usual(runs: list[RunRow]) -> list[str]:
    """The newest run's last metrics, and the params that are not the same in all runs."""
    metrics = [n for n in (runs[0].metrics if runs else {}) if n.rpartition(".")[2] not in _AXES]
    params = dict.fromkeys(name for one in runs for name in one.params)
    vary = [name for name in params if len({repr(one.params.get(name)) for one in runs}) > 1]
    return [*metrics[-_SHOWN:], *vary[:_SHOWN]]


def _value(one: RunRow, name: str) -> Any:
    return one.metrics.get(name, one.params.get(name))


def _time(one: RunRow) -> float | None:
    took = one.took_s()
    return None if took is None else round(took, 3)


def _sorted(runs: list[RunRow], name: str, desc: bool) -> list[RunRow]:
    """By value; runs without one last, whichever way it goes."""
    if name in ("run", "time"):
        keys = {one.number: one.number if name == "run" else _time(one) for one in runs}
    else:
        chosen = _named(name, _known(runs))
        keys = {one.number: _value(one, chosen) for one in runs}
    have = [one for one in runs if keys[one.number] is not None]
    rest = [one for one in runs if keys[one.number] is None]

    def order(one: RunRow) -> tuple[bool, float, str]:
        value = keys[one.number]
        if isinstance(value, int | float) and not isinstance(value, bool):
            return (False, float(value), "")
        return (True, 0.0, str(value))

    return [*sorted(have, key=order, reverse=desc), *rest]


def _object(one: RunRow, names: list[str], note: Note) -> dict[str, Any]:
    return {
        "run": one.number,
        "state": one.state.value,
        "started_at": timestamp(one.started_at),
        "time": _time(one),
        "values": {name: _value(one, name) for name in names},
        "tags": list(note.tags),
        "note": note.text,
    }


def _cells(each: dict[str, Any], names: list[str]) -> list[str]:
    return [
        str(each["run"]),
        each["state"],
        format_duration(each["time"]) if each["time"] is not None else "",
        *(_text(each["values"][name]) for name in names),
        " ".join(each["tags"]),
        each["note"],
    ]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return format_number(float(value))
    return str(value)


def _csv(objects: list[dict[str, Any]], names: list[str]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["run", "state", "started_at", "time", *names, "tags", "note"])
    for each in objects:
        values = ["" if each["values"][name] is None else each["values"][name] for name in names]
        writer.writerow(
            [each["run"], each["state"], each["started_at"], each["time"], *values,
             " ".join(each["tags"]), each["note"]]
        )  # fmt: skip
    return text.getvalue()


def _line(texts: list[str]) -> str:
    return "| " + " | ".join(text.replace("|", "\\|").replace("\n", " ") for text in texts) + " |"


def _print(objects: list[dict[str, Any]], names: list[str], out: Output) -> None:
    if not objects:
        diagnostics.note("no run is like that")
        return
    columns = [
        Column("RUN", right=True),
        Column("STATE"),
        Column("TIME", right=True),
        *(Column(name, right=True) for name in names),
        Column("TAGS"),
        Column("NOTE"),
    ]
    rows = []
    for each in objects:
        cells = [out.say(safe(cell)) for cell in _cells(each, names)]
        cells[1] = out.mark(each["state"])
        rows.append(tuple(cells))
    for line in layout(columns, rows, width=out.width):
        out.line(line)
