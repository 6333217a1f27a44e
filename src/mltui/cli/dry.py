"""What a run would do, as a table or as JSON: `mltui run --dry-run`."""

from __future__ import annotations

from typing import Any

from mltui import text
from mltui.cli import diagnostics, words
from mltui.cli.output import Output
from mltui.cli.table import Column, layout
from mltui.runs import client
from mltui.runs.dryrun import CACHED, DEPENDS, Planned, dry_run
from mltui.runs.project import Project
from mltui.runs.rows import RunRequest

_COLUMNS = (
    Column("STAGE"),
    Column("WILL"),
    Column("ABOUT", right=True),
    Column("BECAUSE"),
)
_WILL = {"run": "running", CACHED: "cached", DEPENDS: "pending"}
"""Whose glyph stands for it."""


def show_dry_run(project: Project, request: RunRequest, out: Output, *, is_json: bool) -> int:
    """Print it; nothing is executed."""
    notes = client.check(project, request)
    found = dry_run(project, request)
    if is_json:
        out.json([planned_object(one) for one in found])
        return diagnostics.DONE
    for sentence in notes:
        diagnostics.note(sentence)
    rows = [
        (
            one.instance.label,
            f"{out.glyph(_WILL.get(one.will, 'unknown'))} {one.will}",
            text.format_duration(one.estimate_s) if one.estimate_s else "",
            out.say(one.because),
        )
        for one in found
    ]
    for line in layout(_COLUMNS, rows, width=out.width):
        out.line(line)
    out.line(_total(found))
    for sentence in _gates(found):
        out.line(sentence)
    return diagnostics.DONE


def planned_object(one: Planned) -> dict[str, Any]:
    """One instance, for scripts. `estimate` is in seconds."""
    return {
        "stage": one.instance.stage,
        "item": one.instance.item,
        "round": one.instance.round,
        "round_path": list(one.instance.path),
        "will": one.will,
        "because": one.because,
        "estimate": one.estimate_s,
        "more_rounds": one.more_rounds,
    }


def _gates(found: list[Planned]) -> list[str]:
    return [
        f"the gate on {one.instance.stage} may ask for up to "
        f"{words.count(one.more_rounds, 'more round')}"
        for one in found
        if one.more_rounds
    ]


def _total(found: list[Planned]) -> str:
    """`2 to run, 3 from the cache, 1 depends; about 2m13s one after the other`."""
    at_work = [one for one in found if one.will != CACHED]
    depends = sum(one.will == DEPENDS for one in at_work)
    parts = [f"{len(at_work) - depends} to run", f"{len(found) - len(at_work)} from the cache"]
    if depends:
        parts.append(words.count(depends, "depends") if depends == 1 else f"{depends} depend")
    known = [one.estimate_s for one in at_work if one.estimate_s is not None]
    said = ", ".join(parts)
    if not known:
        return said
    never = len(at_work) - len(known)
    besides = f", not counting {words.count(never, 'stage')} that never ran" if never else ""
    return f"{said}; about {text.format_duration(sum(known))} one after the other{besides}"
