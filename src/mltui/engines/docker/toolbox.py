"""A shell for containers that have none: a static busybox, copied in and taken out again.

Called for shells of stages and of other people's containers. Nothing is fetched from a registry:
the busybox is this machine's, or that of an image which the daemon has. Sources: Docker Engine API,
"Get information about files in a container"; ELF(5).
"""

from __future__ import annotations

import asyncio
import io
import shutil
import struct
import tarfile
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

from mltui.engines.docker.client import Client, DockerError
from mltui.errors import StartFailed, Unreachable

TOOLS = "/mltui-tools"
"""Folder of the tools in a container."""
BUSYBOX = f"{TOOLS}/busybox"
SHELLS = ("/bin/sh", "/usr/bin/sh", "/busybox/sh")
_IMAGES = ("busybox", "busybox:musl", "busybox:uclibc", "busybox:glibc")
_MACHINES = {
    "386": 3, "arm": 40, "s390x": 22, "amd64": 62, "arm64": 183, "riscv64": 243, "ppc64le": 21,
}  # fmt: skip
"""`e_machine` of ELF by Docker's names of architectures."""
_PT_INTERP = 3
_MAX_BYTES = 16 << 20


async def find_shell(client: Client, container: str) -> str | None:
    """The path of a container's own shell; None: it has none. DockerError, Unreachable."""
    for path in SHELLS:
        if await has_file(client, container, path):
            return path
    return None


async def has_file(client: Client, container: str, path: str) -> bool:
    """Whether a container, running or not, has something there. DockerError, Unreachable."""
    try:
        async with client.stream("HEAD", f"/containers/{container}/archive", {"path": path}):
            return True
    except DockerError as error:
        if error.status == 404:
            return False
        raise


async def read_busybox(client: Client, arch: str) -> bytes:
    """A static busybox for an architecture as Docker names it. StartFailed when there is none."""
    for place in ("busybox", "/bin/busybox", "/usr/bin/busybox"):
        if (found := shutil.which(place)) is not None:
            with suppress(OSError):
                data = await asyncio.to_thread(Path(found).read_bytes)
                if is_static(data, arch):
                    return data
    for image in _IMAGES:
        data = await _from_image(client, image)
        if is_static(data, arch):
            return data
    raise StartFailed(
        f"there is no static busybox for {arch or 'it'} here to put in: install `busybox-static`, "
        "or `docker pull busybox:musl`"
    )


def is_static(data: bytes, arch: str) -> bool:
    """Whether a program is for this architecture and needs no libraries."""
    if data[:4] != b"\x7fELF" or len(data) < 64:
        return False
    order = "<" if data[5] == 1 else ">"
    (machine,) = struct.unpack_from(f"{order}H", data, 18)
    if _MACHINES.get(arch, machine) != machine:
        return False
    if data[4] == 2:
        (start,) = struct.unpack_from(f"{order}Q", data, 32)
        size, count = struct.unpack_from(f"{order}HH", data, 54)
    else:
        (start,) = struct.unpack_from(f"{order}I", data, 28)
        size, count = struct.unpack_from(f"{order}HH", data, 42)
    try:
        kinds = [struct.unpack_from(f"{order}I", data, start + n * size)[0] for n in range(count)]
    except struct.error:
        return False
    return _PT_INTERP not in kinds


async def _from_image(client: Client, image: str) -> bytes:
    """The busybox of an image; empty when the daemon has no such image, or it has none."""
    try:
        made = await client.json("POST", "/containers/create", None, {"Image": image, "Cmd": ["-"]})
    except DockerError:
        return b""
    try:
        path = f"/containers/{made['Id']}/archive"
        async with client.stream("GET", path, {"path": "/bin/busybox"}) as response:
            raw = await _read(response.chunks())
    except DockerError:
        return b""
    finally:
        with suppress(DockerError, Unreachable):
            await client.json("DELETE", f"/containers/{made['Id']}", {"force": "1", "v": "1"})
    with suppress(tarfile.TarError), tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        for member in tar:
            if member.isreg() and (file := tar.extractfile(member)) is not None:
                return file.read()
    return b""


async def _read(chunks: AsyncIterator[bytes]) -> bytes:
    found = bytearray()
    async for data in chunks:
        found += data
        if len(found) > _MAX_BYTES:
            return b""
    return bytes(found)


def tools_archive(busybox: bytes, files: dict[str, tuple[str, int]] | None = None) -> bytes:
    """A tar stream of the tools' folder, to be put at `/`; and of small files beside it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        if busybox:
            # Whatever the container's user, it may put the names of the tools in `bin`.
            for name, mode in ((TOOLS[1:], 0o755), (f"{TOOLS[1:]}/bin", 0o777)):
                folder = tarfile.TarInfo(name)
                folder.type, folder.mode = tarfile.DIRTYPE, mode
                tar.addfile(folder)
            _add(tar, BUSYBOX[1:], busybox, 0o755)
        for name, (text, mode) in (files or {}).items():
            _add(tar, name, text.encode("utf-8"), mode)
    return out.getvalue()


def _add(tar: tarfile.TarFile, name: str, data: bytes, mode: int) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), mode
    tar.addfile(info, io.BytesIO(data))


async def put(client: Client, container: str, archive: bytes) -> None:
    """Unpack a tar stream at a container's root. DockerError, Unreachable."""
    path, headers = f"/containers/{container}/archive", {"Content-Type": "application/x-tar"}
    async with client.stream("PUT", path, {"path": "/"}, archive, headers=headers) as answer:
        await answer.read()
