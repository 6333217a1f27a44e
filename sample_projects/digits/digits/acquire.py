"""Acquire: read every page from the scanners that this round may use.

Round 1 reads the first scanner, round 2 the first two, and so on. The pages are scikit-learn's
1,797 handwritten digits; what a scanner does to them (dead columns, lost pixels, pages fed
twice) is done to the real pixels, the same way each time.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from digits.files import CORRECTED, read_corrections, record_metrics, write_arrays


@dataclass(frozen=True, slots=True)
class Scanner:
    """A source of pages and what is wrong with it."""

    name: str
    seed: int
    dead_columns: tuple[int, ...]
    lost_share: float
    twice_share: float


SCANNERS = (
    Scanner("north", seed=101, dead_columns=(3, 4), lost_share=0.04, twice_share=0.06),
    Scanner("harbour", seed=102, dead_columns=(4,), lost_share=0.02, twice_share=0.02),
    Scanner("annex", seed=103, dead_columns=(), lost_share=0.01, twice_share=0.01),
)


def scan_pages(scanner: Scanner, pages: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The images as this scanner delivers them (NaN = no reading) and the page of each."""
    random = np.random.default_rng(scanner.seed)
    images = pages.astype(np.float64)
    images[:, :, list(scanner.dead_columns)] = np.nan
    images[random.random(images.shape) < scanner.lost_share] = np.nan
    twice = np.flatnonzero(random.random(len(images)) < scanner.twice_share)
    order = np.sort(np.concatenate([np.arange(len(images)), twice]))
    return images[order], order


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--round", type=int, default=1, help="how many scanners to read")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--corrections", type=Path, help="folder of pages that came back corrected")
    parser.add_argument("--metrics", type=Path)
    args = parser.parse_args()

    bunch = load_digits()
    scanners = SCANNERS[: max(args.round, 1)]
    if args.round > len(SCANNERS):
        print(f"round {args.round}, but there are only {len(SCANNERS)} scanners", flush=True)
    images, pages, sources = [], [], []
    for number, scanner in enumerate(scanners):
        scanned, order = scan_pages(scanner, bunch.images)
        images.append(scanned)
        pages.append(order)
        sources.append(np.full(len(order), number, dtype=np.int64))
        missing = float(np.isnan(scanned).mean())
        print(
            f"scanner {scanner.name}: {len(order)} images of {len(bunch.images)} pages, "
            f"dead columns {list(scanner.dead_columns)}, {missing:.1%} of the pixels missing",
            flush=True,
        )
        record_metrics(args.metrics, step=number + 1, scanner_missing_rate=missing)

    origin = np.concatenate(pages)
    page, labels = origin, bunch.target[origin]
    back = read_corrections(args.corrections)
    if len(back.labels):
        print(
            f"{len(back.labels)} pages came back corrected by those who use the service", flush=True
        )
        images.append(back.images)
        sources.append(np.full(len(back.labels), len(scanners), dtype=np.int64))
        origin = np.concatenate([origin, back.pages])
        page = np.concatenate([page, CORRECTED + np.arange(len(back.labels))])
        labels = np.concatenate([labels, back.labels])
    write_arrays(
        args.out,
        images=np.concatenate(images),
        labels=labels.astype(np.int64),
        page=page.astype(np.int64),
        origin=origin.astype(np.int64),
        source=np.concatenate(sources),
        scanners=np.array([scanner.name for scanner in scanners]),
    )
    record_metrics(
        args.metrics, scanners=len(scanners), images=len(page), corrected=len(back.labels)
    )
    print(f"{len(page)} images from {len(scanners)} scanner(s)", flush=True)


if __name__ == "__main__":
    main()
