"""Read: the words of each scan, with how sure Tesseract is of each.

The gate judges `confidence`, that of the print size that reads worst: it is of no use to read the
signs and not the letters. A page in which no word is found counts as 0, or else the worst scan
would look the best. `character_error_rate` compares with what was printed; a real project would
not know that, and the gate does not use it.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import Any

from translator.files import mean, read_json, record_metrics, write_json

Word = dict[str, Any]


def parse_words(table: str) -> list[Word]:
    """The words in Tesseract's TSV; `line` changes from line to line, `paragraph` likewise."""
    words = []
    for row in csv.DictReader(table.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE):
        text = (row["text"] or "").strip()
        if row["level"] != "5" or not text:
            continue
        paragraph = f"{row['block_num']}.{row['par_num']}"
        words.append(
            {
                "text": text,
                "confidence": round(float(row["conf"]), 1),
                "box": [int(row[side]) for side in ("left", "top", "width", "height")],
                "paragraph": paragraph,
                "line": f"{paragraph}.{row['line_num']}",
            }
        )
    return words


def read_page(scan: Path, languages: str) -> list[Word]:
    """Run Tesseract on one scan, taken as a single column of text."""
    command = ["tesseract", str(scan), "stdout", "-l", languages, "--psm", "4", "tsv", "quiet"]
    environment = os.environ | {"OMP_THREAD_LIMIT": "1"}  # threads cost more than they bring
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, encoding="utf-8", env=environment
    )
    return parse_words(done.stdout)


def join_lines(words: list[Word]) -> list[str]:
    """The words as lines of text."""
    return [
        " ".join(word["text"] for word in line)
        for _, line in groupby(words, key=lambda word: word["line"])
    ]


def count_edits(one: str, other: str) -> int:
    """Levenshtein's distance: the characters to insert, remove or replace."""
    row = list(range(len(other) + 1))
    for above, left in enumerate(one):
        corner, row[0] = row[0], above + 1
        for place, letter in enumerate(other, 1):
            cost = min(row[place] + 1, row[place - 1] + 1, corner + (left != letter))
            corner, row[place] = row[place], cost
    return row[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scans", type=Path)
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--languages", required=True, help="as Tesseract names them: spa+cat")
    parser.add_argument("--jobs", type=int, default=2, help="scans read side by side")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--metrics", type=Path)
    args = parser.parse_args()

    truth = read_json(args.truth)
    scans = [args.scans / f"{name}.png" for name in truth]
    with ThreadPoolExecutor(args.jobs) as pool:
        readings = list(pool.map(read_page, scans, [args.languages] * len(scans)))
    pages, by_size = {}, defaultdict(list)
    errors = characters = 0
    for (name, known), words in zip(truth.items(), readings, strict=True):
        lines = join_lines(words)
        printed = "\n".join(known["lines"])
        edits = count_edits("\n".join(lines), printed)
        errors, characters = errors + edits, characters + len(printed)
        sure = [word["confidence"] for word in words]
        by_size[known["pixels"]].append(mean(sure))
        pages[name] = {
            "words": words,
            "lines": lines,
            "confidence": round(mean(sure), 2),
            "character_error_rate": round(edits / len(printed), 4),
        }
        print(
            f"{name:12} {known['pixels']:4g} px  {len(words):3} words  "
            f"confidence {mean(sure):5.1f}  character errors {edits / len(printed):6.1%}",
            flush=True,
        )
    for pixels, of_pages in sorted(by_size.items()):
        print(f"{pixels:g} px: confidence {mean(of_pages):.1f}", flush=True)
        record_metrics(args.metrics, step=pixels, confidence_by_size=round(mean(of_pages), 2))
    confidence = min(mean(of_pages) for of_pages in by_size.values())
    write_json(args.out, pages)
    record_metrics(
        args.metrics,
        confidence=round(confidence, 2),
        character_error_rate=round(errors / characters, 4),
        words=sum(len(page["words"]) for page in pages.values()),
        empty_pages=sum(not page["words"] for page in pages.values()),
    )
    print(f"confidence {confidence:.1f}", flush=True)


if __name__ == "__main__":
    main()
