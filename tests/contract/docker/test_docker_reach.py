"""A daemon by each way to it; one that is stopped, hangs, does not fit, or is no Docker."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.contract.place import is_alive

from mltui.engines.docker import DockerEngine
from mltui.engines.docker.hosts import resolve
from mltui.engines.protocol import Attempt, Stopped
from mltui.errors import Unreachable, UsageError
from mltui.spec.model import Target

from .box import BASE, IMAGE, Box, read, until
from .relay import Relay

if TYPE_CHECKING:
    from tests.testbed.docker import DockerHost, SshHost


async def _works(engine: DockerEngine, box: Box) -> None:
    """A whole stage through this engine."""
    attempt = await box.attempt(shell="cat in; cp in o", outputs=("o",))
    (attempt.work / "in").write_text("hello\n")
    obj = await engine.start(attempt)
    end = await engine.wait(attempt, obj)
    await engine.remove(attempt, obj)
    assert end.code == 0
    assert attempt.log.read_bytes() == b"hello\n"
    assert (attempt.work / "o").read_text() == "hello\n"


def _context(config: Path, name: str, address: str, **more: object) -> None:
    digest = hashlib.sha256(name.encode()).hexdigest()
    folder = config / "contexts" / "meta" / digest
    folder.mkdir(parents=True)
    meta = {"Name": name, "Endpoints": {"docker": {"Host": address, **more}}}
    (folder / "meta.json").write_text(json.dumps(meta))


async def test_docker_host_and_contexts(box: Box, relay: Relay, tmp_path: Path) -> None:
    config = tmp_path / "config"
    _context(config, "build-7", relay.address)
    base = {k: v for k, v in box.host.environ.items() if k != "DOCKER_HOST"}
    base["DOCKER_CONFIG"] = str(config)
    ways: list[tuple[Target | None, dict[str, str]]] = [
        (None, {"DOCKER_HOST": relay.address, "DOCKER_CONTEXT": "nobody"}),
        (None, {"DOCKER_CONTEXT": "build-7"}),
        (Target("dev", "docker", context="build-7"), {"DOCKER_HOST": "tcp://nobody.invalid:1"}),
        (Target("dev", "docker", host=relay.address), {"DOCKER_HOST": "tcp://nobody.invalid:1"}),
    ]
    for target, env in ways:
        engine = DockerEngine(target, environ={**base, **env})
        count = relay.accepted
        await _works(engine, box)
        assert relay.accepted > count
        await engine.close()
    (config / "config.json").write_text('{"currentContext": "build-7"}')
    host = resolve(None, base)
    assert (host.address, host.origin) == (relay.address, "context build-7")
    with pytest.raises(UsageError, match="no Docker context 'build-8': did you mean `build-7`"):
        resolve(Target("x", "docker", context="build-8"), base)
    with pytest.raises(UsageError, match="reaches Docker by unix://, tcp:// and ssh://"):
        resolve(Target("x", "docker", host="npipe:////./pipe/docker"), base)


def test_the_docker_cli_made_the_context(docker_host: DockerHost, tmp_path: Path) -> None:
    """The files are the real program's, not only ours."""
    env = {**docker_host.environ, "DOCKER_CONFIG": str(tmp_path / "cli")}
    env.pop("DOCKER_HOST", None)
    address = f"unix://{tmp_path}/far.sock"
    argv = ["docker", "context", "create", "far", "--docker", f"host={address}"]
    subprocess.run(argv, env=env, check=True, capture_output=True)
    subprocess.run(["docker", "context", "use", "far"], env=env, check=True, capture_output=True)
    host = resolve(None, env)
    assert (host.address, host.shown) == (address, f"{address} (context far)")


async def test_ssh_is_one_connection_that_comes_back(box: Box, ssh_host: SshHost) -> None:
    target = Target("far", "docker", host=ssh_host.address)
    engine = DockerEngine(target, environ=ssh_host.environ)
    await _works(engine, box)
    tunnel = engine.client._tunnel
    assert tunnel is not None
    first = tunnel.pid
    assert first is not None
    await asyncio.gather(*(_works(engine, box) for _ in range(3)))
    assert tunnel.pid == first, "one ssh for all"

    attempt = await box.attempt(shell="echo one; sleep 2; echo two")
    obj = await engine.start(attempt)
    waiting = asyncio.create_task(engine.wait(attempt, obj))
    await until(lambda: read(attempt.log) == b"one\n")
    os.kill(first, signal.SIGKILL)
    async with asyncio.timeout(180):  # as the runner does: ask until it answers again
        while True:
            try:
                end = await waiting
                break
            except Unreachable:
                await asyncio.sleep(0.2)
                waiting = asyncio.create_task(engine.wait(attempt, obj))
    assert end.code == 0
    assert attempt.log.read_bytes() == b"one\ntwo\n"
    assert tunnel.pid not in (None, first)
    await engine.remove(attempt, obj)
    last = tunnel.pid
    await engine.close()
    assert last is not None and not Path(f"/proc/{last}").exists()


