"""One place's share of a table: what `engines.kubernetes.watch` says, made into rows.

Called by `feed`. A list is the truth; between lists an object's resource version decides which of
two messages is newer, so that what a lagging server repeats after a reconnect changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from mltui.errors import Forbidden, MltuiError
from mltui.live.kind import Kind
from mltui.live.kube.cluster import status_of
from mltui.live.kube.heap import LONG, give_back
from mltui.live.kube.place import Place
from mltui.live.kube.table import PlacedTable

_LET_GO_S = 1.0


class Part:
    """The rows of one place; a `Sink`."""

    def __init__(self, kind: Kind[Any], place: Place, table: PlacedTable[Any]) -> None:
        assert kind.watched is not None
        self._kind, self._place, self._table = kind, place, table
        self._row = kind.watched.row
        self._keys: set[str] = set()
        self._seen: set[str] | None = None
        self._gone: dict[str, int] = {}
        """Deleted since the last list, with the version of that."""

    def begin(self) -> None:
        """See `Sink`."""
        self._seen = set()

    def page(self, items: Sequence[Any]) -> None:
        """See `Sink`."""
        for item in items:
            key = self._put(self._row(item, self._place.context))
            if self._seen is not None:
                self._seen.add(key)

    def listed(self) -> None:
        """See `Sink`."""
        if self._seen is not None:
            for key in self._keys - self._seen:
                self._table.remove(key)
            self._keys, self._seen = self._seen, None
        self._gone.clear()
        self._table.listed(self._place)
        if len(self._keys) >= LONG:
            # A moment later, when the grid has taken the rows and the last answer is let go.
            asyncio.get_running_loop().call_later(_LET_GO_S, give_back)

    def put_rows(self, rows: Sequence[Any]) -> None:
        """Rows that were read already; a list that does not name them takes them away."""
        for row in rows:
            self._put(row)

    def put(self, items: Sequence[Any]) -> None:
        """See `Sink`."""
        for item in items:
            row = self._row(item, self._place.context)
            known = self._table.get(row.key)
            at = max(self._gone.get(row.key, 0), known.version if known is not None else 0)
            if not row.version or row.version >= at:
                self._put(row)

    def gone(self, items: Sequence[Any]) -> None:
        """See `Sink`."""
        for item in items:
            row = self._row(item, self._place.context)
            known = self._table.get(row.key)
            if known is not None and row.version and row.version < known.version:
                continue
            self._gone[row.key] = row.version
            self._keys.discard(row.key)
            self._table.remove(row.key)

    def lives(self) -> None:
        """See `Sink`."""
        self._table.answers(self._place)

    def lost(self, error: MltuiError) -> None:
        """See `Sink`."""
        is_refused = isinstance(error, Forbidden) or status_of(error) in (404, 405)
        if is_refused and status_of(error) in (401, 403):
            self.drop()  # what one may not see any more is not shown
        self._table.trouble(self._place, error, is_refused=is_refused)

    def drop(self) -> None:
        """Take all its rows away."""
        for key in self._keys:
            self._table.remove(key)
        self._keys.clear()

    def _put(self, row: Any) -> str:
        key: str = row.key
        old = self._table.get(key)
        self._keys.add(key)
        self._table.apply(key, row if old is None else self._kind.carry(old, row))
        return key
