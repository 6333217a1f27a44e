"""Traffic: send held-out pages to a running service, changed if asked, and say how it did.

Not a stage: it plays the people who use the service. Their pages are scikit-learn's real digits
from the held-out set; `--shift` changes the pixels as another scanner would. With `--corrections`
they also say which digit each page really shows, which is what the next training can learn from.
"""

from __future__ import annotations

import argparse
import json
import urllib.request
from collections.abc import Callable
from pathlib import Path

import numpy as np

from digits.files import CORRECTED, INK, SIDE, read_arrays

Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def add_noise(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A worn sensor: every pixel off by up to a third of the ink."""
    return np.clip(image + random.normal(0, INK / 5, image.shape), 0, INK)


SHIFTS: dict[str, Change] = {
    "none": lambda image, random: image,
    "invert": lambda image, random: INK - image,
    "rotate": lambda image, random: np.rot90(image).copy(),
    "noise": add_noise,
}


def ask(url: str, pixels: np.ndarray) -> int:
    """The digit that the service sees in these pixels."""
    body = json.dumps({"pixels": pixels.tolist()}).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=30) as response:
        return int(json.load(response)["digit"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("holdout", type=Path)
    parser.add_argument("--url", default="http://127.0.0.1:8080/predict")
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--shift", choices=SHIFTS, default="none")
    parser.add_argument("--dead-column", type=int, action="append", default=[])
    parser.add_argument("--corrections", type=Path, help="append what the pages really show")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    holdout = read_arrays(args.holdout)
    # Pages that came back from earlier traffic are not sent again.
    own = np.flatnonzero(holdout["page"] < CORRECTED)
    random = np.random.default_rng(args.seed)
    rows = own[random.integers(len(own), size=args.requests)]
    right = 0
    corrections = []
    for count, row in enumerate(rows.tolist(), 1):
        image = INK * holdout["features"][row].reshape(SIDE, SIDE)
        image = SHIFTS[args.shift](image, random)
        image[:, args.dead_column] = 0.0
        label = int(holdout["labels"][row])
        right += ask(args.url, image.ravel()) == label
        page = int(holdout["page"][row])
        corrections.append({"pixels": image.ravel().tolist(), "digit": label, "page": page})
        if count % 100 == 0 or count == len(rows):
            print(f"{count} requests, {right / count:.1%} answered right", flush=True)
    if args.corrections is not None:
        with args.corrections.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in corrections)
        print(f"{len(corrections)} corrections written to {args.corrections}", flush=True)


if __name__ == "__main__":
    main()
