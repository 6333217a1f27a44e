"""Which of two values of a metric is the better one: what the gates of a project say.

Kept beside the journal under the digest of the text of `mltui.yaml`, so that comparing runs reads a
small file in place of loading the spec. Written when a run is planned, else when it is first asked
for; what can't be written or read is only made again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mltui.spec.model import Spec

FOLDER = "best"


def directions(spec: Spec) -> dict[str, bool]:
    """`evaluate.accuracy` → whether more of it is better. Pure."""
    from mltui.spec.model import Compare, Metric

    found: dict[str, bool] = {}
    for name, stage in spec.stages.items():
        gate = stage.gate
        if gate is None:
            continue
        if gate.best is not None:
            found[f"{name}.{gate.best.metric}"] = gate.best.direction == "max"
        elif isinstance(gate.require, Compare) and isinstance(gate.require.left, Metric):
            found[f"{name}.{gate.require.left.name}"] = gate.require.op in (">", ">=")
    return found


def keep(folder: Path, digest: str, found: Mapping[str, bool]) -> None:
    """Keep what a text says; `folder`: the project's `.mltui`."""
    file = _file(folder, digest)
    with suppress(OSError):
        file.parent.mkdir(exist_ok=True)
        part = file.with_suffix(".part")
        part.write_text(json.dumps(dict(found)), encoding="utf-8")
        part.replace(file)


def read(folder: Path, digest: str) -> dict[str, bool] | None:
    """What was kept of a text; None: nothing that can be read."""
    try:
        found = json.loads(_file(folder, digest).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return {str(k): bool(v) for k, v in found.items()} if isinstance(found, dict) else None


def _file(folder: Path, digest: str) -> Path:
    return folder / FOLDER / f"{digest.rpartition(':')[2]}.json"
