"""`mltui describe`: a readable page about one thing out there, or the whole of it as YAML."""

from __future__ import annotations

import argparse
import asyncio

from mltui.cli import diagnostics
from mltui.cli.objects import add_place, opened, split
from mltui.cli.output import Output
from mltui.errors import UsageError

EPILOG = """\
Secrets are masked; `--secrets` shows them. With the page of an object of Kubernetes come its
events; `-o tree` shows what owns it and what it owns, down to containers, each with its state.

examples:
  mltui describe pod/train-2 -n digits-dev
  mltui describe deploy/web -o yaml
  mltui describe deploy/web -o tree
  mltui describe container/db       on the Docker host
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("object", metavar="KIND/NAME", help="pod/NAME, deploy/NAME, container/NAME")
    add_place(parser)
    parser.add_argument("--secrets", action="store_true", help="show what is secret")
    parser.add_argument(
        "-o",
        dest="output",
        choices=["yaml", "json", "tree"],
        help="yaml, json: all that is known of it; tree: its owners and what it owns",
    )


def run(args: argparse.Namespace, out: Output) -> int:
    """Print it."""
    word, name = split(args.object)
    text = _docker(args, word, name)
    if text is None:
        text = asyncio.run(_kube(args, word, name))
    for line in text.splitlines():
        out.line(out.say(line))
    return diagnostics.DONE


async def _kube(args: argparse.Namespace, word: str, name: str) -> str:
    from mltui.live.kube.describe import as_json, as_yaml, describe, masked, revealed

    async with opened(args, word, name) as one:
        if args.output == "tree":
            from mltui.live.kube.tree import Family, tree_text

            family = Family(one.clusters)
            try:
                await family.open(one.cluster, one.kind, one.row)
                await family.settled()
                return tree_text(family.table.rows.values())
            finally:
                await family.close()
        if args.output in ("yaml", "json"):
            shown = revealed(one.raw) if args.secrets else masked(one.raw)
            return as_yaml(shown) if args.output == "yaml" else as_json(shown)
        page = await describe(one.cluster, one.kind, one.row, secrets=args.secrets)
        return page.text


def _docker(args: argparse.Namespace, word: str, name: str) -> str | None:
    """Of a Docker host's thing; None for what is none."""
    from mltui.live.kinds import kinds

    found = next(
        (
            kind
            for kind in kinds().values()
            if word in (kind.name, kind.title) or word in kind.aliases
        ),
        None,
    )
    if found is None:
        return None
    if args.namespace or args.context:
        raise UsageError(f"{found.name} are Docker's: they have no namespace or context")
    if args.output == "tree":
        raise UsageError("a tree is of objects of Kubernetes")
    if args.output == "yaml":
        raise UsageError(f"a {found.title} is told as JSON: `-o json`")
    return asyncio.run(_of_docker(found.name, name, args))


async def _of_docker(kind: str, name: str, args: argparse.Namespace) -> str:
    from mltui.live.feed import open_feed
    from mltui.live.listing import describe_once

    feed = await open_feed()
    try:
        is_json = args.output == "json"
        return await describe_once(feed.daemon, kind, name, as_json=is_json, secrets=args.secrets)
    finally:
        await feed.close()
