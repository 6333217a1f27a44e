"""The store of a namespace: content by its SHA-256, and what attempts left, served over HTTP.

Run in a pod of its own by `agent`. What comes is checked against its name before it counts; what is
sent in pieces goes on where it stopped. Standard library alone.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import parse_qs, urlsplit

from mltui.engines.kubernetes.store.recorded import SERVICE, Recorded, Refused
from mltui.engines.kubernetes.store.tree import CHUNK, hash_file

TOKEN = "X-Mltui-Token"
FROM = "X-Mltui-From"
"""Of what a service recorded: where an answer begins, if that is later than was asked for."""
PORT = 8080
PROBE_PORT = 8081
"""Open to whoever has a network."""
_DIGEST = re.compile("[0-9a-f]{64}")
_UNUSED_S = 86400.0


class _Body:
    """What came with a request, up to its length."""

    def __init__(self, stream: BinaryIO, length: int) -> None:
        self._stream, self._left = stream, length

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(self._left if size < 0 else min(size, self._left))
        self._left = self._left - len(data) if data else 0
        return data


class Store(Recorded):
    """Content by digest, and records of attempts, in a folder."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        for name in ("blobs", "parts"):
            (root / name).mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._busy: set[str] = set()

    def blob(self, digest: str) -> Path:
        """Where content is. Refused for what is no digest."""
        if not _DIGEST.fullmatch(digest):
            raise Refused(400, "not a SHA-256")
        return self.root / "blobs" / digest[:2] / digest[2:]

    def missing(self, digests: Iterable[str]) -> dict[str, int]:
        """Those it does not have: digest → how much of it has come already."""
        found = {}
        for digest in digests:
            try:
                os.utime(self.blob(digest))
            except FileNotFoundError:
                part = self.root / "parts" / digest
                found[digest] = part.stat().st_size if part.exists() else 0
        return found

    def add(self, digest: str, offset: int, size: int, body: _Body) -> int:
        """Take a piece; how much of the content is there now. Whole content is checked.

        Refused (409) while somebody else sends it, or where another piece is wanted.
        """
        blob = self.blob(digest)
        with self._lock:
            if digest in self._busy:
                raise Refused(409, "somebody else sends it just now", have=-1)
            self._busy.add(digest)
        try:
            if blob.exists():
                return size
            part = self.root / "parts" / digest
            have = part.stat().st_size if part.exists() else 0
            if offset != have:
                raise Refused(409, "another piece is wanted", have=have)
            self.make_room(size)
            with part.open("ab") as file:
                try:
                    while data := body.read(CHUNK):
                        file.write(data)
                finally:
                    file.flush()
                have = file.tell()
                if have < size:
                    return have
                os.fsync(file.fileno())
            with part.open("rb") as file:
                found, _ = hash_file(file)
            if found != digest or have != size:
                part.unlink()
                raise Refused(422, "what came is not what was announced", have=0)
            blob.parent.mkdir(exist_ok=True)
            part.replace(blob)
            return size
        finally:
            with self._lock:
                self._busy.discard(digest)

    def check(self, digest: str) -> bool:
        """Whether content is what its name says; damaged content is removed."""
        blob = self.blob(digest)
        try:
            with blob.open("rb") as file:
                found, _ = hash_file(file)
        except FileNotFoundError:
            return False
        if found != digest:
            blob.unlink(missing_ok=True)
        return found == digest

    def make_room(self, wanted: int) -> None:
        """Where the disk gets full, what nobody asked for in a day goes, the oldest first.

        Also what services recorded that have recorded nothing for a day.
        """
        space = shutil.disk_usage(self.root)
        short = wanted + space.total // 20 - space.free
        if short > 0:
            short = self._make_room_of_records(short)
        if short <= 0:
            return
        blobs = sorted((path.stat().st_mtime, path) for path in self.root.glob("blobs/*/*"))
        for used_at, path in blobs:
            if short <= 0 or time.time() - used_at < _UNUSED_S:
                return
            short -= path.stat().st_size
            path.unlink(missing_ok=True)

    def _make_room_of_records(self, short: int) -> int:
        """Remove what services recorded long ago; how much room is still missing."""
        logs = [mark.with_name("log") for mark in self.root.glob(f"records/*/{SERVICE}")]
        for used_at, path in sorted((path.stat().st_mtime, path) for path in logs if path.exists()):
            if short <= 0 or time.time() - used_at < _UNUSED_S:
                break
            short -= path.stat().st_blocks * 512
            shutil.rmtree(path.parent, ignore_errors=True)
        return short