async def test_ssh_says_why_it_fails(ssh_host: SshHost, tmp_path: Path) -> None:
    env = ssh_host.environ
    for address, says in [
        (ssh_host.address.rpartition(":")[0] + ":1", "Connection refused"),
        (ssh_host.address.replace("://", "://nobody-"), "Permission denied"),
        (f"{ssh_host.address}/no/such.sock", "can't be reached"),
    ]:
        engine = DockerEngine(Target("far", "docker", host=address), environ=env)
        with pytest.raises(Unreachable, match=says):
            await engine.built(IMAGE, tmp_path)
        await engine.close()


async def test_ssh_ends_with_its_owner(ssh_host: SshHost, tmp_path: Path) -> None:
    program = (
        "import asyncio, os, sys\n"
        "from mltui.engines.docker import DockerEngine\n"
        "from mltui.spec.model import Target\n"
        "async def main():\n"
        "    e = DockerEngine(Target('far', 'docker', host=sys.argv[1]))\n"
        "    await e.client.server()\n"
        "    print(e.client._tunnel.pid, flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    owner = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        program,
        ssh_host.address,
        env={**ssh_host.environ, "TMPDIR": str(tmp_path)},
        stdout=asyncio.subprocess.PIPE,
    )
    assert owner.stdout is not None
    pid = int(await owner.stdout.readline())
    owner.kill()
    await owner.wait()
    await until(lambda: not is_alive(pid))


async def test_tls_with_certificates_of_both_sides(box: Box, relay: Relay, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.mkdir()
    _make_certificates(keys)
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=keys / "ca.pem")
    server_side.load_cert_chain(keys / "server.pem", keys / "server-key.pem")
    server_side.verify_mode = ssl.CERT_REQUIRED
    async with _tls_front(relay, server_side) as port:
        address = f"tcp://localhost:{port}"
        env = {**box.host.environ, "DOCKER_HOST": address}
        good = {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(keys)}
        engine = DockerEngine(environ={**env, **good})
        await _works(engine, box)
        await engine.close()
        (tmp_path / "other").mkdir()
        _make_certificates(tmp_path / "other")
        for more, says in [
            ({**good, "DOCKER_CERT_PATH": str(tmp_path / "other")}, "TLS fails"),
            ({}, "can't be reached"),
        ]:
            engine = DockerEngine(environ={**env, **more})
            with pytest.raises(Unreachable, match=says):
                await engine.built(IMAGE, tmp_path)
            await engine.close()


