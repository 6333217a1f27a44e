"""Evaluate: judge the model on the held-out pages, and show what it gets wrong."""

from __future__ import annotations

import argparse
import csv
import json
import struct
import zlib
from pathlib import Path

import numpy as np

from digits.files import SIDE, read_arrays, record_metrics
from digits.model import read_model

ZOOM = 6
ACROSS = 10


def count_confusion(labels: np.ndarray, predicted: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Rows are the true digits, columns the predicted ones."""
    table = np.zeros((len(classes), len(classes)), dtype=np.int64)
    np.add.at(table, (np.searchsorted(classes, labels), np.searchsorted(classes, predicted)), 1)
    return table


def write_confusion(path: Path, table: np.ndarray, classes: np.ndarray) -> None:
    """The confusion table as CSV, with a header row and column."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["true/predicted", *classes.tolist()])
        for digit, row in zip(classes.tolist(), table.tolist(), strict=True):
            writer.writerow([digit, *row])


def draw_sheet(images: np.ndarray) -> np.ndarray:
    """Images of 0..1 side by side, enlarged, dark on light, as bytes of grey."""
    down = max(1, -(-len(images) // ACROSS))
    cell = (SIDE + 1) * ZOOM
    sheet = np.full((down * cell, ACROSS * cell), 255, dtype=np.uint8)
    for place, image in enumerate(images):
        grey = (255 * (1 - np.clip(image, 0, 1))).astype(np.uint8).repeat(ZOOM, 0).repeat(ZOOM, 1)
        top, left = place // ACROSS * cell, place % ACROSS * cell
        sheet[top : top + SIDE * ZOOM, left : left + SIDE * ZOOM] = grey
    return sheet


def write_png(path: Path, grey: np.ndarray) -> None:
    """Write 8-bit grey pixels as a PNG (ISO/IEC 15948), without an imaging library."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    height, width = grey.shape
    lines = b"".join(b"\0" + line.tobytes() for line in grey)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(lines, 9))
        + chunk(b"IEND", b"")
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--holdout", type=Path, required=True)
    parser.add_argument("--report", type=Path, required=True)
    parser.add_argument("--confusion", type=Path, required=True)
    parser.add_argument("--mistakes", type=Path, required=True)
    parser.add_argument("--metrics", type=Path)
    args = parser.parse_args()

    model = read_model(args.model)
    holdout = read_arrays(args.holdout)
    labels = holdout["labels"]
    predicted = model.classes[model.predict_margins(holdout["features"]).argmax(axis=1)]
    wrong = np.flatnonzero(predicted != labels)
    accuracy = float((predicted == labels).mean())
    table = count_confusion(labels, predicted, model.classes)
    per_class = {
        str(digit): float(table[row, row] / table[row].sum())
        for row, digit in enumerate(model.classes.tolist())
    }
    for digit, share in per_class.items():
        print(f"digit {digit}  {share:7.2%}  {'#' * round(30 * share)}", flush=True)

    write_confusion(args.confusion, table, model.classes)
    write_png(args.mistakes, draw_sheet(holdout["features"][wrong].reshape(-1, SIDE, SIDE)))
    report = {
        "accuracy": accuracy,
        "pages": len(labels),
        "configuration": {"c": model.c, "gamma": model.gamma},
        "accuracy_by_digit": per_class,
        "mistakes": [
            {"page": int(page), "is": int(label), "taken_for": int(taken)}
            for page, label, taken in zip(
                holdout["page"][wrong], labels[wrong], predicted[wrong], strict=True
            )
        ],
    }
    args.report.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    worst = min(per_class, key=lambda digit: per_class[digit])
    record_metrics(
        args.metrics,
        accuracy=accuracy,
        mistakes=len(wrong),
        worst_digit=int(worst),
        worst_digit_accuracy=per_class[worst],
    )
    print(f"accuracy {accuracy:.4f}: {len(wrong)} of {len(labels)} pages wrong", flush=True)


if __name__ == "__main__":
    main()
