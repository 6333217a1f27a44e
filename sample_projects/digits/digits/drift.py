"""Drift: how far what the service sees has moved from what the model was trained on.

The population stability index (PSI) of each feature, over five bins of darkness; `psi` is the
worst feature's. Below 0.1 is usually called stable, above 0.2 shifted.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from digits.files import SIDE, read_arrays, record_metrics
from digits.vectorize import scale_images

EDGES = np.array([0.03, 0.28, 0.53, 0.78])


def count_shares(features: np.ndarray) -> np.ndarray:
    """Share of the rows in each bin, a row of bins for each feature; no bin is quite empty."""
    bins = np.searchsorted(EDGES, features)
    counts = np.stack([(bins == number).sum(axis=0) for number in range(len(EDGES) + 1)], axis=1)
    return (counts + 0.5) / (len(features) + 0.5 * (len(EDGES) + 1))


def measure_psi(reference: np.ndarray, recent: np.ndarray) -> np.ndarray:
    """PSI of each feature."""
    before, now = count_shares(reference), count_shares(recent)
    return ((now - before) * np.log(now / before)).sum(axis=1)


def read_records(path: Path) -> np.ndarray:
    """The features of the recorded requests; a line that can't be read is left out, aloud."""
    images = []
    for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), 1):
        try:
            images.append(np.array(json.loads(line)["pixels"], dtype=np.float64).reshape(SIDE**2))
        except (ValueError, KeyError, TypeError) as error:
            print(f"line {number} left out: {error}", file=sys.stderr, flush=True)
    return scale_images(np.array(images).reshape(len(images), SIDE**2))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument("--recent", type=Path, required=True)
    parser.add_argument("--metrics", type=Path)
    args = parser.parse_args()

    reference = read_arrays(args.reference)["features"]
    recent = read_records(args.recent)
    if len(recent) == 0:
        sys.exit("no records: drift can't be measured")
    psi = measure_psi(reference, recent)
    print(f"{len(recent)} requests against {len(reference)} training pages", flush=True)
    for feature in np.argsort(psi)[::-1][:5]:
        row, column = divmod(int(feature), SIDE)
        print(f"  pixel row {row} column {column}  psi {psi[feature]:.3f}", flush=True)
    record_metrics(
        args.metrics,
        psi=float(psi.max()),
        psi_mean=float(psi.mean()),
        shifted_features=int((psi >= 0.2).sum()),
        rows=len(recent),
    )
    print(f"psi {psi.max():.3f} (mean {psi.mean():.3f})", flush=True)


if __name__ == "__main__":
    main()
