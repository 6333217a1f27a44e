"""Serve: the accepted model over HTTP, with health, Prometheus metrics and records.

POST /predict takes `{"pixels": [64 numbers of 0..16]}` (or eight rows of eight) and answers
`{"digit": …, "confidence": …}`. Each answered request is appended to the file that
MLTUI_RECORDS names, which is what the drift monitor reads.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

from digits.files import INK, SIDE
from digits.model import Model, read_model, share_margins
from digits.vectorize import scale_images

MAX_BODY_BYTES = 64 * 1024
IDLE_S = 30


@dataclass(slots=True)
class Counters:
    """What /metrics reports; guarded by one lock, as requests run in threads."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    by_digit: dict[int, int] = field(default_factory=dict)
    rejected: int = 0
    seconds: float = 0.0
    confidence: float = 0.0

    def format_prometheus(self) -> str:
        """The counters in the Prometheus text format."""
        with self.lock:
            answered = sum(self.by_digit.values())
            lines = [
                "# HELP digits_predictions_total Answered requests by predicted digit.",
                "# TYPE digits_predictions_total counter",
                *(
                    f'digits_predictions_total{{digit="{digit}"}} {count}'
                    for digit, count in sorted(self.by_digit.items())
                ),
                "# HELP digits_rejected_total Requests that could not be read.",
                "# TYPE digits_rejected_total counter",
                f"digits_rejected_total {self.rejected}",
                "# HELP digits_predict_seconds Time spent predicting.",
                "# TYPE digits_predict_seconds summary",
                f"digits_predict_seconds_sum {self.seconds:.6f}",
                f"digits_predict_seconds_count {answered}",
                "# HELP digits_confidence Confidence of the answers.",
                "# TYPE digits_confidence summary",
                f"digits_confidence_sum {self.confidence:.6f}",
                f"digits_confidence_count {answered}",
            ]
        return "\n".join(lines) + "\n"


def read_pixels(body: bytes) -> np.ndarray:
    """The image of a request; ValueError says what is wrong with it."""
    try:
        value = json.loads(body)
        pixels = np.array(value["pixels"], dtype=np.float64).reshape(SIDE**2)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f'expected {{"pixels": [{SIDE**2} numbers]}}: {error}') from error
    if not (np.isfinite(pixels).all() and pixels.min() >= 0 and pixels.max() <= INK):
        raise ValueError(f"every pixel must be a number from 0 to {INK:g}")
    return pixels


def append_record(path: Path | None, record: dict[str, Any]) -> None:
    """Append one line in a single write, so that replicas may share the file."""
    if path is None:
        return
    line = (json.dumps(record) + "\n").encode()
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, line)
    finally:
        os.close(descriptor)


class Classifier(ThreadingHTTPServer):
    """The HTTP server and the model it answers with."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], model: Model, records: Path | None) -> None:
        super().__init__(address, Handler)
        self.model = model
        self.records = records
        self.counters = Counters()

    def answer(self, pixels: np.ndarray) -> dict[str, Any]:
        """Predict one image, count it and record it."""
        started = time.perf_counter()
        margins = self.model.predict_margins(scale_images(pixels[None]))
        best = int(margins.argmax())
        digit, confidence = int(self.model.classes[best]), float(share_margins(margins)[0, best])
        with self.counters.lock:
            self.counters.by_digit[digit] = self.counters.by_digit.get(digit, 0) + 1
            self.counters.seconds += time.perf_counter() - started
            self.counters.confidence += confidence
        answer = {"digit": digit, "confidence": round(confidence, 4)}
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        append_record(self.records, {"at": now, "pixels": pixels.tolist(), **answer})
        return answer


class Handler(BaseHTTPRequestHandler):
    """/predict, /healthz and /metrics."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_S
    server: Classifier

    def do_GET(self) -> None:
        if self.path == "/healthz":
            self.send_text(200, "ok\n")
        elif self.path == "/metrics":
            text = self.server.counters.format_prometheus()
            self.send_text(200, text, "text/plain; version=0.0.4; charset=utf-8")
        else:
            self.send_text(404, "try /healthz, /metrics, or POST /predict\n")

    def do_POST(self) -> None:
        try:
            length = int(self.headers.get("Content-Length", ""))
        except ValueError:
            length = -1
        if self.path != "/predict" or not 0 <= length <= MAX_BODY_BYTES:
            self.close_connection = True  # the body is left unread
            known = self.path == "/predict"
            self.send_text(413 if known else 404, "a short body with a Content-Length is needed\n")
            return
        try:
            pixels = read_pixels(self.rfile.read(length))
        except ValueError as error:
            with self.server.counters.lock:
                self.server.counters.rejected += 1
            self.send_text(400, json.dumps({"error": str(error)}) + "\n", "application/json")
            return
        self.send_text(200, json.dumps(self.server.answer(pixels)) + "\n", "application/json")

    def send_text(self, status: int, text: str, kind: str = "text/plain; charset=utf-8") -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        if self.path not in ("/healthz", "/metrics"):  # probes would drown the log
            print(f"{self.command} {self.path!r} {code}", flush=True)


def choose_host() -> str:
    """All interfaces in a container, where the port is only reachable if published; else local."""
    marks = (Path("/.dockerenv"), Path("/run/.containerenv"))
    contained = "KUBERNETES_SERVICE_HOST" in os.environ or any(mark.exists() for mark in marks)
    return "0.0.0.0" if contained else "127.0.0.1"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default=choose_host())
    args = parser.parse_args()

    named = os.environ.get("MLTUI_RECORDS", "")
    model = read_model(args.model)
    server = Classifier((args.host, args.port), model, Path(named) if named else None)
    signal.signal(
        signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown, daemon=True).start()
    )
    print(f"numpy {np.__version__}, c {model.c:g}, gamma {model.gamma:.4g}", flush=True)
    print(f"listening on {args.host}:{server.server_address[1]}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
    print("stopped", flush=True)


if __name__ == "__main__":
    main()
