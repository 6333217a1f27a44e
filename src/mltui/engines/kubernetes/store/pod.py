"""What serves a stage's pod: `fetch` before the stage, `keep` beside it. Run by `agent`.

The stage's own container knows nothing of the store. Standard library alone.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import shutil
import socket
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from mltui.engines.kubernetes.store.recorded import Refused
from mltui.engines.kubernetes.store.server import PROBE_PORT, TOKEN
from mltui.engines.kubernetes.store.tree import CHUNK, Content, Tree, restore, survey

ROOM = Path("/mltui")
"""The volume that the containers of a stage's pod share."""
PIECE_BYTES = 4 << 20
"""So much goes up in one request."""
MAX_METRICS_BYTES = 64 << 20
_SILENT_S = 10.0
"""The store's pod may be gone without a word: then another connection is tried."""
OPEN = "open"
"""What a result says of the network of a stage that is to have none."""
_PROBE_S = 1.0
AWAY_S = 1800.0
"""For so long a pod waits for a store that does not answer."""


class OddFile(Exception):
    """Something that is no file is where one was."""


class Away(Exception):
    """The store did not answer for too long, or refuses."""


class Remote:
    """The store as a pod reaches it."""

    def __init__(self, address: str, token: str, away_s: float = AWAY_S) -> None:
        self.address, self._token, self._away_s = address, token, away_s
        self._connection: http.client.HTTPConnection | None = None

    def call(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """An answer's body; tried again while the store does not answer. Away, Refused."""
        deadline, pause = time.monotonic() + self._away_s, 0.2
        while True:
            try:
                status, data = self._once(method, path, body)
            except (OSError, http.client.HTTPException) as error:
                self.close()
                why = f"the store at {self.address} does not answer: {error}"
            else:
                if status < 400:
                    return data
                told = _told(data)
                if status not in (500, 502, 503, 504, 507):
                    message = str(told.pop("message", ""))
                    raise Refused(status, message, **told)
                why = f"the store says: {told.get('message')}"
            if time.monotonic() > deadline:
                raise Away(why)
            time.sleep(pause)
            pause = min(pause * 2, 5.0)

    def answers_probe(self) -> bool:
        """Whether the store is reached where a pod without a network may not reach it."""
        place = (self.address.rpartition(":")[0].strip("[]"), PROBE_PORT)
        with suppress(OSError), socket.create_connection(place, _PROBE_S):
            return True
        return False

    def close(self) -> None:
        """Give back its connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _once(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self.address, timeout=_SILENT_S)
        self._connection.request(method, path, body, {TOKEN: self._token})
        response = self._connection.getresponse()
        data = response.read()
        if response.will_close:
            self.close()
        return response.status, data

    def fetch(self, digest: str, path: Path) -> None:
        """Content into a file; checked. Away when it is damaged in the store."""
        for _ in range(3):
            if self._fetch_once(digest, path) == digest:
                return
            if json.loads(self.call("POST", f"/check/{digest}", b""))["ok"] is not True:
                break
        raise Away(f"content {digest[:12]} is damaged or no longer in the store")

    def _fetch_once(self, digest: str, path: Path) -> str:
        """After a broken connection it goes on where it was; the digest of what came."""
        total = hashlib.sha256()
        gone = f"content {digest[:12]} is no longer in the store"
        with path.open("wb") as file:
            for data in self._stream(lambda: f"/blobs/{digest}?offset={file.tell()}", gone):
                file.write(data)
                total.update(data)
        return total.hexdigest()

    def fetch_window(self, service: str, seconds: float, path: Path) -> None:
        """What a service recorded in the last so many seconds, into a file. Away."""
        with path.open("wb") as file:

            def asked() -> str:
                file.seek(0)  # the window has moved on: all of it anew
                file.truncate()
                return f"/windows/{service}?seconds={seconds}"

            for data in self._stream(asked):
                file.write(data)

    def _stream(self, asked: Callable[[], str], gone: str = "") -> Iterator[bytes]:
        """An answer's body as it comes; until it is whole it is tried again with what is `asked`.

        `gone`: what to say where there is no such thing. Away.
        """
        deadline = time.monotonic() + self._away_s
        while True:
            connection = http.client.HTTPConnection(self.address, timeout=_SILENT_S)
            try:
                connection.request("GET", asked(), None, {TOKEN: self._token})
                response = connection.getresponse()
                if response.status == 404 and gone:
                    raise Away(gone)
                why = f"it answers {response.status}"
                if response.status == 200:
                    while data := response.read(CHUNK):
                        deadline = time.monotonic() + self._away_s
                        yield data
                    if not response.length:
                        return
                    why = "it broke off"
            except (OSError, http.client.HTTPException) as error:
                why = str(error)
            finally:
                connection.close()
            if time.monotonic() > deadline:
                raise Away(f"the store at {self.address} does not answer: {why}")
            time.sleep(0.5)

    def send(self, content: Content) -> None:
        """Content that the store may lack. Refused when it changes meanwhile."""
        wrong = 0
        have = self._have(content.digest)
        while have is not None:
            # Also when all of it is there: then it only has to be checked and counted.
            piece = content.read(have, PIECE_BYTES)
            path = f"/blobs/{content.digest}?offset={have}&size={content.size}"
            try:
                have = int(json.loads(self.call("PUT", path, piece))["have"])
                if have >= content.size:
                    return
            except Refused as error:
                wrong += error.status == 422
                if error.status not in (409, 422) or wrong > 3:
                    raise
                have = int(error.body["have"])
                if have < 0:  # it is being checked, or somebody else sends it
                    time.sleep(0.5)
                    have = self._have(content.digest)

    def _have(self, digest: str) -> int | None:
        """How much of some content the store has; None for all of it."""
        body = json.dumps([digest]).encode()
        found = json.loads(self.call("POST", "/missing", body)).get(digest)
        return None if found is None else int(found)


def _told(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError:
        return {"message": data[:200].decode("utf-8", "replace")}
    return found if isinstance(found, dict) else {}


def fetch(remote: Remote, tree_digest: str, room: Path = ROOM, measured: str = "") -> None:
    """Lay out code and inputs in the pod, with what the stage's container starts with.

    `measured`: of a monitor's pod, which windows of records are its inputs; see `_put_records`.
    """
    here = Path(__file__).parent
    # A node that was restarted begins the pod anew, with what is in its volume.
    for name in ("run", "work"):
        shutil.rmtree(room / name, ignore_errors=True)
    for name in ("bin", "run", "work", "shared"):
        (room / name).mkdir(exist_ok=True)
        (room / name).chmod(0o777)
    shutil.copyfile(shutil.which("busybox") or "/bin/busybox", room / "bin" / "busybox")
    for name in ("shim", "serve"):
        shutil.copyfile(here / f"{name}.sh", room / "bin" / name)
    for name in ("alive", "out"):
        os.mkfifo(room / "run" / name)
        (room / "run" / name).chmod(0o666)
    for name in ("busybox", "shim", "serve"):
        (room / "bin" / name).chmod(0o755)
    spare = room / "run" / "tree"
    remote.fetch(tree_digest, spare)
    tree = Tree.from_bytes(spare.read_bytes())
    spare.unlink()
    restore(tree, room / "work", remote.fetch, 0o666)
    # Its folder is made by the stage's shell too; the file must be writable for any user.
    (room / "metrics").touch()
    (room / "metrics").chmod(0o666)
    if measured:
        _put_records(remote, room, json.loads(measured))


def _put_records(remote: Remote, room: Path, measured: dict[str, Any]) -> None:
    """A monitor's inputs: what services recorded. With too few its command is not to run.

    `record`: where this measurement is kept; `schedule`, `version`: of what it is;
    `windows`: service, seconds and path of each, `since`: before, it was another's; `min_rows`.
    """
    tag = {"schedule": measured["schedule"], "version": measured["version"]}
    remote.call("PUT", f"/records/{measured['record']}/schedule", json.dumps(tag).encode())
    rows = 0
    for service, seconds, path in measured["windows"]:
        age_s = time.time() - measured.get("since", {}).get(service, 0.0)
        file = room / "work" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.parent.chmod(0o777)
        remote.fetch_window(service, max(min(seconds, age_s), 0.0), file)
        file.chmod(0o666)
        rows += _count_rows(file)
    (room / "run" / "rows").write_text(f"rows {rows}\n")
    if rows < measured["min_rows"]:
        (room / "run" / "few").touch()


def _count_rows(path: Path) -> int:
    """Its lines that are not blank, however long one is."""
    rows, is_blank = 0, True
    with path.open("rb") as file:
        while data := file.readline(CHUNK):
            is_blank = is_blank and not data.strip()
            if data.endswith(b"\n"):
                rows, is_blank = rows + (not is_blank), True
    return rows


class Keeper:
    """Beside a stage: brings what it writes to the store, and at its end what it left."""

    def __init__(
        self,
        remote: Remote,
        record: str,
        outputs: Iterable[str],
        room: Path = ROOM,
        *,
        is_closed: bool = False,
    ) -> None:
        """`is_closed`: the stage is to have no network; whether that holds is found out."""
        self._remote, self._record, self._outputs, self._room = remote, record, outputs, room
        self._is_closed = is_closed
        self._sent = 0
        self._total = hashlib.sha256()
        self._metrics: tuple[int, int] | None = None
        self.is_told = False
        """The pod is being ended."""

    def run(self) -> None:
        """Until the stage is over and all is kept. Away."""
        started = self._room / "run" / "started"
        while not started.exists():
            if self.is_told:
                return
            time.sleep(0.1)
        alive = os.open(self._room / "run" / "alive", os.O_RDONLY | os.O_NONBLOCK)
        beats = 0
        while is_held(alive):
            self._log()
            if beats % 8 == 0:
                self._send_metrics()
            beats += 1
            time.sleep(0.25)
        self._finish()

    def _log(self) -> None:
        with suppress(FileNotFoundError), open_plain(self._room / "run" / "log") as file:
            file.seek(self._sent)
            while data := file.read(CHUNK):
                path = f"/records/{self._record}/log?offset={self._sent}"
                self._remote.call("PUT", path, data)
                self._sent += len(data)
                self._total.update(data)

    def _send_metrics(self) -> None:
        path = self._room / "metrics"
        with suppress(FileNotFoundError, OddFile), open_plain(path) as file:
            info = os.fstat(file.fileno())
            seen = (info.st_size, info.st_mtime_ns)
            if info.st_size and seen != self._metrics:
                data = file.read(MAX_METRICS_BYTES)
                self._remote.call("PUT", f"/records/{self._record}/metrics", data)
                self._metrics = seen

    def _finish(self) -> None:
        self._log()
        self._send_metrics()
        said = _read_words(self._room / "run" / "code")
        said |= _read_words(self._room / "run" / "rows")
        code = int(said["code"]) if said.get("code", "").isdecimal() else None
        tree, contents = Tree(), list[Content]()
        if code == 0:
            tree, contents = survey(self._room / "work", self._outputs)
        for content in contents:
            self._remote.send(content)
        result = {
            **said,
            "code": code,
            "log": self._sent,
            "log_sha256": self._total.hexdigest(),
            "outputs": base64.b64encode(tree.to_bytes()).decode(),
        }
        # Asked at the end: a cluster may take a moment until it closes what a new pod may reach.
        if self._is_closed and self._remote.answers_probe():
            result["network"] = OPEN
        self._remote.call("PUT", f"/records/{self._record}/result", json.dumps(result).encode())


def open_plain(path: Path) -> BinaryIO:
    """A file that the stage may have put anything in the place of: links are not followed.

    FileNotFoundError, OddFile.
    """
    try:
        found = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise OddFile(f"{path} can't be read: {error.strerror}") from error
    file = os.fdopen(found, "rb")
    if not stat.S_ISREG(os.fstat(found).st_mode):
        file.close()
        raise OddFile(f"{path} is no file any more")
    return file


def is_held(pipe: int) -> bool:
    """Whether somebody holds the pipe open for writing; else a read finds its end."""
    try:
        return bool(os.read(pipe, 1))
    except BlockingIOError:
        return True


def _read_words(path: Path) -> dict[str, str]:
    """Lines `name value`."""
    with suppress(FileNotFoundError, OddFile), open_plain(path) as file:
        lines = file.read(4096).decode("utf-8", "replace").splitlines()
        return {name: value for name, _, value in (line.partition(" ") for line in lines)}
    return {}
