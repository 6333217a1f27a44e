"""`mltui triage`: what is wrong, why, how it is known, and what would fix it."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mltui.cli import diagnostics
from mltui.cli.output import Output
from mltui.errors import UsageError
from mltui.text import format_age
from mltui.triage.diagnosis import count, diagnose
from mltui.triage.finding import Finding, Harm
from mltui.triage.history import History
from mltui.triage.looked import BLIND, looked
from mltui.triage.preview import previewed
from mltui.triage.quiet import Quiet, parted

if TYPE_CHECKING:
    from mltui.runs.project import Project
    from mltui.triage.facts import Facts

EPILOG = """\
examples:
  mltui triage                        this project, and the Docker host if it uses one
  mltui triage -o json | jq '.[].cause'
  mltui triage --kube '*'             every namespace of the current context
  mltui triage --save incident.json   keep what was seen
  mltui triage --from incident.json   the same findings, anywhere
  kubectl get pods,events,svc,nodes -o json | mltui triage --from -

Exit code 1 when something is wrong, so that CI and cron can ask.
"""
DOCKER = ("auto", "yes", "no")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument(
        "-o", dest="output", choices=["json", "md"], help="one JSON value; Markdown"
    )
    parser.add_argument("--from", dest="record", metavar="FILE", help="recorded facts; - for stdin")
    parser.add_argument("--save", metavar="FILE", help="also write the facts to a file")
    add_places(parser)


def add_places(parser: argparse.ArgumentParser) -> None:
    """Where to look."""
    parser.add_argument(
        "--docker",
        choices=DOCKER,
        default="auto",
        help="look at the Docker host (auto: where the project uses it, or there is no project)",
    )
    parser.add_argument(
        "--kube",
        nargs="?",
        const="",
        metavar="PLACES",
        help="look at Kubernetes: dev,prod or kind/*; alone: the current namespace (by itself "
        "where the project uses it)",
    )


def run(args: argparse.Namespace, out: Output) -> int:
    """Look, say; 1 when something is wrong."""
    text: str | None = None
    project: Project | None = None
    if args.record is not None:
        facts = _recorded(args.record)
    else:
        facts, project = look(args.docker, args.kube)
        text = spec_text(project) if project is not None else None
    if args.save is not None:
        from mltui.triage.recording import write_facts

        Path(args.save).write_text(write_facts(facts) + "\n", encoding="utf-8")
    found = diagnose(facts)
    history = History()
    if project is not None:
        from mltui.runs.findings import keep_findings

        history = keep_findings(project, found, facts)
    found, silent = parted(found, history.quiet, facts.at)
    for sentence in facts.unseen:
        diagnostics.warn(sentence)
    if args.output == "json":
        out.json([to_json(each, text, history.quiet.get(each.id)) for each in (*found, *silent)])
    elif args.output == "md":
        _write_markdown(found, facts, text, out)
    else:
        _write(found, facts, text, out)
    if silent and args.output != "json":
        diagnostics.note(
            f"{len(silent)} acknowledged, not told: " + "; ".join(x.title for x in silent)
        )
    return diagnostics.FAILED if count(found) else diagnostics.DONE


def _recorded(name: str) -> Facts:
    from mltui.triage.recording import BadRecord, read_facts

    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
        return read_facts(text)
    except UnicodeDecodeError as error:
        raise UsageError(f"{name}: this is not UTF-8 text") from error
    except BadRecord as error:
        raise UsageError(f"{name}: {error}") from error


def look(docker: str, places: str | None) -> tuple[Facts, Project | None]:
    """All that is known now, and the project if there is one. UsageError, MltuiError."""
    import asyncio

    from mltui.runs.facts import project_facts
    from mltui.runs.project import Project
    from mltui.triage.facts import Facts

    at = time.time()
    project: Project | None = None
    facts = Facts(at)
    try:
        project = Project.find(Path.cwd())
    except UsageError:
        if docker == "no" and places is None:
            raise
    else:
        facts = project_facts(project, at)
        if (project.folder / "serving.db").exists():
            from mltui.serving.facts import with_services

            facts = with_services(facts, project)
    is_alone = project is None and places is None
    if docker == "yes" or (docker == "auto" and (is_alone or "docker" in facts.engines)):
        from mltui.live.facts import look_once

        host, containers = asyncio.run(look_once())
        facts = facts.with_host(host, containers, is_wanted=docker == "yes")
    if places is not None or "kubernetes" in facts.engines:
        facts = asyncio.run(_with_kube(facts, project, places))
    return facts, project


async def _with_kube(facts: Facts, project: Project | None, places: str | None) -> Facts:
    from mltui.live.kube.cluster import open_clusters
    from mltui.live.kube_facts import look, places_of

    clusters = open_clusters()
    try:
        where = places_of(clusters, project.read_spec() if project is not None else None, places)
        kube, hosts, unseen = await look(clusters, where)
    finally:
        await clusters.close()
    known = {each.cluster: each for each in kube}
    for host in hosts:
        facts = facts.with_cluster(host, known.get(host.name), unseen)
        unseen = ()
    return facts


def spec_text(project: Project) -> str | None:
    """The text of `mltui.yaml`; None while it can't be read."""
    from mltui.errors import SpecError

    try:
        return project.read_text()
    except SpecError:
        return None


