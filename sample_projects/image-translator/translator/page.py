"""Page: the results as one HTML file without scripts or links, a report and a sheet of scans.

Each scan is shown with a frame around every word, in the colour of the reader's confidence, next
to what was read and its translation with the unknown words marked.
"""

from __future__ import annotations

import argparse
import base64
import re
from html import escape
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from translator.files import read_json, record_metrics, write_json
from translator.review import read_items

Entry = dict[str, Any]

MARK = re.compile(r"([*#@])(\w[\w'’-]*)")
MARKS = {"*": "unknown word", "#": "no form of this word", "@": "no translation of this word"}
LEVELS = ((85, "sure", "#1a7f37"), (60, "unsure", "#b26a00"), (0, "poor", "#c62828"))
SHEET_COLUMNS, SHEET_WIDTH, SHEET_GAP = 4, 420, 12

HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Image translator</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; }
th, td { text-align: left; padding: .2rem 1rem .2rem 0; border-bottom: 1px solid #8884; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
article { display: grid; gap: 0 1.5rem; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr));
  border-top: 1px solid #8888; padding: 1rem 0; }
article h2, article .facts { grid-column: 1 / -1; margin: 0 0 .5rem; }
.scan { position: relative; align-self: start; }
.scan img, .scan svg { display: block; width: 100%; height: auto; }
.scan svg { position: absolute; inset: 0; }
rect { fill: transparent; }
mark { background: #ffd54f; color: #000; padding: 0 .15em; }
.source { opacity: .75; }
STYLES</style></head><body>
"""


def find_level(confidence: float) -> tuple[str, str]:
    """The name and colour of a confidence."""
    return next((name, colour) for least, name, colour in LEVELS if confidence >= least)


def merge_facts(inputs: dict[str, Any]) -> dict[str, Entry]:
    """All that is known of each page, from the results of every stage."""
    done = {
        name: page | {"mode": pair["mode"]}
        for pair in inputs["translations"].values()
        for name, page in pair["pages"].items()
    }
    facts = {}
    for name, known in inputs["truth"].items():
        page, found = inputs["pages"][name], inputs["languages"][name]
        translated = done.get(name, {"segments": [], "unknown": [], "mode": None})
        facts[name] = {
            "kind": known["kind"],
            "pixels": known["pixels"],
            "words": len(page["words"]),
            "confidence": page["confidence"],
            "character_error_rate": page["character_error_rate"],
            "language": found["language"],
            "language_score": found["score"],
            "language_is_right": found["language"] == known["language"],
            "pair": found["pair"],
            "mode": translated["mode"],
            "unknown_share": inputs["review"]["by_page"].get(name),
            "unknown": translated["unknown"],
            "segments": translated["segments"],
        }
    return facts


def show_share(share: float | None) -> str:
    """A share in percent, or a dash."""
    return "–" if share is None else f"{share:.1%}"


def draw_frames(words: list[Entry], size: tuple[int, int]) -> str:
    """The frames around the words, as SVG over the scan; each tells what was read there."""
    frames = []
    for word in words:
        left, top, width, height = word["box"]
        level, _ = find_level(word["confidence"])
        frames.append(
            f'<rect class="{level}" x="{left}" y="{top}" width="{width}" height="{height}">'
            f"<title>{escape(word['text'])}: {word['confidence']:.0f}</title></rect>"
        )
    return f'<svg viewBox="0 0 {size[0]} {size[1]}" aria-hidden="true">{"".join(frames)}</svg>'


def mark_words(text: str) -> str:
    """A translation with Apertium's marks made visible."""
    return MARK.sub(
        lambda found: f'<mark title="{MARKS[found[1]]}">{found[2]}</mark>',
        escape(text, quote=False),
    )


def show_page(name: str, fact: Entry, page: Entry, scan: Path) -> str:
    """One page: the scan with its frames, what was read, the translation."""
    with Image.open(scan) as image:
        size = image.size
    data = base64.b64encode(scan.read_bytes()).decode("ascii")
    pair = fact["pair"] or f"{fact['language']}: no pair translates it"
    facts = (
        f"{fact['pixels']:g} px · confidence {fact['confidence']:.0f} · character errors "
        f"{fact['character_error_rate']:.1%} · {fact['language']} {fact['language_score']:.2f} · "
        f"unknown words {show_share(fact['unknown_share'])}"
    )
    language = escape(fact["language"])
    sources = [one["source"] for one in fact["segments"]] or page["lines"]
    source = "".join(f"<p>{escape(text)}</p>" for text in sources)
    target = "".join(f"<p>{mark_words(one['target'])}</p>" for one in fact["segments"])
    target_language = escape((fact["pair"] or "und-und").partition("-")[2])
    return (
        f'<article id="{escape(name)}"><h2>{escape(name)}: {escape(pair)}</h2>'
        f'<p class="facts">{escape(facts)}</p>'
        f'<div class="scan"><img src="data:image/png;base64,{data}" alt="scan of {escape(name)}">'
        f"{draw_frames(page['words'], size)}</div>"
        f'<div class="source" lang="{language}">{source}</div>'
        f'<div class="target" lang="{target_language}">{target}</div></article>\n'
    )


def show_summary(facts: dict[str, Entry]) -> str:
    """A table with a row for each page."""
    columns = ("page", "pair", "px", "confidence", "character errors", "unknown words")
    head = "".join(f"<th{' class=number' * (at > 1)}>{one}</th>" for at, one in enumerate(columns))
    rows = []
    for name, fact in facts.items():
        numbers = (
            f"{fact['pixels']:g}",
            f"{fact['confidence']:.1f}",
            f"{fact['character_error_rate']:.1%}",
            show_share(fact["unknown_share"]),
        )
        cells = "".join(f"<td class=number>{number}</td>" for number in numbers)
        link = f'<a href="#{escape(name)}">{escape(name)}</a>'
        rows.append(f"<tr><td>{link}</td><td>{escape(fact['pair'] or '–')}</td>{cells}</tr>")
    return f"<table><tr>{head}</tr>{''.join(rows)}</table>\n"


def make_html(facts: dict[str, Entry], pages: dict[str, Entry], scans: Path) -> str:
    """The whole page."""
    styles = "".join(f"rect.{name} {{ stroke: {colour}; }}\n" for _, name, colour in LEVELS)
    shown = [
        show_page(name, fact, pages[name], scans / f"{name}.png") for name, fact in facts.items()
    ]
    legend = ", ".join(
        f'<b style="color: {colour}">{name}</b> from {least}' for least, name, colour in LEVELS
    )
    return (
        f"{HEAD.replace('STYLES', styles)}<h1>Image translator</h1>\n"
        f"<p>Frames show how sure the reader is of a word: {legend}. "
        f"<mark>Marked</mark> words could not be translated.</p>\n"
        f"{show_summary(facts)}{''.join(shown)}</body></html>\n"
    )


def frame_scan(scan: Path, words: list[Entry]) -> Image.Image:
    """A scan at the sheet's width, with a frame around each word."""
    with Image.open(scan) as image:
        scale = SHEET_WIDTH / image.width
        size = (SHEET_WIDTH, round(image.height * scale))
        tile = image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    draw = ImageDraw.Draw(tile)
    for word in words:
        left, top, width, height = (round(side * scale) for side in word["box"])
        _, colour = find_level(word["confidence"])
        draw.rectangle((left, top, left + width, top + height), outline=colour)
    return tile


def make_sheet(pages: dict[str, Entry], scans: Path) -> Image.Image:
    """All framed scans, in columns that are kept about equally long."""
    columns: list[list[Image.Image]] = [[] for _ in range(SHEET_COLUMNS)]
    heights = [SHEET_GAP] * SHEET_COLUMNS
    for name, page in pages.items():
        tile = frame_scan(scans / f"{name}.png", page["words"])
        shortest = heights.index(min(heights))
        columns[shortest].append(tile)
        heights[shortest] += tile.height + SHEET_GAP
    width = SHEET_COLUMNS * (SHEET_WIDTH + SHEET_GAP) + SHEET_GAP
    sheet = Image.new("RGB", (width, max(heights)), "#808080")
    for at, column in enumerate(columns):
        top = SHEET_GAP
        for tile in column:
            sheet.paste(tile, (SHEET_GAP + at * (SHEET_WIDTH + SHEET_GAP), top))
            top += tile.height + SHEET_GAP
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scans", type=Path, required=True)
    for name in ("truth", "pages", "languages", "review"):
        parser.add_argument(f"--{name}", type=read_path, required=True)
    parser.add_argument("--translations", type=lambda text: read_items(Path(text)), required=True)
    for name in ("html", "report", "sheet"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--metrics", type=Path)
    args = parser.parse_args()

    facts = merge_facts(vars(args))
    write_json(args.report, {"review": args.review, "pages": facts})
    html = make_html(facts, args.pages, args.scans)
    args.html.write_text(html, encoding="utf-8")
    make_sheet(args.pages, args.scans).save(args.sheet)
    for name, fact in facts.items():
        first = fact["segments"][0]["target"] if fact["segments"] else ""
        print(f"{name:12} {fact['pair'] or '-':8} {first}", flush=True)
    translated = sum(bool(fact["segments"]) for fact in facts.values())
    record_metrics(
        args.metrics, pages=len(facts), translated=translated, html_bytes=len(html.encode())
    )
    print(f"{translated} of {len(facts)} pages translated", flush=True)


def read_path(text: str) -> Any:
    """The value in the JSON file that an argument names."""
    return read_json(Path(text))


if __name__ == "__main__":
    main()
