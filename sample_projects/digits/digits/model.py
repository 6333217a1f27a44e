"""The trained model as plain arrays: what `train` writes, `evaluate` and `serve` read.

No pickle, so a model file can't run code and serving needs numpy only.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from digits.files import read_arrays, write_arrays


@dataclass(frozen=True, slots=True)
class Model:
    """Random Fourier features of an RBF kernel, and one linear classifier a class on them."""

    frequencies: np.ndarray
    phases: np.ndarray
    weights: np.ndarray
    intercepts: np.ndarray
    classes: np.ndarray
    c: float
    gamma: float

    def predict_margins(self, features: np.ndarray) -> np.ndarray:
        """One margin a row and class; the greatest is the answer."""
        waves = np.cos(features @ self.frequencies + self.phases)
        waves *= np.sqrt(2.0 / len(self.phases))
        return waves @ self.weights + self.intercepts


def share_margins(margins: np.ndarray) -> np.ndarray:
    """Margins of a squared hinge as shares of 1 (Zhang 2002, as scikit-learn's modified_huber)."""
    shares = (np.clip(margins, -1, 1) + 1) / 2
    total = shares.sum(axis=1, keepdims=True)
    even = np.full_like(shares, 1 / shares.shape[1])
    return np.divide(shares, total, out=even, where=total > 0)


def read_model(path: Path) -> Model:
    """Read what `write_model` wrote."""
    arrays = read_arrays(path)
    numbers = {name: arrays.pop(name).item() for name in ("c", "gamma")}
    return Model(**arrays, **numbers)


def write_model(path: Path, model: Model) -> None:
    """Write the model's arrays to one .npz file."""
    write_arrays(path, **{name: getattr(model, name) for name in Model.__slots__})
