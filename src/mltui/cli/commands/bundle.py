"""`mltui bundle`: one file with all that is known of an incident, to be looked at elsewhere."""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mltui.cli import diagnostics
from mltui.cli.output import Output
from mltui.errors import UsageError
from mltui.text import format_bytes

if TYPE_CHECKING:
    from mltui.runs.project import Project
    from mltui.triage.facts import Facts
    from mltui.triage.finding import Finding

MOST_ACTS = 500
EPILOG = """\
examples:
  mltui bundle                       mltui-digits-20261125-231500.zip in this folder
  mltui bundle -o incident.zip
  mltui bundle --kube 'prod/*'       with all namespaces of the context prod
  mltui open incident.zip            the same screens, anywhere; nothing can be changed

Holds the findings, what they were concluded from, the objects that they are about as YAML with
their events and the ends of their logs, who did what there, the journal, the ends of the stages'
logs, and mltui.yaml.
Contents of Secrets and ConfigMaps are never in it; other secrets are masked where they are known
by their name or shape; look it through before you hand it on.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    from mltui.cli.commands.triage import add_places

    parser.add_argument("-o", dest="file", metavar="FILE", help="where to write it")
    add_places(parser)


def run(args: argparse.Namespace, out: Output) -> int:
    """Look, write, say what it holds."""
    from mltui.cli.commands.triage import look, spec_text, to_json
    from mltui.live.incident import handed_over
    from mltui.live.masking import mask_command, mask_log, mask_text
    from mltui.runs.bundle import write_bundle
    from mltui.runs.findings import read_history
    from mltui.triage.diagnosis import count, diagnose
    from mltui.triage.history import History

    facts, project = look(args.docker, args.kube)
    facts = handed_over(facts)
    found = diagnose(facts)
    history = read_history(project) if project is not None else History()
    text = spec_text(project) if project is not None else None
    findings = json.dumps([to_json(each, text) for each in found], ensure_ascii=False, indent=1)
    file = Path(args.file) if args.file is not None else _default(facts, project)
    if file.is_dir():
        raise UsageError(f"{file} is a folder: name a file in it")
    for sentence in facts.unseen:
        diagnostics.warn(sentence)
    try:
        cut = write_bundle(
            file,
            facts,
            history,
            project,
            mask=lambda text: mask_text(mask_command(text)),
            mask_log=mask_log,
            more={
                "findings.json": mask_text(findings),
                "acts.jsonl": _acts(facts),
                **asyncio.run(_texts(facts, found)),
            },
        )
    except OSError as error:
        raise UsageError(f"{file} can't be written: {error.strerror or error}") from error
    if cut:
        diagnostics.note(f"of {len(cut)} long logs only the end is kept")
    size = format_bytes(file.stat().st_size)
    wrong = count(found)
    things = "1 thing" if wrong == 1 else f"{wrong} things"
    out.line(f"{file}  {size}, {things} wrong; look at it with `mltui open {file}`")
    return diagnostics.DONE


def _acts(facts: Facts) -> str:
    """Who did what to what there, when, and how it ended: the end of the action journal."""
    from mltui.live.acts import read_acts
    from mltui.live.masking import mask_text

    places = {facts.project, *(each.name for each in facts.hosts)} - {""}
    found = [
        each
        for each in read_acts(MOST_ACTS)
        if str(each.get("where") or "").partition("/")[0] in places
    ]
    return "".join(mask_text(json.dumps(each, ensure_ascii=False)) + "\n" for each in found)


async def _texts(facts: Facts, found: Sequence[Finding]) -> dict[str, str]:
    """The objects that findings are about, with their events and logs, as far as they answer."""
    from mltui.errors import MltuiError
    from mltui.live.incident import cluster_texts, docker_texts
    from mltui.live.kube.cluster import open_clusters

    texts: dict[str, str] = {}
    try:
        texts |= await docker_texts(facts)
    except MltuiError as error:
        diagnostics.warn(str(error))
    if facts.clusters:
        clusters = open_clusters()
        try:
            texts |= await cluster_texts(clusters, facts, found)
        except MltuiError as error:
            diagnostics.warn(str(error))
        finally:
            await clusters.close()
    return texts


def _default(facts: Facts, project: Project | None) -> Path:
    import re

    name = re.sub(r"[^A-Za-z0-9_-]+", "-", facts.project).strip("-") if project is not None else ""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(facts.at))
    return Path("-".join(filter(None, ("mltui", name, stamp))) + ".zip")
