"""What the store's image runs: the store itself, or what serves a pod of a stage or a service."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

from mltui.engines.kubernetes.store.pod import AWAY_S, Away, Keeper, OddFile, Remote, fetch
from mltui.engines.kubernetes.store.recorded import Refused
from mltui.engines.kubernetes.store.recorder import RECORD_AWAY_S, Recorder
from mltui.engines.kubernetes.store.server import answer_probes, serve


def main(arguments: list[str]) -> int:
    """`serve ROOT`, `fetch TREE [MEASURED]`, `keep RECORD OUTPUT…`, `record RECORD`; exit code."""
    mode, *rest = arguments
    token = os.environ["MLTUI_STORE_TOKEN"]
    if mode == "serve":
        server = serve(Path(rest[0]), token)
        threading.Thread(target=answer_probes, daemon=True).start()
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
        server.serve_forever()
        return 0
    away_s = RECORD_AWAY_S if mode == "record" else AWAY_S
    remote = Remote(os.environ["MLTUI_STORE"], token, away_s)
    try:
        if mode == "fetch":
            fetch(remote, rest[0], measured="".join(rest[1:]))
        else:
            closed = os.environ.get("MLTUI_NETWORK") == "closed"
            keeper: Keeper | Recorder = Keeper(remote, rest[0], rest[1:], is_closed=closed)
            if mode == "record":
                keeper = Recorder(remote, rest[0])
            signal.signal(signal.SIGTERM, lambda *_: setattr(keeper, "is_told", True))
            keeper.run()
    except (Away, OddFile, Refused, OSError, ValueError) as error:
        Path("/dev/termination-log").write_text(str(error))
        print(f"mltui: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
