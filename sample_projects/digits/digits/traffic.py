"""Traffic: send held-out pages to a running service, through a damaged scanner if asked.

Not a stage: a way to see the service's metrics move and its drift monitor fire.
"""

from __future__ import annotations

import argparse
import json
import urllib.request
from pathlib import Path

import numpy as np

from digits.files import INK, SIDE, read_arrays


def ask(url: str, pixels: np.ndarray) -> int:
    """The digit that the service sees in these pixels."""
    body = json.dumps({"pixels": pixels.tolist()}).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=10) as response:
        return int(json.load(response)["digit"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("holdout", type=Path)
    parser.add_argument("--url", default="http://127.0.0.1:8080/predict")
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--dead-column", type=int, action="append", default=[])
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    holdout = read_arrays(args.holdout)
    random = np.random.default_rng(args.seed)
    rows = random.integers(len(holdout["labels"]), size=args.requests)
    right = 0
    for count, row in enumerate(rows.tolist(), 1):
        image = INK * holdout["features"][row].reshape(SIDE, SIDE).copy()
        image[:, args.dead_column] = 0.0
        right += ask(args.url, image.ravel()) == holdout["labels"][row]
        if count % 100 == 0 or count == len(rows):
            print(f"{count} requests, {right / count:.1%} answered right", flush=True)


if __name__ == "__main__":
    main()
