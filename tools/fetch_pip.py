"""Puts pip into a virtual environment that was made without it; for `make setup`.

Debian ships ensurepip apart from Python, so a bare machine can make an environment but not fill
it. pip's own wheel can install itself; it is taken from the package index (`$PIP_INDEX_URL`, else
PyPI), by the "Simple Repository API" of the Python packaging specifications, and checked against
the hash that the index gives.

Run it with the environment's Python: `.venv/bin/python tools/fetch_pip.py`.
"""

from __future__ import annotations

import hashlib
import html
import os
import re
import runpy
import sys
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path

_LINK = re.compile(r'href="([^"]*/pip-(\d+(?:\.\d+)*)-py3-none-any\.whl#sha256=([0-9a-f]{64}))"')
_TIMEOUT_S = 180


def main() -> None:
    """Install pip into the environment this Python belongs to. SystemExit with a sentence."""
    index = os.environ.get("PIP_INDEX_URL") or "https://pypi.org/simple"
    page = f"{index.rstrip('/')}/pip/"
    try:
        text = _get(page).decode("utf-8", "replace")
        found = [
            (tuple(map(int, version.split("."))), html.unescape(link), digest)
            for link, version, digest in _LINK.findall(text)
        ]
        if not found:
            sys.exit(f"no wheel of pip on {page}; on Debian: apt-get install python3-venv")
        _, link, digest = max(found)
        wheel = _get(urllib.parse.urljoin(page, link))
    except OSError as error:
        sys.exit(
            f"pip can't be fetched from {page}: {error}; on Debian: apt-get install python3-venv"
        )
    if hashlib.sha256(wheel).hexdigest() != digest:
        sys.exit(f"pip from {page} is not what the index says it is; nothing was installed")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / link.rpartition("/")[2].partition("#")[0]
        path.write_bytes(wheel)
        sys.path.insert(0, str(path))
        sys.argv = ["pip", "install", "--quiet", "--no-index", "--no-deps", str(path)]
        runpy.run_module("pip", run_name="__main__")


def _get(url: str) -> bytes:
    request = urllib.request.Request(url, headers={"Accept": "text/html"})
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
        body: bytes = answer.read()
    return body


if __name__ == "__main__":
    main()
