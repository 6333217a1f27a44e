"""Train: an RBF-kernel support vector machine, fitted in epochs on random Fourier features.

`--c` weighs the errors and `--gamma` is the kernel's width, as in scikit-learn's SVC; an empty
value means unset (c 1, gamma from the variance of the features). The features go through
scikit-learn's RBFSampler, and one squared-hinge classifier a digit is then fitted on them by
mini-batch descent with momentum, because SVC itself has no epochs to report. Each page is also
shown moved one pixel to the left and to the right.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import sklearn
from sklearn.kernel_approximation import RBFSampler
from threadpoolctl import threadpool_limits

from digits.files import SIDE, read_arrays, record_metrics
from digits.model import Model, write_model

COMPONENTS = 2000
EPOCHS = 50
BATCH = 64
STEP = 0.2
INTERCEPT_STEP = 0.01
MOMENTUM = 0.9


def optional_number(text: str) -> float | None:
    """A number, or None for an empty value (an unset param)."""
    return float(text) if text.strip() else None


def add_moved(rows: np.ndarray) -> np.ndarray:
    """The rows, then all of them moved one pixel right, then left; paper comes in at the edge."""
    images = rows.reshape(-1, SIDE, SIDE)
    right, left = np.zeros_like(images), np.zeros_like(images)
    right[:, :, 1:] = images[:, :, :-1]
    left[:, :, :-1] = images[:, :, 1:]
    return np.concatenate([images, right, left]).reshape(-1, SIDE * SIDE)


class Fit:
    """The classifiers being fitted: weights, intercepts and their velocities."""

    def __init__(self, waves: np.ndarray, labels: np.ndarray, c: float) -> None:
        self.classes = np.unique(labels)
        self.waves = waves
        self.targets = np.where(labels[:, None] == self.classes, 1.0, -1.0)
        self.penalty = 1.0 / (c * len(waves))
        self.weights = np.zeros((waves.shape[1], len(self.classes)))
        self.intercepts = np.zeros(len(self.classes))
        self.weights_velocity = np.zeros_like(self.weights)
        self.intercepts_velocity = np.zeros_like(self.intercepts)

    def run_epoch(self, order: np.ndarray, pace: float) -> None:
        """Descend once through the rows in this order; `pace` scales the step."""
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            waves, targets = self.waves[rows], self.targets[rows]
            short = np.maximum(0, 1 - targets * (waves @ self.weights + self.intercepts))
            slope = -2 * targets * short / len(rows)
            downhill = waves.T @ slope + 2 * self.penalty * self.weights
            self.weights_velocity *= MOMENTUM
            self.weights_velocity -= STEP * pace * downhill
            self.weights += self.weights_velocity
            self.intercepts_velocity *= MOMENTUM
            self.intercepts_velocity -= INTERCEPT_STEP * pace * slope.sum(axis=0)
            self.intercepts += self.intercepts_velocity

    def measure(self) -> tuple[float, float]:
        """The regularised loss, and the share of the training rows that are answered right."""
        margins = self.waves @ self.weights + self.intercepts
        short = np.maximum(0, 1 - self.targets * margins)
        loss = (short**2).sum(axis=1).mean() + self.penalty * (self.weights**2).sum()
        right = margins.argmax(axis=1) == self.targets.argmax(axis=1)
        return float(loss), float(right.mean())


@threadpool_limits.wrap(limits=1)  # one core, as mltui.yaml asks, and the same sums anywhere
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("features", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--metrics", type=Path)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--c", type=optional_number)
    parser.add_argument("--gamma", type=optional_number)
    args = parser.parse_args()

    data = read_arrays(args.features)
    rows, labels = add_moved(data["features"]), np.tile(data["labels"], 3)
    c = 1.0 if args.c is None else args.c
    gamma = 1.0 / (rows.shape[1] * rows.var()) if args.gamma is None else args.gamma
    print(f"numpy {np.__version__}, scikit-learn {sklearn.__version__}", flush=True)
    print(
        f"{len(data['labels'])} pages, {len(rows)} with those moved, "
        f"c {c:g}, gamma {gamma:.4g}, seed {args.seed}",
        flush=True,
    )

    started = time.perf_counter()
    kernel = RBFSampler(gamma=gamma, n_components=COMPONENTS, random_state=args.seed)
    fit = Fit(kernel.fit_transform(rows), labels, c)
    random = np.random.default_rng(args.seed)
    for epoch in range(1, EPOCHS + 1):
        fit.run_epoch(random.permutation(len(rows)), pace=1 - (epoch - 1) / EPOCHS)
        loss, right = fit.measure()
        print(f"epoch {epoch:2}/{EPOCHS}  loss {loss:.4f}  right {right:.4f}", flush=True)
        record_metrics(args.metrics, epoch=epoch, loss=loss, training_accuracy=right)

    model = Model(
        frequencies=kernel.random_weights_,
        phases=kernel.random_offset_,
        weights=fit.weights,
        intercepts=fit.intercepts,
        classes=fit.classes,
        c=c,
        gamma=gamma,
    )
    write_model(args.out, model)
    print(f"trained in {time.perf_counter() - started:.1f} s", flush=True)


if __name__ == "__main__":
    main()
