#!/bin/sh
# The whole cycle: train, serve, measure, drift, retrain, compare, promote. Nothing is staged: the
# pages are real, every number is computed. Run it in this folder, with `mltui` on the PATH.
set -eu
shift_=${SHIFT:-invert}
requests=${REQUESTS:-300}

traffic() {
  "$python" -m digits.traffic .mltui/holdout.npz --url "$url" --requests "$requests" "$@" |
    grep right | tail -n 1
}
field() { python3 -c "import json, sys; print(json.load(sys.stdin)[0]['$1'])"; }

rm -f corrections/*.jsonl
mltui run ${TARGET:+--target "$TARGET"}
mltui deploy classifier --yes ${TARGET:+--target "$TARGET"}
url=$(mltui ls services classifier -o json | field url)
case $url in
http://127.0.0.1:*) ;;
*) # In a cluster: a port of this machine leads to it.
  place=${url#http://}
  rest=${place#*.}
  mltui forward "svc/${place%%.*}" ":${rest#*:}" -n "${rest%%:*}" >.mltui/forward &
  forward=$!
  trap 'kill "$forward"' EXIT
  until grep -q leads .mltui/forward; do kill -0 "$forward" && sleep 0.2; done
  url=http://$(sed 's/ .*//' .mltui/forward)
  ;;
esac
url=$url/predict
# Any Python with numpy will do; the service's own where it is a process.
python=${PYTHON:-$(mltui ls versions classifier -o json | field location)/bin/python}
"$python" -c "import numpy" || { echo "set PYTHON to a Python that has numpy" >&2; exit 2; }
mltui get vectorize.holdout -o .mltui/holdout.npz --force

echo "== pages as they were learned"
traffic
mltui measure drift

echo "== another scanner: $shift_"
traffic --shift "$shift_" --seed 1 --corrections corrections/scanner.jsonl
mltui measure drift --follow || test $? -eq 4

echo "== the same pages again"
traffic
traffic --shift "$shift_" --seed 1
mltui ls measurements
mltui ls versions classifier
