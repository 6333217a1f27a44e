"""`mltui ls`: runs, stages, and what is out there, and how it stands.

Runs and stages must start as fast as Python allows, so it reads through `cli.listing` and nothing
heavier; the project file is read only where the journal has no stages to show yet.
"""

from __future__ import annotations

import argparse
import time

from mltui.cli import diagnostics, listing
from mltui.cli.output import Output
from mltui.cli.table import Column, layout
from mltui.text import format_age, format_duration, format_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

EPILOG = """\
examples:
  mltui ls stages                 the newest run
  mltui ls stages --run 12 -o json
  mltui ls runs --limit 5
  mltui ls containers             on the Docker host; images, volumes, networks, compose
  mltui ls pods -n dev,prod       of Kubernetes; any resource, custom ones too
  mltui ls pods -A -l app=web -o wide --usage
  mltui ls nodes --context kind --context prod -o json
  mltui ls services               what is served, also `replicas` and `versions` of a service
  mltui ls monitors               when they are due; `measurements`: what they said
  mltui ls metrics classifier     what its replicas count, over the last hour
  mltui ls acts                   who changed what of the services
"""

SHORT_LIST = 20
"""Runs shown in a table unless more are asked for; JSON has them all."""
SHORT_METRICS = 3
_AXES = ("step", "epoch")