class Handler(BaseHTTPRequestHandler):
    """The store's HTTP side."""

    protocol_version = "HTTP/1.1"
    store: Store
    token: str
    timeout = 120
    _body: _Body
    _is_answering = False
    """The head of an answer is out: what goes wrong now can only be told by breaking off."""

    def log_message(self, *args: Any) -> None:
        """Be silent: what matters is in the answers."""

    def _handle(self) -> None:
        self._is_answering = False
        parts = urlsplit(self.path)
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        self._body = _Body(cast(BinaryIO, self.rfile), int(self.headers.get("Content-Length") or 0))
        try:
            if parts.path == "/":
                space = shutil.disk_usage(self.store.root)
                self._say(200, {"store": "mltui", "free": space.free, "total": space.total})
                return
            if self.headers.get(TOKEN) != self.token:
                raise Refused(403, "this store is for the pods and runners that know its token")
            self._act(parts.path.strip("/").split("/"), query)
        except Refused as error:
            self._say(error.status, error.body)
        except (KeyError, ValueError) as error:
            self._say(400, {"message": f"the store does not understand the request: {error}"})
        except FileNotFoundError:
            self._say(404, {"message": "there is no such content"})
        except (ConnectionError, TimeoutError):
            self.close_connection = True  # whoever asked is gone
        except OSError as error:
            if self._is_answering:
                self.close_connection = True
                return
            status = 507 if error.errno in (28, 122) else 500
            self._say(status, {"message": f"the store's disk: {error.strerror or error}"})

    do_GET = do_PUT = do_POST = do_DELETE = _handle

    def _act(self, path: list[str], query: dict[str, str]) -> None:
        store, offset = self.store, int(query.get("offset", "0"))
        match [self.command, *path]:
            case ["POST", "missing"]:
                self._say(200, store.missing(json.loads(self._body.read())))
            case ["POST", "check", digest]:
                self._say(200, {"ok": store.check(digest)})
            case ["PUT", "blobs", digest]:
                size = int(query["size"])
                self._say(
                    200,
                    {"have": store.add(digest, offset, size, self._body)},
                )
            case ["GET", "blobs", digest]:
                # Whoever fetches it again and again needs it: a service, a monitor.
                os.utime(store.blob(digest))
                self._send_file(store.blob(digest), offset)
            case ["GET", "records", name]:
                self._say(200, store.describe(name))
            case ["GET", "records", name, "log"]:
                self._follow(name, offset, float(query.get("follow", "0")))
            case ["PUT", "records", name, "log"]:
                keep = int(query["keep"]) if "keep" in query else None
                have = store.extend(name, offset, self._body.read(), keep)
                self._say(200, {"have": have})
            case ["POST", "records", name, "trim"]:
                store.trim(name, int(query["until"]))
                self._say(200, {})
            case ["GET", "records", name, "metrics"]:
                self._send_file(store.record(name) / "metrics", 0)
            case ["PUT", "records", name, ("metrics" | "result") as what]:
                store.put(name, what, self._body.read())
                self._say(200, {})
            case ["PUT", "records", name, "schedule"]:
                store.tag(name, self._body.read())
                self._say(200, {})
            case ["DELETE", "records", name]:
                store.forget(name)
                self._say(200, {})
            case ["POST", "records", name, "take"]:
                self._say(200, {"by": store.take(name, query["by"])})
            case ["GET", "schedules", name]:
                self._say(200, store.scheduled(name))
            case ["PUT", "schedules", name]:
                store.keep(name, self._body.read())
                self._say(200, {})
            case ["DELETE", "schedules", name]:
                store.keep_no_more(name)
                self._say(200, {})
            case ["GET", "windows", service]:
                self._send_pieces(store.window(service, float(query["seconds"])))
            case _:
                raise Refused(404, "there is no such thing in the store")

    def _say(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        # What was sent and not read would be taken for the next request.
        self._body.read()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _send_file(self, path: Path, offset: int) -> None:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            self._is_answering = True
            self.send_response(200)
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Content-Length", str(max(0, size - offset)))
            self.end_headers()
            file.seek(offset)
            shutil.copyfileobj(file, self.wfile, CHUNK)

    def _follow(self, name: str, offset: int, limit_s: float) -> None:
        """The log from `offset`, then what comes, until the attempt is over or `limit_s` passed."""
        offset = self.store.begins(name, offset)
        self._send_pieces(self._followed(name, offset, limit_s), offset)

    def _send_pieces(self, pieces: Iterator[bytes], begins: int | None = None) -> None:
        self._is_answering = True
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Transfer-Encoding", "chunked")
        if begins is not None:
            self.send_header(FROM, str(begins))
        self.end_headers()
        for data in pieces:
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def _followed(self, name: str, offset: int, limit_s: float) -> Iterator[bytes]:
        folder, deadline = self.store.record(name), time.monotonic() + limit_s
        while True:
            is_over = (folder / "result").exists() or time.monotonic() >= deadline
            data = b""
            if self.store.begins(name, offset) > offset:
                break  # it was given back under way: whoever asks again is told where it begins
            if (folder / "log").exists():
                with (folder / "log").open("rb") as file:
                    file.seek(offset)
                    data = file.read(CHUNK)
            if data:
                offset += len(data)
                yield data
            elif is_over:
                break
            else:
                time.sleep(0.1)


def serve(root: Path, token: str, port: int = PORT) -> ThreadingHTTPServer:
    """The store's server, listening; `serve_forever` has it work."""
    handler = type("StoreHandler", (Handler,), {"store": Store(root), "token": token})
    server = ThreadingHTTPServer(("", port), handler)
    server.daemon_threads = True
    return server


def answer_probes(port: int = PROBE_PORT) -> None:
    """Take connections and end them, for ever."""
    with socket.create_server(("", port)) as listening:
        while True:
            listening.accept()[0].close()
