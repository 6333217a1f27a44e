#!/bin/sh
# Scans through the services that are deployed: `./ask.sh scan.png …`. Run it in this folder.
set -eu
mltui ls services -o json | python3 -c '
import json, os, sys
words = [sys.executable, "-m", "translator.ask", *sys.argv[1:]]
for one in json.load(sys.stdin):
    if one["url"] is None:
        continue
    if one["service"] in ("reader", "languages"):
        words += ["--" + one["service"], one["url"]]
    else:
        words += ["--pair", one["service"] + "=" + one["url"]]
os.execv(sys.executable, words)
' "$@"
