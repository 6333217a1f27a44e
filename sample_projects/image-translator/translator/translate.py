"""Translate: the pages of one pair of languages, with Apertium.

Apertium leaves `*word` for a word that it does not know; the share of those is the only measure
of quality that needs no reference translation.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import time
from pathlib import Path

from translator.files import read_json, record_metrics, write_json

UNKNOWN = re.compile(r"\*(\w[\w'’-]*)")
WORD = re.compile(r"\w[\w'’-]*")
BREAK = "\n\n"
"""Ends a sentence for Apertium, so segments don't run into each other."""


def translate(segments: list[str], mode: str) -> list[str]:
    """Each segment translated; one process does them all, since starting it is what takes time."""
    done = subprocess.run(
        ["apertium", mode],
        input=BREAK.join(segments) + "\n",
        check=True,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    translated = done.stdout.rstrip("\n").split(BREAK)
    if len(translated) != len(segments):
        raise SystemExit(f"{len(segments)} segments went in, {len(translated)} came out")
    return translated


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("texts", type=Path)
    parser.add_argument("--pair", required=True)
    parser.add_argument("--mode", required=True, help="what Apertium calls the pair")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--metrics", type=Path)
    args = parser.parse_args()

    started = time.perf_counter()
    texts = read_json(args.texts)[args.pair]
    flat = [segment for segments in texts.values() for segment in segments]
    print(f"apertium {args.mode}: {len(flat)} segments of {len(texts)} pages", flush=True)
    translations = iter(translate(flat, args.mode))
    pages = {}
    words = unknown = 0
    for name, segments in texts.items():
        both = [{"source": source, "target": next(translations)} for source in segments]
        target = " ".join(segment["target"] for segment in both)
        missing = UNKNOWN.findall(target)
        count = len(WORD.findall(target))
        words, unknown = words + count, unknown + len(missing)
        pages[name] = {"segments": both, "words": count, "unknown": missing}
        print(f"{name:12} {count:3} words  unknown: {', '.join(missing) or 'none'}", flush=True)

    share = round(unknown / max(words, 1), 4)
    write_json(args.out, {"pair": args.pair, "mode": args.mode, "pages": pages})
    record_metrics(args.metrics, unknown_share=share, words=words, unknown=unknown)
    seconds = time.perf_counter() - started
    print(f"unknown_share {share:.4f}, {words} words in {seconds:.1f} s", flush=True)


if __name__ == "__main__":
    main()
