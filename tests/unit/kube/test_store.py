"""The store of a namespace and what serves a pod, as they run in a cluster, on loopback."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltui.engines.kubernetes.manifest import Served, job, job_name
from mltui.engines.kubernetes.store import pod, recorder
from mltui.engines.kubernetes.store.pod import Away, Keeper, OddFile, Remote
from mltui.engines.kubernetes.store.recorded import Refused
from mltui.engines.kubernetes.store.server import FROM, TOKEN
from mltui.engines.kubernetes.store.sparse import BLOCK
from mltui.engines.kubernetes.store.tree import Content, Tree, restore, survey
from mltui.engines.protocol import Attempt, Built
from mltui.spec.model import Pods, Resources


def _content(data: bytes) -> Content:
    return Content(hashlib.sha256(data).hexdigest(), len(data), None, data)


def test_content_goes_up_in_pieces_and_comes_back(remote: Remote, tmp_path: Path) -> None:
    data = os.urandom(pod.PIECE_BYTES + 12345)
    for content in (_content(data), _content(b""), _content(data)):
        remote.send(content)
        remote.fetch(content.digest, tmp_path / "got")
        assert (tmp_path / "got").read_bytes() == content.data


def test_an_upload_goes_on_where_it_was(remote: Remote) -> None:
    content = _content(os.urandom(1000))
    path = f"/blobs/{content.digest}?size=1000&offset="
    assert json.loads(remote.call("PUT", path + "0", content.data[:300]))["have"] == 300
    with pytest.raises(Refused) as caught:
        remote.call("PUT", path + "0", content.data[:300])
    assert caught.value.body["have"] == 300
    missing = json.loads(remote.call("POST", "/missing", json.dumps([content.digest]).encode()))
    assert missing == {content.digest: 300}
    remote.send(content)
    assert json.loads(remote.call("POST", "/missing", json.dumps([content.digest]).encode())) == {}


def test_what_came_whole_and_was_not_counted_yet(remote: Remote, tmp_path: Path) -> None:
    """The store's pod was replaced between the last byte and the check."""
    content = _content(os.urandom(1000))
    (tmp_path / "store" / "parts" / content.digest).write_bytes(content.data)
    remote.send(content)
    remote.fetch(content.digest, tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == content.data
    # A piece of what is there already is read, and the connection stays good.
    path = f"/blobs/{content.digest}?offset=0&size=1000"
    for _ in range(2):
        assert json.loads(remote.call("PUT", path, content.data))["have"] == 1000


def test_a_download_goes_on_where_it_broke(remote: Remote, tmp_path: Path) -> None:
    content = _content(os.urandom(3 << 20))
    remote.send(content)
    asked: list[bytes] = []
    behind: list[socket.socket] = []
    port = int(remote.address.rpartition(":")[2])
    server = socket.create_server(("127.0.0.1", 0))

    def relay() -> None:
        """Breaks off the first two answers, each a little later."""
        for limit in (1_000_000, 1_500_000, 1 << 30):
            near, _ = server.accept()
            with near, socket.create_connection(("127.0.0.1", port)) as far:
                behind.append(far)
                asked.append(near.recv(65536))
                far.sendall(asked[-1])
                sent = 0
                while sent < limit and (data := far.recv(65536)):
                    near.sendall(data)
                    sent += len(data)

    thread = threading.Thread(target=relay)
    thread.start()
    broken = Remote(f"127.0.0.1:{server.getsockname()[1]}", "t0ken", away_s=20)
    broken.fetch(content.digest, tmp_path / "got")
    behind[-1].shutdown(socket.SHUT_RDWR)  # the last answer was whole: nothing more comes of it
    thread.join(60)
    server.close()
    broken.close()
    assert (tmp_path / "got").read_bytes() == content.data
    offsets = [int(each.split(b"offset=")[1].split()[0]) for each in asked]
    assert offsets[0] == 0 < offsets[1] < offsets[2]


def test_what_is_not_what_it_says_is_not_kept(remote: Remote, tmp_path: Path) -> None:
    content = _content(b"right")
    with pytest.raises(Refused, match="not what was announced"):
        remote.call("PUT", f"/blobs/{content.digest}?size=5&offset=0", b"wrong")
    remote.send(content)
    kept = tmp_path / "store" / "blobs" / content.digest[:2] / content.digest[2:]
    kept.write_bytes(b"rOtten"[:5])
    with pytest.raises(Away, match="damaged"):
        remote.fetch(content.digest, tmp_path / "got")
    remote.send(content)  # damaged content was removed, so it can be sent again
    remote.fetch(content.digest, tmp_path / "got")


def test_without_the_token_nothing_is_said(remote: Remote) -> None:
    stranger = Remote(remote.address, "guess", away_s=20)
    for path in ("/records/a", "/blobs/" + "0" * 64):
        with pytest.raises(Refused, match="token"):
            stranger.call("GET", path)
    stranger.close()


@pytest.mark.parametrize("name", ["../x", "A", "a/../b", "%2e%2e", ""])
def test_odd_names_reach_no_file(remote: Remote, name: str) -> None:
    with pytest.raises(Refused):
        remote.call("PUT", f"/records/{name}/log?offset=0", b"x")
    with pytest.raises(Refused):
        remote.call("GET", f"/blobs/{name}")


def test_a_keeper_brings_what_a_killed_stage_left(remote: Remote, tmp_path: Path) -> None:
    room = tmp_path / "room"
    (room / "run").mkdir(parents=True)
    os.mkfifo(room / "run" / "alive")
    (room / "run" / "log").write_bytes(b"\xff line\n")
    keeper = Keeper(remote, "a-1", ["out"], room)
    thread = threading.Thread(target=keeper.run)
    alive = os.open(room / "run" / "alive", os.O_RDWR)
    (room / "run" / "started").touch()
    thread.start()
    deadline = time.monotonic() + 60
    watcher = Remote(remote.address, "t0ken", away_s=5)
    while json.loads(watcher.call("GET", "/records/a-1"))["log"] < 7:
        assert time.monotonic() < deadline
    (room / "metrics").write_text('{"loss": 1}')
    os.close(alive)  # as the kernel does when all of it is killed
    thread.join(60)
    assert not thread.is_alive()
    found = json.loads(watcher.call("GET", "/records/a-1"))
    assert found["result"]["code"] is None
    assert watcher.call("GET", "/records/a-1/log?offset=2") == b"line\n"
    assert watcher.call("GET", "/records/a-1/metrics") == b'{"loss": 1}'
    watcher.close()


def _recorded(remote: Remote, offset: int) -> tuple[int, bytes]:
    """What the store gives of a pod's records from an offset on, and where that begins."""
    with urlopen(
        Request(
            f"http://{remote.address}/records/web-1/log?offset={offset}", headers={TOKEN: "t0ken"}
        ),
        timeout=60,
    ) as answer:
        return int(answer.headers[FROM]), answer.read()


def test_what_a_service_recorded_is_bounded(
    remote: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "KEEP_BYTES", 64 << 10)
    room = tmp_path / "room"
    (room / "shared").mkdir(parents=True)
    (room / "run").mkdir()
    os.mkfifo(room / "run" / "alive")
    line = b'{"path": "/x"}\n'
    (room / recorder.RECORDS).write_bytes(line * 20_000)
    beside = recorder.Recorder(remote, "web-1", room)
    beside.is_told = True
    beside.run()
    log = tmp_path / "store" / "records" / "web-1" / "log"
    assert log.stat().st_size == len(line) * 20_000
    assert log.stat().st_blocks * 512 <= (64 << 10) + 2 * BLOCK
    begin, found = _recorded(remote, 0)
    assert begin > 0
    assert found == (line * 20_000)[begin:]

    # What a reader has is given back, what comes after that is kept; begun anew it goes on.
    remote.call("POST", f"/records/web-1/trim?until={log.stat().st_size}", b"")
    assert log.stat().st_blocks * 512 <= 2 * BLOCK
    with (room / recorder.RECORDS).open("ab") as file:
        file.write(b"new\n")
    again = recorder.Recorder(remote, "web-1", room)
    again.is_told = True
    again.run()
    assert _recorded(remote, len(line) * 20_000) == (len(line) * 20_000, b"new\n")
    # Of a stage's log nothing ever goes.
    remote.call("PUT", "/records/stage/log?offset=0", bytes(8 * BLOCK))
    remote.call("POST", f"/records/stage/trim?until={8 * BLOCK}", b"")
    assert len(remote.call("GET", "/records/stage/log")) == 8 * BLOCK


def test_a_store_that_is_away_does_not_end_the_recorder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its pod would not be ready any more, and nobody could ask the service."""
    room = tmp_path / "room"
    (room / "shared").mkdir(parents=True)
    (room / "run").mkdir()
    os.mkfifo(room / "run" / "alive")
    (room / recorder.RECORDS).write_bytes(b"one\n")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens there
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        beside = recorder.Recorder(Remote(address, "t0ken", away_s=0.1), "web-1", room)
        beside.is_told = True
        beside.run()
    assert "does not answer" in capsys.readouterr().err


def test_a_stage_can_not_have_the_keepers_files_read(remote: Remote, tmp_path: Path) -> None:
    """It may put links to `/proc/self/environ`, where the token is, in the place of anything."""
    room = tmp_path / "room"
    for name in ("run", "work"):
        (room / name).mkdir(parents=True)
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "token").write_text("t0ken")
    (room / "run" / "code").write_text("code 0\n")
    (room / "run" / "log").write_text("fine")
    (room / "metrics").symlink_to(secret / "token")
    (room / "work" / "out").symlink_to(secret)
    os.mkfifo(room / "run" / "alive")
    (room / "run" / "started").touch()
    Keeper(remote, "a-2", ["out/token", "out"], room).run()
    found = json.loads(remote.call("GET", "/records/a-2"))
    assert found["metrics"] is None
    tree = Tree.from_bytes(base64.b64decode(found["result"]["outputs"]))
    assert tree == Tree(links=[["out", str(secret)]])
    (room / "run" / "log").unlink()
    (room / "run" / "log").symlink_to(secret / "token")
    with pytest.raises(OddFile):
        Keeper(remote, "a-3", [], room).run()


_NAMES = st.text("ab.é ", min_size=1, max_size=3).filter(lambda n: n not in (".", ".."))


@given(st.dictionaries(_NAMES, st.binary(max_size=200) | st.none() | st.booleans(), max_size=8))
def test_a_tree_comes_back_as_it_was(found: dict[str, bytes | bool | None]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        root, copy = Path(name) / "a", Path(name) / "b"
        root.mkdir()
        copy.mkdir()
        for each, value in found.items():
            path = root / each
            if value is None:
                (path / "inner").mkdir(parents=True)
            elif isinstance(value, bool):
                path.symlink_to("nowhere")
            else:
                path.write_bytes(value)
        tree, contents = survey(root, ["."])
        kept = {content.digest: content for content in contents}
        again = Tree.from_bytes(tree.to_bytes())
        restore(again, copy, lambda d, p: _put(p, kept[d].read(0, kept[d].size)))
        assert survey(copy, ["."])[0] == tree == again


def _put(path: Path, data: bytes) -> None:
    path.write_bytes(data)


@pytest.mark.parametrize("name", ["/etc/x", "../x", "a/../../x", "", "a//b"])
def test_a_tree_names_nothing_outside(name: str, tmp_path: Path) -> None:
    for tree in (
        Tree(folders=[name]),
        Tree(links=[[name, "x"]]),
        Tree(files=[[name, False, 0, "0" * 64]]),
    ):
        with pytest.raises(ValueError, match="not a path"):
            restore(tree, tmp_path, lambda digest, path: _put(path, b""))


def test_a_job_is_the_same_each_time_and_says_whose_it_is(tmp_path: Path) -> None:
    attempt = Attempt(
        name="digits-ab12-3-train~2:1.1",
        labels={"mltui.stage": "train", "mltui.round": "2:1"},
        argv=("sh", "-c", "echo $(HOME) $$"),
        env={"A": "$(B)"},
        folder=tmp_path,
        work=tmp_path,
        built=Built("k", "r", "img@sha256:1"),
        resources=Resources(cpu=0.5, memory_bytes=1 << 30, gpu=2),
        timeout_s=60,
    )
    served = Served("10.0.0.1:8080", "store@sha256:2")

    def made(each: Attempt, *secrets: str) -> dict[str, object]:
        return job(
            each, image="img", tree="t", served=served, pods=Pods(), grace_s=5, secrets=secrets
        )

    body = made(attempt)
    assert body == made(attempt)
    text = json.dumps(body)
    assert "echo $$(HOME) $$$$" in text
    assert '"backoffLimit": 0' in text
    assert '"nvidia.com/gpu": "2"' in text
    assert '"activeDeadlineSeconds"' in text
    assert '"mltui.round": "2-1"' in text  # a label; the annotation has it as it is
    assert '"mltui.round": "2:1"' in text
    assert "suspend" in json.dumps(made(attempt, "HF"))
    other = replace(attempt, name="digits-ab12-3-train~2.1.1")
    assert job_name(other.name) != job_name(attempt.name)
    assert len(job_name("x" * 300)) <= 52