def _make_certificates(folder: Path) -> None:
    def openssl(*argv: str) -> None:
        subprocess.run(["openssl", *argv], cwd=folder, check=True, capture_output=True)

    new = ("-newkey", "rsa:2048", "-nodes")
    openssl("req", "-x509", *new, "-keyout", "ca-key.pem", "-out", "ca.pem", "-subj", "/CN=ca",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign")  # fmt: skip
    (folder / "ext").write_text("subjectAltName=DNS:localhost\n")
    for key, cert, name in [
        ("server-key.pem", "server.pem", "localhost"),
        ("key.pem", "cert.pem", "client"),
    ]:
        openssl("req", *new, "-keyout", key, "-out", "request", "-subj", f"/CN={name}")
        openssl(
            "x509", "-req", "-in", "request", "-CA", "ca.pem", "-CAkey", "ca-key.pem",
            "-CAcreateserial", "-out", cert, "-extfile", "ext",
        )  # fmt: skip


@asynccontextmanager
async def _tls_front(relay: Relay, context: ssl.SSLContext) -> AsyncIterator[int]:
    """A TLS listener on loopback before the relay."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        there, back = await asyncio.open_unix_connection(str(relay.path))

        async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            try:
                while data := await source.read(1 << 16):
                    target.write(data)
                    await target.drain()
            except OSError:
                pass
            target.close()

        await asyncio.gather(copy(reader, back), copy(there, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        if tasks:
            await asyncio.wait(tasks, timeout=5)
        await asyncio.sleep(0.05)


async def test_no_daemon_at_all(docker_host: DockerHost, tmp_path: Path) -> None:
    for address, says in [
        (f"unix://{tmp_path}/none.sock", "is not running"),
        ("tcp://127.0.0.1:1", "is not running"),
        ("tcp://nobody.invalid:2375", "can't be reached"),
    ]:
        engine = DockerEngine(environ={**docker_host.environ, "DOCKER_HOST": address})
        with pytest.raises(Unreachable, match=says):
            await engine.built(IMAGE, tmp_path)
        await engine.close()


async def test_a_daemon_that_accepts_and_never_answers(tmp_path: Path) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_unix_server(silent, tmp_path / "hung.sock")
    engine = DockerEngine(environ={"DOCKER_HOST": f"unix://{tmp_path}/hung.sock"})
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0.05)
            beats += 1

    beating = asyncio.create_task(beat())
    with pytest.raises(Unreachable, match="accepts connections but does not answer"):
        await asyncio.wait_for(engine.built(IMAGE, tmp_path), 180)
    assert beats > 10, "its patience of seconds was waited for in the loop"
    beating.cancel()
    await engine.close()
    server.close()
    await asyncio.sleep(0.05)


async def test_hanging_in_the_middle_and_recovering(
    docker_host: DockerHost, relay: Relay, tmp_path: Path
) -> None:
    box = Box(docker_host, tmp_path, address=relay.address, patience_s=2.0)
    shell = "echo one; while ! [ -e /tmp/go ]; do sleep 0.1; done; echo two; exit 3"
    attempt = await box.attempt(shell=shell)
    obj = await box.engine.start(attempt)
    waiting = asyncio.create_task(box.engine.wait(attempt, obj))
    await until(lambda: read(attempt.log) == b"one\n")
    relay.hang()
    with pytest.raises(Unreachable, match="does not answer"):
        await asyncio.wait_for(waiting, 180)
    for call in (box.engine.find(attempt), box.engine.stop(attempt, obj, 1)):
        with pytest.raises(Unreachable):
            await call
    relay.go_on()
    docker_host.run("exec", obj, "touch", "/tmp/go")
    end = await asyncio.wait_for(box.engine.wait(attempt, obj), 180)
    assert (end.how, end.code) == (Stopped.EXITED, 3)
    assert attempt.log.read_bytes() == b"one\ntwo\n"
    await box.engine.remove(attempt, obj)
    await box.engine.close()


async def test_an_outage_at_any_point_of_a_start(
    docker_host: DockerHost, relay: Relay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the runner does then: look for it, and start it if there is nothing."""
    box = Box(docker_host, tmp_path, address=relay.address)
    original = box.engine.client.json
    armed = [False]
    where = [""]

    async def breaks(method: str, path: str, *args: Any, **more: Any) -> Any:
        call = asyncio.ensure_future(original(method, path, *args, **more))
        if armed[0] and path.endswith(where[0]):
            armed[0] = False
            await asyncio.sleep(0.01)
            await relay.close()
        return await call

    async def fill_breaks(attempt: Attempt, obj: str) -> None:
        raise Unreachable("as if the connection broke")

    for where[0] in ("/containers/create", "/archive", "/start"):
        attempt = await box.attempt(shell="echo ran")
        armed[0] = True
        with monkeypatch.context() as patch:
            patch.setattr(box.engine.client, "json", breaks)
            if where[0] == "/archive":
                patch.setattr(box.engine._carrier, "fill", fill_breaks)
            with pytest.raises(Unreachable):
                await box.engine.start(attempt)
        if not relay.path.exists():
            await relay.open()
        obj = await box.engine.find(attempt) or await box.engine.start(attempt)
        assert (await box.engine.wait(attempt, obj)).code == 0
        assert attempt.log.read_bytes() == b"ran\n"
        await box.engine.remove(attempt, obj)
    await box.engine.close()


@pytest.mark.parametrize(
    ("version", "says"),
    [
        ({"ApiVersion": "1.24", "MinAPIVersion": "1.12"}, "is too old: it speaks API 1.24"),
        ({"ApiVersion": "2.10", "MinAPIVersion": "2.0"}, "is too new for this mltui"),
        ({"hello": 1}, "not as Docker does"),
        (None, "is it Docker"),
    ],
)
async def test_versions_that_do_not_fit(
    tmp_path: Path, version: dict[str, str] | None, says: str
) -> None:
    text = "<html>" if version is None else json.dumps({"Version": "x", **version})

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode())
        writer.close()

    server = await asyncio.start_unix_server(answer, tmp_path / "odd.sock")
    engine = DockerEngine(environ={"DOCKER_HOST": f"unix://{tmp_path}/odd.sock"})
    with pytest.raises(Unreachable, match=says):
        await engine.built(IMAGE, tmp_path)
    await engine.close()
    server.close()
    await asyncio.sleep(0.05)


async def test_what_is_no_docker(tmp_path: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")
        await reader.read()
        writer.close()

    server = await asyncio.start_unix_server(answer, tmp_path / "odd.sock")
    engine = DockerEngine(environ={"DOCKER_HOST": f"unix://{tmp_path}/odd.sock"})
    with pytest.raises(Unreachable, match="does not speak HTTP"):
        await engine.built(IMAGE, tmp_path)
    await engine.close()
    server.close()
    await asyncio.sleep(0.05)


async def test_the_persons_proxies_go_where_there_is_a_network(box: Box, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    proxies = {"default": {"httpProxy": "http://127.0.0.1:9", "noProxy": "localhost"}}
    (config / "config.json").write_text(json.dumps({"proxies": proxies}))
    engine = DockerEngine(environ={**box.host.environ, "DOCKER_CONFIG": str(config)}, base=BASE)
    for network, says in ((True, "http://127.0.0.1:9 localhost\n"), (False, "none none\n")):
        shell = "echo ${HTTP_PROXY:-none} ${no_proxy:-none}"
        attempt = await box.attempt(shell=shell, network=network)
        obj = await engine.start(attempt)
        await engine.wait(attempt, obj)
        await engine.remove(attempt, obj)
        assert attempt.log.read_text() == says
    await engine.close()


def test_the_base_is_what_the_tests_have() -> None:
    assert IMAGE.image is not None and IMAGE.image.name == BASE
