"""What every stage shares: plain .npz files that numpy 1 and 2 both read, and metric lines."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

INK = 16.0
"""The darkest pixel: a scanner reports 0 (paper) to 16 (ink)."""

CORRECTED = 100_000
"""Pages that came back corrected are numbered from here."""

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


@dataclass(frozen=True, slots=True)
class Corrections:
    """Pages as the service got them, with the digit that a person says they show."""

    images: np.ndarray
    labels: np.ndarray
    pages: np.ndarray
    """The page that each was made from."""


def read_corrections(folder: Path | None) -> Corrections:
    """All `*.jsonl` files of the folder: lines `{"pixels": […], "digit": 3, "page": 17}`."""
    files = sorted(folder.glob("*.jsonl")) if folder is not None else []
    lines = [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]
    images = [np.array(line["pixels"], dtype=np.float64).reshape(SIDE, SIDE) for line in lines]
    return Corrections(
        np.array(images).reshape(len(lines), SIDE, SIDE),
        np.array([line["digit"] for line in lines], dtype=np.int64),
        np.array([line["page"] for line in lines], dtype=np.int64),
    )
