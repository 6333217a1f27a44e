"""Who an image's `USER` is in numbers, by the files of the image itself. Nothing of it is run.

Called by the Kubernetes engine: a cluster's containers beside the image's own run as the same user,
and there only numbers count.
"""

from __future__ import annotations

import io
import re
import tarfile
from contextlib import suppress

from mltui.engines.docker.client import Client, DockerError

_MOST_BYTES = 1 << 20
"""Of such a file: more is no list of accounts."""
_NUMBER = re.compile(r"\d{1,10}")


async def numbers(client: Client, image: str, said: str) -> str:
    """`UID[:GID]` of a `USER`; empty when that is root or no account of the image. Unreachable."""
    name, _, group = said.partition(":")
    if _is_number(name) and (not group or _is_number(group)):
        return _unless_root(said)
    if not name:
        return ""
    try:
        made = await client.json("POST", "/containers/create", body={"Image": image, "Cmd": ["-"]})
    except DockerError:
        return ""
    path = f"/containers/{made['Id']}"
    try:
        users = await _lines(client, path, "/etc/passwd")
        groups = await _lines(client, path, "/etc/group") if group else []
    finally:
        with suppress(DockerError):
            await client.json("DELETE", path, {"force": "1"})
    return _unless_root(resolve(name, group, users, groups))


def resolve(name: str, group: str, users: list[str], groups: list[str]) -> str:
    """`UID:GID` by the lines of `/etc/passwd` and `/etc/group`; empty when one is not there."""
    uid = gid = ""
    for fields in (line.split(":") for line in users):
        if len(fields) > 3 and name in (fields[0], fields[2]):
            uid, gid = fields[2], fields[3]
            break
    else:
        uid = name
    if group:
        found = (line.split(":") for line in groups)
        gid = next((each[2] for each in found if len(each) > 2 and each[0] == group), group)
    return f"{uid}:{gid}" if _is_number(uid) and _is_number(gid) else ""


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None


def _unless_root(said: str) -> str:
    return said if said and int(said.partition(":")[0]) else ""


async def _lines(client: Client, path: str, file: str) -> list[str]:
    """A file of a container; nothing where it is none of its own (a link leads anywhere)."""
    data = b""
    try:
        async with client.stream("GET", f"{path}/archive", {"path": file}) as response:
            async for piece in response.chunks():
                data += piece
                if len(data) > _MOST_BYTES:
                    return []
    except DockerError:
        return []
    with suppress(tarfile.TarError, OSError), tarfile.open(fileobj=io.BytesIO(data)) as archive:
        member = archive.next()
        content = archive.extractfile(member) if member is not None and member.isreg() else None
        if content is not None:
            return content.read().decode("utf-8", "replace").splitlines()
    return []
