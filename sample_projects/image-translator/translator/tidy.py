"""Tidy: the segments of each page that are to be translated, each for itself, by pair.

`--lines keep` takes each line as a segment, as it was read. `--lines join` makes whole paragraphs
and joins the words that were broken at the end of a line.
"""

from __future__ import annotations

import argparse
from itertools import groupby
from pathlib import Path

from translator.files import read_json, record_metrics, write_json


def find_paragraphs(words: list[dict[str, str]]) -> list[list[str]]:
    """The lines of each paragraph that Tesseract saw."""
    return [
        [
            " ".join(word["text"] for word in line)
            for _, line in groupby(paragraph, key=lambda word: word["line"])
        ]
        for _, paragraph in groupby(words, key=lambda word: word["paragraph"])
    ]


def join_paragraph(lines: list[str]) -> tuple[str, int]:
    """One text of these lines, and how many words were broken."""
    text, joined = "", 0
    for line in lines:
        if text[-1:] in ("-", "‐") and text[-2:-1].isalpha() and line[0].islower():
            text, joined = text[:-1] + line, joined + 1
        else:
            text = f"{text} {line}".strip()
    return text, joined


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("read", type=Path)
    parser.add_argument("--languages", type=Path, required=True)
    parser.add_argument("--lines", choices=["keep", "join"], required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--metrics", type=Path)
    args = parser.parse_args()

    pages = read_json(args.read)
    texts: dict[str, dict[str, list[str]]] = {}
    total = 0
    for name, found in read_json(args.languages).items():
        if found["pair"] is None:
            print(f"{name}: no pair translates {found['language']}", flush=True)
            continue
        paragraphs = find_paragraphs(pages[name]["words"])
        if args.lines == "join":
            segments = []
            for lines in paragraphs:
                text, joined = join_paragraph(lines)
                segments.append(text)
                total += joined
        else:
            segments = [line for lines in paragraphs for line in lines]
        texts.setdefault(found["pair"], {})[name] = segments
        print(f"{name:12} {found['pair']}  {len(segments)} segments", flush=True)

    count = sum(len(segments) for named in texts.values() for segments in named.values())
    write_json(args.out, texts)
    record_metrics(args.metrics, segments=count, joined_words=total)
    print(f"{count} segments, {total} broken words joined", flush=True)


if __name__ == "__main__":
    main()
