"""Objects as the API gives them, undecoded but for their names; of Secrets only what is none.

Called by `ward`, which follows a cluster, and `kube_facts`, which looks once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from mltui.live.kube.chart import Id

if TYPE_CHECKING:
    from mltui.live.kube.ward import Watched


class _Name(msgspec.Struct, gc=False):
    name: str = ""
    namespace: str = ""


class _Named(msgspec.Struct, gc=False):
    metadata: _Name = msgspec.field(default_factory=_Name)


_named = msgspec.json.Decoder(_Named)


def id_of(kind: str, raw: bytes) -> Id:
    """The identity of an object as the API gave it."""
    meta = _named.decode(raw).metadata
    return kind, meta.namespace, meta.name


class Whole:
    """A `Shape`: objects as the API gives them, undecoded."""

    def __init__(self, watched: Watched) -> None:
        from mltui.engines.kubernetes.caller import JSON
        from mltui.engines.kubernetes.watch import Typed

        self.accept = JSON
        if watched.only_names:
            form = "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1"
            self.accept = ",".join((form.format("List"), form.format(""), JSON))
        self._typed = Typed(_Public if watched.selector else msgspec.Raw)

    def page(self, raw: bytes) -> tuple[Sequence[bytes], str]:
        """See `Shape`."""
        items, version = self._typed.page(raw)
        return [_bytes(each) for each in items], version

    def item(self, raw: bytes) -> tuple[Sequence[bytes], str]:
        """See `Shape`."""
        items, version = self._typed.item(raw)
        return [_bytes(each) for each in items], version


def _bytes(item: object) -> bytes:
    return bytes(item) if isinstance(item, msgspec.Raw) else msgspec.json.encode(item)


class _Meta(msgspec.Struct, gc=False, rename="camel", omit_defaults=True):
    name: str = ""
    namespace: str = ""
    deletion_timestamp: str | None = None
    finalizers: list[str] | None = None


class _Data(msgspec.Struct, gc=False, omit_defaults=True):
    certificate: str = msgspec.field(default="", name="tls.crt")


class _Public(msgspec.Struct, gc=False):
    """Of a TLS Secret what is no secret; its key is not even decoded."""

    metadata: _Meta = msgspec.field(default_factory=_Meta)
    type: str = ""
    data: _Data = msgspec.field(default_factory=_Data)
