"""What every stage shares: plain .npz files that numpy 1 and 2 both read, and metric lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

INK = 16.0
"""The darkest pixel: a scanner reports 0 (paper) to 16 (ink)."""

SIDE = 8
"""An image is SIDE x SIDE pixels."""


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """All arrays of an .npz file; a pickled object in it is refused."""
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def write_arrays(path: Path, **arrays: Any) -> None:
    """Write arrays to exactly this path (`np.savez` alone may add a suffix)."""
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)


def record_metrics(path: Path | None, **values: Any) -> None:
    """Append one JSON line of metrics, if a metrics file was asked for."""
    if path is None:
        return
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(values, default=float) + "\n")
