"""What all Kubernetes kinds share: metadata, the common part of a row, columns that every list has.

Objects are decoded as Structs that hold only what is shown (`engines.kubernetes.watch.Typed`): ten
thousand pods in a fifth of a second. A field may be null in an answer, so it may be None here. What
many rows have alike (namespaces, images, labels) is kept once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache, lru_cache
from sys import intern
from typing import Any, TypeVar

import msgspec

from mltui.live.cells import NOTHING, Cell, Column, plain
from mltui.live.kinds._docker import NOWHERE, Place, read_place
from mltui.text import glyph, unicode_ok


class Owner(msgspec.Struct, gc=False):
    """Who made an object and takes it along when it goes."""

    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool | None = None


class Lean(msgspec.Struct, gc=False, rename="camel"):
    """An object's metadata, as far as most lists need it."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    labels: dict[str, str] | None = None
    owner_references: list[Owner] | None = None
    generation: int | None = None


class Meta(Lean, gc=False, rename="camel"):
    """The same with annotations, which may be large."""

    annotations: dict[str, str] | None = None


class Row(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What every row has. `context`, `namespace` and `name` say where the object is."""

    context: str
    namespace: str
    name: str
    uid: str
    version: int = 0
    """Its resource version: a larger one is newer."""
    created_at: float | None = None
    is_leaving: bool = False
    """Its deletion was asked for; it is still there."""
    place: Place = NOWHERE
    """The stage or service it belongs to, by its labels."""
    owner: str = ""
    """`ReplicaSet/web-5d8f`: its controller."""
    labels: tuple[str, ...] = ()
    """`app=web`, as filters ask for them."""

    @property
    def key(self) -> str:
        """Its identity: never another object's, of another context's neither."""
        return f"{self.context}/{self.uid or f'{self.namespace}/{self.name}'}"

    @property
    def id(self) -> str:
        """The object's own."""
        return self.uid


R = TypeVar("R", bound=Row)


def common(meta: Lean, context: str) -> dict[str, Any]:
    """The fields of `Row`."""
    owner = ""
    for each in meta.owner_references or ():
        if each.controller or not owner:
            owner = intern(f"{each.kind}/{each.name}")
    version = meta.resource_version
    labels = meta.labels
    return {
        "context": context,
        "namespace": intern(meta.namespace),
        "name": meta.name,
        "uid": meta.uid,
        "version": int(version) if version.isdecimal() else 0,
        "created_at": moment(meta.creation_timestamp),
        "is_leaving": meta.deletion_timestamp is not None,
        "place": read_place(labels) if labels and "mltui.project" in labels else NOWHERE,
        "owner": owner,
        "labels": _labels(tuple(labels.items())) if labels else (),
    }


@lru_cache(maxsize=1024)
def _labels(pairs: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    return tuple([f"{name}={value}" for name, value in pairs])


@lru_cache(maxsize=1024)
def same(words: tuple[str, ...]) -> tuple[str, ...]:
    """Words that many objects have alike, kept once."""
    return words


def moment(at: datetime | None) -> float | None:
    """Seconds since the epoch."""
    return None if at is None else at.timestamp()


# cells


_unicode = cache(unicode_ok)


@lru_cache(maxsize=1024)
def marked(mark: str, word: str, role: str | None = None) -> Cell:
    """`● Running`: a glyph of `text.glyphs`, a word of the API's, in the mark's role."""
    text = f"{glyph(mark, unicode=_unicode())} {plain(word)}"
    if role is None:
        role = "" if mark == "running" else f"state-{mark}"
    return Cell(text, role)


def dim(text: str) -> Cell:
    """Somebody's text that is seldom looked for."""
    return Cell(plain(text) or NOTHING, "dim")


def count_cell(count: int | None, *, warns: bool = False) -> Cell:
    """A number; nought is dim."""
    if count is None:
        return Cell(NOTHING, "dim")
    return Cell(str(count), "dim" if count == 0 else ("state-warning" if warns else ""))


def context_column() -> Column[Any]:
    """Shown when a list is of several contexts."""
    return Column("context", "CONTEXT", lambda r: dim(r.context), min=8, flex=1, max=24,
                  priority=195, help="the cluster, as your kubeconfig names it")  # fmt: skip


def namespace_column() -> Column[Any]:
    """Shown when a list is of several namespaces."""
    return Column("namespace", "NAMESPACE", lambda r: dim(r.namespace), min=10, flex=1, max=24,
                  priority=194)  # fmt: skip


def name_column(title: str = "NAME", *, flex: int = 3, most: int = 63) -> Column[Any]:
    """What it is called."""
    return Column("name", title, lambda r: Cell(plain(r.name)), min=14, flex=flex, max=most,
                  priority=200)  # fmt: skip


def place_column(priority: int = 90) -> Column[Any]:
    """The pipeline's part that it is."""
    return Column("place", "PART OF", lambda r: dim(r.place.text), min=8, flex=2, max=30,
                  priority=priority, shorten="end",
                  help="the stage and run, or service, it is of")  # fmt: skip


def columns(*own: Column[Any]) -> tuple[Column[Any], ...]:
    """A kind's columns with those that say where a row is."""
    return (context_column(), namespace_column(), *own)


def selector_text(selector: Mapping[str, str] | None) -> str:
    """`app=web,tier=front`."""
    return ",".join(f"{name}={value}" for name, value in sorted((selector or {}).items()))