_RUNS = (
    Column("RUN", right=True),
    Column("STATE"),
    Column("TARGET"),
    Column("STARTED", right=True),
    Column("TIME", right=True),
    Column("WHY"),
    Column("DETAIL"),
)
_STAGES = (
    Column("PHASE"),
    Column("STAGE"),
    Column("STATE"),
    Column("TRY", right=True),
    Column("TIME", right=True),
    Column("GATE"),
    Column("DETAIL"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument(
        "kind",
        nargs="?",
        default="stages",
        metavar="KIND",
        help="stages (where none is named), runs, services, containers, pods, …",
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="of this service or monitor only")
    parser.add_argument("--run", type=int, metavar="N", help="stages of run N (the newest)")
    parser.add_argument("--limit", type=int, metavar="N", help="at most N; 0 for all")
    parser.add_argument("--all", action="store_true", help="replicas that are no more, too")
    parser.add_argument(
        "-n",
        "--namespace",
        dest="namespaces",
        action="append",
        default=[],
        metavar="NS",
        help="of Kubernetes: in these namespaces (`dev,prod`; `*` for all)",
    )
    parser.add_argument("-A", "--all-namespaces", action="store_true", help="in all of them")
    parser.add_argument(
        "--context",
        dest="contexts",
        action="append",
        default=[],
        metavar="NAME",
        help="of Kubernetes: in this cluster; several are listed together",
    )
    parser.add_argument("-l", "--selector", metavar="LABELS", help="only with these labels")
    parser.add_argument("--usage", action="store_true", help="measure CPU and memory too")
    parser.add_argument(
        "-o",
        dest="output",
        choices=["json", "wide", "name"],
        help="json: one JSON value; wide: every column; name: KIND/NAME lines",
    )


def run(args: argparse.Namespace, out: Output) -> int:
    """List them."""
    kind = args.kind if args.kind.endswith("s") else args.kind + "s"
    elsewhere = args.namespaces or args.all_namespaces or args.contexts or args.selector
    if kind in listing.SERVING and not elsewhere:
        from mltui.cli.lsserving import list_serving

        return list_serving(kind, args, out)
    if kind not in listing.KINDS:
        from mltui.cli import things

        return things.run(args, out)
    with listing.Listing(listing.find_root()) as journal:
        if kind == "runs":
            _list_runs(journal, args, out)
        else:
            list_stages(journal, args.run, args.output == "json", out)
    return diagnostics.DONE


def _list_runs(journal: listing.Listing, args: argparse.Namespace, out: Output) -> None:
    is_json = args.output == "json"
    limit = args.limit if args.limit is not None else (0 if is_json else SHORT_LIST)
    runs = journal.runs(limit or -1)
    if is_json:
        out.json([listing.run_object(run) for run in runs])
        return
    if not runs:
        diagnostics.note("no runs yet: start one with `mltui run`")
        return
    now = time.time()
    rows: list[tuple[str, ...]] = [
        (
            str(run["number"]),
            out.mark(run["state"]),
            run["target"],
            _ago(run["started_at"], now),
            format_duration(_run_time(run, now)),
            run["trigger"] + (", pinned" if run["pinned"] else ""),
            out.say(run["reason"] or metrics_text(_last_first(run["metrics"]))),
        )
        for run in runs
    ]
    states = [run["state"] for run in runs]
    _print(out, _RUNS, rows, states)
    left = journal.count() - len(runs)
    if left > 0:
        diagnostics.note(f"{left} older: `mltui ls runs --limit 0`")


def list_stages(journal: listing.Listing, number: int | None, is_json: bool, out: Output) -> None:
    """Print the stages of a run, or of the project where it has not run yet."""
    run = journal.run(number)
    found = journal.stages(run["number"]) if run is not None else []
    if not found:
        from mltui.cli.unrun import unrun_stages

        found = unrun_stages(run["number"] if run is not None else None)
    now = time.time()
    if is_json:
        out.json([listing.stage_object(row, now) for row in found])
        return
    out.line(run_line(run, now, out) if run is not None else "no runs yet")
    phase = ""
    rows: list[tuple[str, ...]] = []
    for row in found:
        first = row["phase"] if row["phase"] != phase else ""
        phase = row["phase"]
        rows.append((first, *_stage_cells(row, now, out)))
    _print(out, _STAGES, rows, [row["state"] for row in found])
    if run is not None and run["reason"] and run["state"] in ("unknown", "pending", "paused"):
        diagnostics.note(f"run {run['number']}: {run['reason']}")


def _stage_cells(row: dict[str, Any], now: float, out: Output) -> tuple[str, ...]:
    taken = listing.duration(row, now)
    gate = row.get("gate") or ""
    if gate and row.get("accepted") and gate != "accepted-best":
        gate += ", accepted"
    reason = row.get("reason", "")
    if row.get("failure") and not reason.startswith(row["failure"]):
        reason = f"{row['failure']}: {reason}" if reason else row["failure"]
    return (
        listing.label(row),
        out.mark(row["state"]),
        str(row["attempt"]) if row["attempt"] > 1 else "",
        format_duration(taken) if taken is not None else "",
        gate,
        # A reason tells more than metrics, and 80 columns have room for one of the two.
        out.say(reason or metrics_text(row.get("metrics", {}))),
    )


def run_line(run: dict[str, Any], now: float, out: Output) -> str:
    """`run 14  ✓ succeeded  2m13s  target local`."""
    parts = [f"run {run['number']}", out.state(run["state"])]
    taken = _run_time(run, now)
    if taken is not None:
        parts.append(format_duration(taken))
    return "  ".join([*parts, f"target {run['target']}"])


def metrics_text(metrics: dict[str, float]) -> str:
    """`accuracy 0.985, loss 0.12`: the first few; JSON has them all."""
    names = [name for name in metrics if name.rpartition(".")[2] not in _AXES]
    said = [f"{name} {format_number(metrics[name])}" for name in names[:SHORT_METRICS]]
    return ", ".join(said) + (", …" if len(names) > SHORT_METRICS else "")


def _last_first(metrics: dict[str, float]) -> dict[str, float]:
    """The last stages' metrics first: they say most of how the run went."""
    stages = dict.fromkeys(name.partition(".")[0] for name in metrics)
    return {
        name: metrics[name]
        for stage in reversed(stages)
        for name in metrics
        if name.partition(".")[0] == stage
    }


def _run_time(run: dict[str, Any], now: float) -> float | None:
    if run["started_at"] is None:
        return None
    ended = run["ended_at"]
    if ended is None and run["state"] == "paused":
        return None
    return max(0.0, float((now if ended is None else ended) - run["started_at"]))


def _ago(at: float | None, now: float) -> str:
    return f"{format_age(now - at)} ago" if at is not None else ""


def _print(
    out: Output, columns: tuple[Column, ...], rows: list[tuple[str, ...]], states: list[str]
) -> None:
    def paint(row: int, column: str, text: str) -> str:
        if row < 0:
            return out.paint(text, "dim")
        return out.state(states[row], text) if column == "STATE" else text

    for line in layout(columns, rows, width=out.width, paint=paint if out.has_colour else None):
        out.line(line)
