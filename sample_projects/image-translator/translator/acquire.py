"""Acquire: print the documents and scan each page; a later round has a better scanner.

Nothing is drawn at a small size: a page is printed large, in a real font, and the scanner makes
it small, soft and noisy, the same way each time.
"""

from __future__ import annotations

import argparse
import random
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageChops, ImageFilter

from translator.files import record_metrics, write_json
from translator.printing import EM, KINDS, print_document


@dataclass(frozen=True, slots=True)
class Scanner:
    """How many pixels it sees in an em of a letter, and how soft and noisy they are."""

    name: str
    pixels: float
    blur: float
    noise: float
    turn: float


SCANNERS = (
    Scanner("telephone", pixels=8, blur=0.6, noise=24, turn=0.5),
    Scanner("fax", pixels=10, blur=0.7, noise=18, turn=0.2),
    Scanner("flatbed", pixels=12, blur=0.7, noise=14, turn=0.1),
)


def make_noise(size: tuple[int, int], strength: float, seed: str) -> Image.Image:
    """Grey (128) with noise of this standard deviation: the sum of four even ones."""
    source = random.Random(seed)
    count = size[0] * size[1]
    quarters = [Image.frombytes("L", size, source.randbytes(count)) for _ in range(4)]
    halves = [ImageChops.add(a, b, scale=2) for a, b in (quarters[:2], quarters[2:])]
    noise = ImageChops.add(*halves, scale=2)  # standard deviation 74 / 2 = 37
    return noise.point([round(128 + (value - 127.5) * strength / 37) for value in range(256)])


def scan(plate: Image.Image, scanner: Scanner, em: float, seed: str) -> Image.Image:
    """A printed page as this scanner delivers it."""
    scale = scanner.pixels * em / EM
    turned = plate.rotate(scanner.turn, Image.Resampling.BICUBIC, fillcolor=plate.getpixel((0, 0)))
    size = (round(plate.width * scale), round(plate.height * scale))
    small = turned.resize(size, Image.Resampling.BOX)
    soft = small.filter(ImageFilter.GaussianBlur(scanner.blur))
    return ImageChops.add(soft, make_noise(size, scanner.noise, seed), offset=-128)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("documents", type=Path)
    parser.add_argument("--round", type=int, default=1, help="which scanner to use")
    parser.add_argument("--scans", type=Path, required=True)
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--metrics", type=Path)
    args = parser.parse_args()

    scanner = SCANNERS[min(args.round, len(SCANNERS)) - 1]
    if args.round > len(SCANNERS):
        print(f"round {args.round}, but there are only {len(SCANNERS)} scanners", flush=True)
    print(f"scanner {scanner.name}: {scanner.pixels:g} pixels an em", flush=True)
    args.scans.mkdir(exist_ok=True)
    truth = {}
    for document in sorted(args.documents.glob("*.txt")):
        name = document.stem
        language, _, kind_name = name.partition("-")
        if kind_name not in KINDS:
            raise SystemExit(f"{document.name}: its kind must be one of {', '.join(KINDS)}")
        kind = KINDS[kind_name]
        plate, lines = print_document(document.read_text(encoding="utf-8"), kind)
        page = scan(plate, scanner, kind.em, seed=f"{scanner.name} {name}")
        page.save(args.scans / f"{name}.png", optimize=True)
        pixels = round(scanner.pixels * kind.em, 1)
        truth[name] = {"language": language, "kind": kind_name, "pixels": pixels, "lines": lines}
        print(
            f"{name}: {page.width} x {page.height} pixels, {len(lines)} lines, {pixels:g} px",
            flush=True,
        )
    write_json(args.truth, truth)
    record_metrics(args.metrics, pages=len(truth), pixels=scanner.pixels)


if __name__ == "__main__":
    main()
