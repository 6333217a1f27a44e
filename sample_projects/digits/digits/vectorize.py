"""Vectorize: scale the pixels to 0..1 and put a held-out quarter aside.

The split is made here, once, so that nothing that trains ever sees the held-out pages. A page that
came back corrected follows the page it was made from: it is trained on, or held out, in every form.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from digits.files import INK, SIDE, read_arrays, record_metrics, write_arrays

HOLDOUT_SHARE = 0.25


def scale_images(images: np.ndarray) -> np.ndarray:
    """Images of 0..16 as rows of 64 features of 0..1; serving uses the same function."""
    return np.asarray(images, dtype=np.float64).reshape(len(images), SIDE * SIDE) / INK


def choose_holdout(labels: np.ndarray, seed: int) -> np.ndarray:
    """True for the held-out rows: the same share of every digit."""
    random = np.random.default_rng(seed)
    held = np.zeros(len(labels), dtype=bool)
    for digit in np.unique(labels):
        rows = random.permutation(np.flatnonzero(labels == digit))
        held[rows[: round(HOLDOUT_SHARE * len(rows))]] = True
    return held


def split_pages(clean: dict[str, np.ndarray], seed: int) -> np.ndarray:
    """True for the held-out rows. Half of the held-out pages that came back go over to training."""
    origin, is_back = clean["origin"], clean["origin"] != clean["page"]
    held = set(origin[~is_back][choose_holdout(clean["labels"][~is_back], seed)].tolist())
    back = np.array(sorted(held & set(origin[is_back].tolist())), dtype=np.int64)
    random = np.random.default_rng(seed + 1)
    held -= set(random.permutation(back)[: len(back) // 2].tolist())
    return np.isin(origin, np.array(sorted(held), dtype=np.int64))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clean", type=Path)
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--holdout", type=Path, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--metrics", type=Path)
    args = parser.parse_args()

    clean = read_arrays(args.clean)
    features = scale_images(clean["images"])
    held = split_pages(clean, args.seed)
    for path, rows in ((args.features, ~held), (args.holdout, held)):
        write_arrays(
            path,
            features=features[rows],
            labels=clean["labels"][rows],
            page=clean["page"][rows],
        )
    print(f"numpy {np.__version__}: {features.shape[1]} features a page", flush=True)
    print(f"{int((~held).sum())} pages to train on, {int(held.sum())} held out", flush=True)
    record_metrics(
        args.metrics,
        features=features.shape[1],
        training_pages=int((~held).sum()),
        holdout_pages=int(held.sum()),
    )


if __name__ == "__main__":
    main()
