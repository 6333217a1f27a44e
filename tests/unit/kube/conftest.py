"""A store of a cluster, as its pods reach it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mltui.engines.kubernetes.store.pod import Remote
from mltui.engines.kubernetes.store.server import serve


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[Remote]:
    """A store that nobody else uses."""
    server = serve(tmp_path / "store", "t0ken", 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    made = Remote(f"127.0.0.1:{server.server_address[1]}", "t0ken", away_s=5)
    yield made
    made.close()
    server.shutdown()
    thread.join()
    server.server_close()
