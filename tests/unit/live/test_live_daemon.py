"""A daemon that counts what takes room there for one asker at a time."""

from __future__ import annotations

from typing import Any, cast

import pytest

from mltui.engines.docker.client import Client
from mltui.errors import MltuiError
from mltui.live.daemon import Daemon


class Counts:
    """Sends the first ones away, as Docker 20.10 does while it counts for somebody else."""

    def __init__(self, *refusals: str) -> None:
        self.refusals = list(refusals)

    async def json(self, method: str, path: str, query: object) -> Any:
        if self.refusals:
            raise MltuiError(self.refusals.pop(0))
        return {"asked": path}


async def test_who_is_sent_away_asks_again() -> None:
    busy = "a disk usage operation is already running"
    daemon = Daemon(cast(Client, Counts(busy, busy)))
    assert await daemon.usage() == {"asked": "/system/df"}
    with pytest.raises(MltuiError, match="no room"):
        await Daemon(cast(Client, Counts("no room"))).usage()
