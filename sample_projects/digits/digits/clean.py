"""Clean: one image a page, from every reading of it there is.

Readings of the same page are merged pixel by pixel, so a column that is dead in one scanner is
filled by another. What no scanner has read is counted (`missing_rate`, which the gate judges)
and then filled from its neighbours.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from digits.files import SIDE, read_arrays, record_metrics, write_arrays


def merge_readings(images: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    """The mean of what was read for each pixel of each group; NaN where nothing was."""
    present = ~np.isnan(images)
    total = np.zeros((groups, SIDE, SIDE))
    count = np.zeros((groups, SIDE, SIDE))
    np.add.at(total, group, np.where(present, images, 0.0))
    np.add.at(count, group, present)
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def fill_missing(images: np.ndarray) -> np.ndarray:
    """Each missing pixel becomes the mean of the neighbours that were read, or else paper."""
    present = ~np.isnan(images)
    total = np.zeros_like(images)
    count = np.zeros_like(images)
    values = np.pad(np.where(present, images, 0.0), ((0, 0), (1, 1), (1, 1)))
    known = np.pad(present.astype(float), ((0, 0), (1, 1), (1, 1)))
    for row in range(3):
        for column in range(3):
            total += values[:, row : row + SIDE, column : column + SIDE]
            count += known[:, row : row + SIDE, column : column + SIDE]
    around = np.divide(total, count, out=np.zeros_like(total), where=count > 0)
    return np.where(present, images, around)


def print_columns(missing: np.ndarray) -> None:
    """Say where the missing pixels are: a dead column stands out."""
    for column, share in enumerate(missing.mean(axis=(0, 1))):
        bar = "#" * round(40 * float(share))
        print(f"  column {column}  {share:6.1%} missing  {bar}".rstrip(), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("raw", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--metrics", type=Path)
    args = parser.parse_args()

    raw = read_arrays(args.raw)
    pages, first, group = np.unique(raw["page"], return_index=True, return_inverse=True)
    readings = np.unique(np.stack([raw["source"], raw["page"]]), axis=1).shape[1]
    duplicates = len(raw["page"]) - readings
    print(f"numpy {np.__version__}: {len(raw['page'])} images of {len(pages)} pages", flush=True)
    print(f"{duplicates} images were fed twice; merged", flush=True)

    images = merge_readings(raw["images"], group.reshape(-1), len(pages))
    missing = np.isnan(images)
    print_columns(missing)
    missing_rate = float(missing.mean())
    filled = fill_missing(images)
    print(f"missing_rate {missing_rate:.4f}: {int(missing.sum())} pixels filled in", flush=True)

    write_arrays(
        args.out,
        images=filled,
        labels=raw["labels"][first],
        page=pages,
        origin=raw["origin"][first],
    )
    record_metrics(
        args.metrics,
        missing_rate=missing_rate,
        duplicates=duplicates,
        pages=len(pages),
        filled_pixels=int(missing.sum()),
    )


if __name__ == "__main__":
    main()
