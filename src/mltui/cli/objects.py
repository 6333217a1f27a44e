"""`KIND/NAME` on the command line, and where it is: what `describe`, `exec` and `forward` share."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from mltui.errors import UsageError

if TYPE_CHECKING:
    from mltui.live.kube.one import One


def add_place(parser: argparse.ArgumentParser) -> None:
    """The options that say where an object of Kubernetes is."""
    parser.add_argument("-n", "--namespace", default="", metavar="NS", help="in this namespace")
    parser.add_argument("--context", default="", metavar="NAME", help="in this cluster")


def split(text: str, kind: str = "") -> tuple[str, str]:
    """Kind and name; `kind`: what a name alone is of. UsageError."""
    word, slash, name = text.partition("/")
    if not slash and kind:
        word, name = kind, text
    if not word or not name or "/" in name:
        raise UsageError(f"`{text}`: write KIND/NAME, like `pod/web-1`")
    return word, name


@asynccontextmanager
async def opened(args: argparse.Namespace, word: str, name: str) -> AsyncIterator[One]:
    """The object, its cluster connected for as long as the block lasts. MltuiError."""
    from mltui.live.kube.cluster import open_clusters
    from mltui.live.kube.one import find_one

    clusters = open_clusters()
    try:
        yield await find_one(clusters, word, name, context=args.context, namespace=args.namespace)
    finally:
        await clusters.close()
