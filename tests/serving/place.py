"""A small real project with a service, and what tests do to it: through the command line.

Its service is a few lines of Python that answer with the model, the version and their process.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

REPO = Path(__file__).parents[2]
DEADLINE_S = 240.0
SPEC = """\
mltui: 1
name: {name}
code: [server.py]
params: {{model: good, accuracy: 0.9}}
{environments}stages:
  train:
    phase: training
{use}    params: [model, accuracy]
    run: |
      echo ${{params.model}} > ${{outputs.model}}
      echo '{{"accuracy": '${{params.accuracy}}'}}' > ${{metrics}}
    outputs: {{model: model.txt}}
services:
  web:
{use}    inputs: {{model: train.model}}
    run: exec python3 server.py ${{inputs.model}} ${{port}}
    port: {port}
    health: /healthz
    metrics: /metrics
    replicas: 2
{more}targets:
  dev: {{engine: {engine}{dev}}}
  prod: {{engine: {engine}, production: true{prod}}}
"""
SERVER = """\
import json, os, signal, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

model = open(sys.argv[1]).read().strip()
if model == "broken":
    sys.exit("the model file does not load")
lock, count = threading.Lock(), 0


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        global count
        if self.path == "/healthz":
            return self.say(503 if model == "sick" or os.path.exists("sick") else 200, "ok")
        if self.path == "/metrics":
            kind = "# TYPE web_requests_total counter\\n"
            return self.say(200, f"{kind}web_requests_total {count}\\nweb_odd NaN\\n")
        with lock:
            count += 1
            with open(os.environ["MLTUI_RECORDS"], "a") as file:
                file.write(json.dumps({"path": self.path}) + "\\n")
        self.say(200, f"{model} {os.environ['MLTUI_VERSION']} {os.getpid()}\\n")

    def say(self, code, text):
        self.send_response(code)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 4096


server = Server((os.environ.get("HOST", "127.0.0.1"), int(sys.argv[2])), Handler)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
print("listening on", sys.argv[2], flush=True)
server.serve_forever()
"""
T = TypeVar("T")


def replacements(few: int) -> int:
    """How often replicas are replaced under load: `few`, and as often as asked (`make faults`)."""
    return int(os.environ.get("MLTUI_REPLACEMENTS") or few)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class World:
    """One project and its services; `stop` leaves nothing behind."""

    root: Path
    port: int
    env: dict[str, str] = field(default_factory=dict)
    name: str = "toy"
    clients: list[subprocess.Popen[str]] = field(default_factory=list)
    limit_s: float = 650
    """How long a command may take."""

    @classmethod
    def make(
        cls,
        root: Path,
        *,
        engine: str = "process",
        environment: str = "",
        more: str = "",
        name: str = "toy",
        dev: str = "",
        prod: str = "",
        **env: str,
    ) -> World:
        """`dev` and `prod`: more fields of these targets, `, namespace: …`."""
        port = free_port()
        text = SPEC.format(
            name=name,
            port=port,
            engine=engine,
            environments=f"environments:\n  plain: {environment}\n" if environment else "",
            use="    environment: plain\n" if environment else "",
            more=more,
            dev=dev,
            prod=prod,
        )
        (root / "mltui.yaml").write_text(text)
        (root / "server.py").write_text(SERVER)
        return cls(root, port, {**os.environ, **env}, name)

    def cli(self, *arguments: str, code: int = 0) -> str:
        """Run a command that is to end with `code`; both its outputs."""
        return "".join(self._run(arguments, code))

    def _run(self, arguments: tuple[str, ...], code: int) -> tuple[str, str]:
        done = subprocess.run(
            [sys.executable, "-m", "mltui", *arguments],
            cwd=self.root,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=self.limit_s,
        )
        said = done.stdout + done.stderr
        assert done.returncode == code, f"mltui {' '.join(arguments)}: {done.returncode}\n{said}"
        return done.stdout, done.stderr

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command beside others; both its outputs are one."""
        return subprocess.Popen(
            [sys.executable, "-m", "mltui", *arguments],
            cwd=self.root,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def ls(self, kind: str, *arguments: str) -> list[dict[str, Any]]:
        listed = json.loads(self._run(("ls", kind, *arguments, "-o", "json"), 0)[0])
        assert isinstance(listed, list)
        return listed

    def is_so(self, target: str = "dev", **fields: object) -> bool:
        """Whether all of these are so at one moment."""
        found = self.service(target)
        return all(found[name] == value for name, value in fields.items())

    def is_degraded(self, reason: str, target: str = "dev") -> bool:
        """Whether the service says that it is, for this reason."""
        found = self.service(target)
        return found["state"] == "degraded" and reason in found["reason"]

    def service(self, target: str = "dev") -> dict[str, Any]:
        return next(one for one in self.ls("services") if one["target"] == target)

    def train(self, model: str, accuracy: float = 0.9) -> None:
        self.cli(
            "run", "--target", "dev", "--set", f"model={model}", "--set", f"accuracy={accuracy}"
        )

    def get(self, port: int | None = None, url: str = "") -> list[str]:
        """What the service answers: model, version, process."""
        url = url or f"http://127.0.0.1:{port or self.port}/x"
        with urllib.request.urlopen(url, timeout=30) as answer:
            return str(answer.read().decode()).split()

    def load(self, url: str = "") -> subprocess.Popen[str]:
        """A client that asks 50 times a second until `end_load`."""
        url = url or f"http://127.0.0.1:{self.port}/x"
        client = subprocess.Popen(
            [sys.executable, "-m", "tests.serving.load", url, "50"],
            cwd=REPO,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.clients.append(client)
        assert client.stdout is not None
        assert client.stdout.readline() == "asking\n"
        return client

    def stop(self) -> None:
        for client in self.clients:  # of a test that failed; the others have ended
            if client.poll() is None:
                client.kill()
                client.communicate()
        with suppress(AssertionError, subprocess.TimeoutExpired):
            self.cli("stop", "--all", "--yes")
        with suppress(AssertionError, IndexError, ValueError):
            pid = self.ls("services")[0]["supervisor"]
            if pid is not None:
                os.kill(pid, signal.SIGTERM)


def end_load(client: subprocess.Popen[str]) -> dict[str, Any]:
    client.terminate()
    said, _ = client.communicate(timeout=180)
    found = json.loads(said)
    assert isinstance(found, dict)
    return found


def until(check: Callable[[], T], what: str, deadline_s: float = DEADLINE_S) -> T:
    """Ask again and again until it says something true."""
    deadline = time.monotonic() + deadline_s
    while time.monotonic() < deadline:
        found = check()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what} did not happen in {deadline_s:.0f} s")
