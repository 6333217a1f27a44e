"""Review: how good the translations are as a whole, which no single pair can say.

The gate judges `unknown_share`, the share of the words that Apertium did not know.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from translator.files import read_json, record_metrics, write_json


def read_items(folder: Path) -> dict[str, Any]:
    """What each item of a `for_each` stage wrote: its entry in the folder, by `index.json`."""
    index = read_json(folder / "index.json")
    return {item: read_json(folder / entry) for item, entry in sorted(index.items())}


def measure_share(pages: list[dict[str, Any]]) -> float:
    """The share of unknown words on these pages."""
    words = sum(page["words"] for page in pages)
    return round(sum(len(page["unknown"]) for page in pages) / max(words, 1), 4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("translations", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--metrics", type=Path)
    args = parser.parse_args()

    pairs = read_items(args.translations)
    pages = {name: page for pair in pairs.values() for name, page in pair["pages"].items()}
    by_pair = {pair: measure_share([*found["pages"].values()]) for pair, found in pairs.items()}
    by_page = {name: measure_share([page]) for name, page in sorted(pages.items())}
    share = measure_share([*pages.values()])
    for pair, part in by_pair.items():
        print(f"{pair}  unknown_share {part:.4f}", flush=True)
    print(f"{len(pages)} pages  unknown_share {share:.4f}", flush=True)
    write_json(args.out, {"unknown_share": share, "by_pair": by_pair, "by_page": by_page})
    record_metrics(args.metrics, unknown_share=share, unknown_by_pair=by_pair, pages=len(pages))


if __name__ == "__main__":
    main()
