"""What a Docker host or a registry can lack: room, a login, an image, the right architecture."""

from __future__ import annotations

import asyncio
import base64
import json
import struct
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mltui.engines.docker import DockerEngine
from mltui.errors import BuildFailed, StartFailed
from mltui.spec.model import Environment, Image

from .box import BASE, Box

if TYPE_CHECKING:
    from tests.testbed.docker import DockerHost, OwnDocker

_testbed = import_module("testbed.docker")


@pytest.fixture
def full_docker(own_docker: OwnDocker) -> Iterator[OwnDocker]:
    """A daemon whose disk is 64 MiB."""
    own_docker.stop()
    data = own_docker.folder / "data"
    argv = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(data)]
    if subprocess.run(argv, capture_output=True).returncode:
        pytest.skip("a small file system can't be mounted here")
    own_docker.start()
    own_docker.run("import", "-", _testbed.TINY_IMAGE, stdin=_testbed.tiny_image())
    yield own_docker


@pytest.mark.slow
@pytest.mark.parametrize("builder", ["classic", "buildx"])
async def test_a_full_disk(
    full_docker: OwnDocker, buildx_host: DockerHost, tmp_path: Path, builder: str
) -> None:
    env = {**full_docker.environ, "DOCKER_CONFIG": buildx_host.environ["DOCKER_CONFIG"]}
    box = Box(full_docker, tmp_path, image=_testbed.TINY_IMAGE)
    attempt = await box.attempt(shell="echo ran")
    (attempt.work / "big").write_bytes(bytes(80 << 20))
    with pytest.raises(StartFailed, match="the disk of the Docker host is full"):
        await box.engine.start(attempt)
    assert not full_docker.containers(), "what was begun is gone"
    (attempt.work / "big").unlink()
    assert (await box.run(attempt)).code == 0, "it works again when there is room"
    await box.engine.close()

    engine = DockerEngine(environ=env, builder=builder)
    folder = tmp_path / "img"
    folder.mkdir()
    (folder / "Dockerfile").write_text(f"FROM {_testbed.TINY_IMAGE}\nENV A=1\nCOPY big /big\n")
    (folder / "big").write_bytes(bytes(90 << 20))
    log = tmp_path / "log"
    with pytest.raises(BuildFailed, match="the disk of the Docker host is full"):
        await engine.build(Environment("x", image=Image(build="img")), tmp_path, log)
    await engine.close()


async def test_an_image_for_another_architecture(box: Box) -> None:
    machine = 183 if Path("/proc/self/exe").read_bytes()[18] == 62 else 62  # AArch64 or x86-64
    header = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    header += struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, 0x400078, 64, 0, 0, 64, 56, 0, 0, 0, 0)
    root = box.root / "root" / "bin"
    root.mkdir(parents=True)
    (root / "sh").write_bytes(header)
    (root / "sh").chmod(0o755)
    tar = await asyncio.to_thread(_tar, root.parent)
    name = f"mltui-test-arch-{box.host.label}:1"
    box.host.run("import", "-", name, stdin=tar)
    try:
        built = await box.engine.built(Environment("a", image=Image(name=name)), box.root)
        attempt = await box.attempt(shell="echo hi", built=built)
        try:
            end = await box.run(attempt)
        except StartFailed as error:
            assert "for another architecture" in str(error)
        else:
            assert end.code not in (0, None)
            assert "for another architecture" in end.message
    finally:
        box.host.run("rmi", name)


def _tar(folder: Path) -> bytes:
    argv = ["tar", "-C", str(folder), "-c", "."]
    return subprocess.run(argv, capture_output=True, check=True).stdout


@asynccontextmanager
async def _registry(seen: list[str]) -> AsyncIterator[str]:
    """A registry on loopback that asks for a login and then knows no image."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except asyncio.IncompleteReadError:
            head = ""  # a TLS greeting: it is tried first
        if head:
            seen.extend(x for x in head.split("\r\n") if x.lower().startswith("authorization"))
            status, code = "401 Unauthorized", "UNAUTHORIZED"
            if "\r\nauthorization: " in head.lower():
                status, code = "404 Not Found", "MANIFEST_UNKNOWN"
                if head.startswith("GET /v2/ "):
                    status = "200 OK"
            body = json.dumps({"errors": [{"code": code, "message": code.lower()}]})
            writer.write(
                f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
                "Docker-Distribution-Api-Version: registry/2.0\r\n"
                'WWW-Authenticate: Basic realm="test"\r\nConnection: close\r\n'
                f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
            )
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        if tasks:
            await asyncio.wait(tasks, timeout=5)
        await asyncio.sleep(0.05)


async def test_an_image_that_needs_a_login(docker_host: DockerHost, tmp_path: Path) -> None:
    seen: list[str] = []
    async with _registry(seen) as registry:
        environment = Environment("p", image=Image(name=f"{registry}/private/x:1"))
        engine = DockerEngine(base=BASE, environ=docker_host.environ)
        with pytest.raises(BuildFailed, match=rf"needs a login \(`docker login {registry}`\)"):
            await engine.build(environment, tmp_path, tmp_path / "log")
        await engine.close()
        assert not seen

        login = base64.b64encode(b"me:s3cret").decode()
        config = tmp_path / "config"
        config.mkdir()
        (config / "config.json").write_text(json.dumps({"auths": {registry: {"auth": login}}}))
        env = {**docker_host.environ, "DOCKER_CONFIG": str(config)}
        engine = DockerEngine(base=BASE, environ=env)
        with pytest.raises(BuildFailed, match="there is no image"):
            await engine.build(environment, tmp_path, tmp_path / "log2")
        await engine.close()
        assert f"Basic {login}" in seen[0], "the person's login was used"
    assert "s3cret" not in (tmp_path / "log2").read_text()
