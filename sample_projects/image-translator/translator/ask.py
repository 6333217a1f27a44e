"""Ask: scans through the services, one after the other: read, detect, tidy, translate.

    python3 -m translator.ask scan.png --reader http://127.0.0.1:8090 \
        --languages http://127.0.0.1:8091 --pair spa-eng=http://127.0.0.1:8095

Any Python will do; `ask.sh` finds the addresses of what is deployed.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

from translator.tidy import find_paragraphs, join_paragraph

TIMEOUT_S = 120


def post(url: str, body: bytes) -> dict[str, Any]:
    """What a service answers."""
    opener = build_opener(ProxyHandler({}))
    with opener.open(Request(url, body), timeout=TIMEOUT_S) as answer:
        found = json.loads(answer.read())
    assert isinstance(found, dict)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scans", nargs="+", type=Path)
    parser.add_argument("--reader", required=True, metavar="URL")
    parser.add_argument("--languages", required=True, metavar="URL")
    parser.add_argument("--pair", action="append", default=[], metavar="PAIR=URL")
    args = parser.parse_args()

    pairs = dict(pair.split("=", 1) for pair in args.pair)
    left = 0
    for scan in args.scans:
        page = post(args.reader, scan.read_bytes())
        found = post(args.languages, json.dumps({"lines": page["lines"]}).encode())
        print(f"{scan.name}: {found['language']}, confidence {page['confidence']}")
        if found["pair"] not in pairs:
            print(f"  no service translates {found['language']}")
            left += 1
            continue
        segments = [join_paragraph(lines)[0] for lines in find_paragraphs(page["words"])]
        body = json.dumps({"segments": segments}).encode()
        for segment in post(pairs[found["pair"]], body)["segments"]:
            print(f"  {segment['target']}")
    return 1 if left == len(args.scans) else 0


if __name__ == "__main__":
    sys.exit(main())
