#!/bin/sh
# Scans through the services that are deployed: `./ask.sh scan.png …`. Run it in this folder. To those
# in a cluster a port of this machine leads as long as it takes.
set -eu
mltui ls services -o json | python3 -c '
import json, subprocess, sys
from urllib.parse import urlsplit

forwards = []

def here(url):
    place = urlsplit(url)
    if place.hostname == "127.0.0.1":
        return url
    name, _, namespace = place.hostname.partition(".")
    words = ["mltui", "forward", f"svc/{name}", f":{place.port}", "-n", namespace]
    forwards.append(subprocess.Popen(words, stdout=subprocess.PIPE, text=True))
    return "http://" + forwards[-1].stdout.readline().split()[0]

words = [sys.executable, "-m", "translator.ask", *sys.argv[1:]]
try:
    for one in json.load(sys.stdin):
        if one["url"] is None:
            continue
        if one["service"] in ("reader", "languages"):
            words += ["--" + one["service"], here(one["url"])]
        else:
            words += ["--pair", one["service"] + "=" + here(one["url"])]
    code = subprocess.run(words).returncode
finally:
    for each in forwards:
        each.terminate()
        each.wait()
sys.exit(code)
' "$@"