# --- as text --------------------------------------------------------------------------------------


def to_json(finding: Finding, text: str | None, quiet: Quiet | None = None) -> dict[str, Any]:
    """A finding as scripts get it; `quiet`: who has acknowledged it."""
    from mltui.live.times import timestamp

    return {
        "object": finding.object,
        "cause": finding.cause,
        "title": finding.title,
        "rule": finding.rule,
        "harm": finding.harm.name.lower(),
        "evidence": [
            {
                "kind": each.kind,
                "text": each.text,
                "from": each.opens.key if each.opens is not None else None,
                "line": each.opens.line or None if each.opens is not None else None,
            }
            for each in finding.evidence
        ],
        "fixes": [
            {"title": fix.title, "change": list(previewed(fix, text))} for fix in finding.fixes
        ],
        "symptoms": list(finding.symptoms),
        "since": timestamp(finding.since),
        "count": finding.count,
        "confidence": round(finding.confidence, 2),
        "cluster": finding.cluster or None,
        "acknowledged": {
            "by": quiet.by,
            "at": timestamp(quiet.at),
            "note": quiet.note,
            "until": timestamp(quiet.until),
        }
        if quiet is not None
        else None,
    }


def summary(found: list[Finding], facts: Facts) -> str:
    """`5 things wrong, 2 of them urgent`."""
    wrong = count(found)
    if not wrong:
        return f"nothing is wrong{BLIND if facts.is_blind else ''}"
    urgent = sum(each.harm is Harm.URGENT for each in found)
    what = "1 thing is wrong" if wrong == 1 else f"{wrong} things are wrong"
    return f"{what}, {urgent} urgent" if urgent and wrong > 1 else what


_MARKS = {Harm.URGENT: "failed", Harm.WRONG: "failed", Harm.WARNING: "warning"}


def _write(found: list[Finding], facts: Facts, text: str | None, out: Output) -> None:
    width = (out.width or 10_000) - 4
    for each in found:
        state = _MARKS.get(each.harm)
        glyph = out.glyph(state) if state else "·"
        age = format_age(facts.at - each.since) if each.since is not None else ""
        more = "  ".join(word for word in (each.counted, age, _guess(each)) if word)
        head = f"{glyph} {out.say(each.title)}"
        out.line(f"{out.state(state, head) if state else head}  {out.paint(more, 'dim')}".rstrip())
        if each.cause not in each.title:
            out.line(f"    {out.say(each.cause)}")
        for piece in each.evidence:
            out.line("    " + out.paint(out.say(_cut(piece.text, width)), "dim"))
        for other in each.symptoms[:5]:
            out.line("    " + out.paint(out.say(_cut(f"so: {other}", width)), "dim"))
        for number, fix in enumerate(each.fixes, 1):
            out.line(f"    {out.paint(str(number), 'bold')} {out.say(fix.title)}")
            for line in previewed(fix, text):
                out.line("      " + out.paint(_cut(line, width - 2), _role(line)))
        out.line()
    diagnostics.note(summary(found, facts))
    for place, words in looked(facts):
        if place:
            diagnostics.note(f"looked at {place}: {words}")


def _guess(finding: Finding) -> str:
    return "" if finding.confidence >= 0.95 else f"{finding.confidence:.0%} sure"


def _cut(text: str, width: int) -> str:
    from mltui.text.width import shorten_end

    return shorten_end(text, width)


def _role(line: str) -> str:
    return {"+": "good", "-": "bad", "@": "accent"}.get(line[:1], "dim")


def _write_markdown(found: list[Finding], facts: Facts, text: str | None, out: Output) -> None:
    out.line(f"# Triage of {facts.project or 'this host'}: {summary(found, facts)}")
    for each in found:
        out.line()
        out.line(f"## {each.title}")
        out.line()
        out.line(f"{each.cause}.{' ' + _guess(each) + '.' if _guess(each) else ''}")
        out.line()
        for piece in each.evidence:
            out.line(f"- {piece.kind}: `{piece.text.replace('`', chr(39))}`")
        for other in each.symptoms:
            out.line(f"- so: {other}")
        for fix in each.fixes:
            out.line()
            out.line(f"Fix: {fix.title}")
            lines = previewed(fix, text)
            if lines:
                out.line("```diff")
                for line in lines:
                    out.line(line)
                out.line("```")
    out.line()
    out.line(f"Looked at {time.strftime('%Y-%m-%d %H:%M:%S %Z', time.localtime(facts.at))}:")
    out.line()
    for place, words in looked(facts):
        out.line(f"- {place or 'not looked at'}: {words}")
