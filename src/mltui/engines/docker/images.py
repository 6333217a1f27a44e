"""Images on the daemon: looked at, fetched when missing, their layers.

Called by `environments`. Whatever a registry answers becomes a sentence that says what to do.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from typing import Any

from mltui.engines.docker.client import Client, DockerError
from mltui.engines.docker.container import is_full
from mltui.engines.docker.names import full_reference
from mltui.engines.docker.recorder import Recorder
from mltui.engines.docker.steps import BuildStep, StepState
from mltui.errors import BuildFailed, NoRoom

_DOCKER_HUB = "docker.io"


async def inspect(client: Client, name: str) -> dict[str, Any] | None:
    """An image by name or id; None when the daemon has none. BuildFailed, Unreachable."""
    try:
        found = await client.json("GET", f"/images/{name}/json")
    except DockerError as error:
        if error.status in (400, 404):
            return None
        raise BuildFailed(f"the image {name} can't be looked at: {error.message}") from error
    assert isinstance(found, dict)
    return found


async def untag(client: Client, name: str) -> None:
    """Take a name away; layers that something else is made of stay. Harmless without one."""
    with suppress(DockerError):
        await client.json("DELETE", f"/images/{name}", {"noprune": "1"})


def digest_of(image: Mapping[str, Any], name: str) -> str:
    """What an image is for a cache key: its digest at the registry of `name`, else its id.

    Digests that it has elsewhere do not count: pushing a copy makes it no other image.
    """
    repository = _familiar(full_reference(name)[0])
    digests = sorted(
        digest
        for place, _, digest in (
            str(each).partition("@") for each in image.get("RepoDigests") or ()
        )
        if _familiar(place) == repository
    )
    return digests[0] if digests else str(image["Id"])


def _familiar(repository: str) -> str:
    """`docker.io/library/debian` is what people call `debian`."""
    return repository.removeprefix("index.").removeprefix("docker.io/").removeprefix("library/")


def is_same(image: Mapping[str, Any], name: str, digest: str) -> bool:
    """Whether it is what `digest_of` said it was; it may have been pushed or fetched since."""
    return digest in (digest_of(image, name), str(image["Id"]))


async def layers(client: Client, image: str) -> list[dict[str, object]]:
    """The layers of an image that hold something, from the base up."""
    try:
        history = await client.json("GET", f"/images/{image}/history")
    except DockerError:
        return []
    return [
        {"size_bytes": each["Size"], "created_by": str(each.get("CreatedBy", ""))[:500]}
        for each in reversed(history)
        if each.get("Size")
    ]


async def fetch(client: Client, place: str) -> dict[str, Any]:
    """Fetch an image by its digest, `REPOSITORY@DIGEST`; the inspected image. BuildFailed."""
    repository, _, digest = place.partition("@")
    loop = asyncio.get_running_loop()
    headers = await loop.run_in_executor(None, authorisation, repository, client.environ)
    try:
        async for _ in _pulling(client, repository, digest, headers):
            pass
    except DockerError as error:
        raise BuildFailed(_sentence(client, place, error.message)) from error
    found = await inspect(client, place)
    if found is None:
        raise BuildFailed(f"the image {place} was fetched and is not there: is the disk full?")
    return found


async def pull(client: Client, name: str, recorder: Recorder, pool: Executor) -> dict[str, Any]:
    """Fetch an image; the inspected image. BuildFailed with what the registry says."""
    repository, tag = full_reference(name)
    step = recorder.steps.get(f"pull {name}") or BuildStep(f"pull {name}", f"pull {name}")
    recorder.step(step := replace(step, state=StepState.RUNNING, started_at=time.time()))
    loop = asyncio.get_running_loop()
    headers = await loop.run_in_executor(pool, authorisation, repository, client.environ)
    try:
        await _pull(client, repository, tag, headers, recorder, step.id)
        found = await inspect(client, name)
        if found is None:
            raise BuildFailed(f"the image {name} was fetched and is not there: is the disk full?")
    except (BuildFailed, DockerError) as error:
        message = error.message if isinstance(error, DockerError) else str(error)
        refused = NoRoom if is_full(message) else BuildFailed
        if isinstance(error, DockerError):
            message = _sentence(client, name, message)
        failed = replace(recorder.steps[step.id], state=StepState.FAILED, ended_at=time.time())
        recorder.step(replace(failed, error=message))
        raise refused(message) from error
    done = replace(recorder.steps[step.id], state=StepState.DONE, ended_at=time.time())
    recorder.step(done)
    return found


async def _pull(
    client: Client,
    repository: str,
    tag: str,
    headers: Mapping[str, str],
    recorder: Recorder,
    step: str,
) -> None:
    shown: dict[str, str] = {}
    async for event in _pulling(client, repository, tag, headers):
        status, layer = str(event.get("status", "")), str(event.get("id", ""))
        if shown.get(layer) != status:  # its percentages are left out
            shown[layer] = status
            text = f"{layer}: {status}\n" if layer else f"{status}\n"
            recorder.output(step, text.encode("utf-8"))


async def _pulling(
    client: Client, repository: str, tag: str, headers: Mapping[str, str]
) -> AsyncIterator[dict[str, Any]]:
    """What the daemon tells while it fetches an image. DockerError for what it could not."""
    query = {"fromImage": repository, "tag": tag}
    async with client.stream("POST", "/images/create", query, headers=headers) as response:
        rest = b""
        async for data in response.chunks():
            *lines, rest = (rest + data).split(b"\n")
            for line in filter(None, (each.strip() for each in lines)):
                event = json.loads(line)
                if "error" in event:
                    raise DockerError(500, str(event["error"]))
                yield event


def authorisation(repository: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The person's login for an image's registry, from Docker's config and its helpers."""
    try:
        auth = import_module("docker.auth")
        errors = import_module("docker.errors")
    except ImportError:
        return {}
    try:
        registry, _ = auth.resolve_repository_name(repository)
        config = auth.load_config(config_dict=_auth_config(environ))
        found = config.resolve_authconfig(registry)
    except (errors.DockerException, OSError, ValueError, KeyError):
        return {}
    if not found:
        return {}
    data = base64.urlsafe_b64encode(json.dumps(found).encode("utf-8"))
    return {"X-Registry-Auth": data.decode("ascii")}


def _auth_config(environ: Mapping[str, str]) -> dict[str, Any] | None:
    from mltui.engines.docker.hosts import read_config

    return read_config(environ) or {"auths": {}}


def _sentence(client: Client, name: str, message: str) -> str:
    """A registry's refusal as a sentence."""
    low = message.lower()
    repository, _ = full_reference(name)
    first = repository.partition("/")[0]
    registry = first if "." in first or ":" in first or first == "localhost" else _DOCKER_HUB
    if is_full(message):
        return f"the disk of the Docker host is full: {name} can't be fetched"
    if "no matching manifest" in low or "does not match the specified platform" in low:
        return f"there is no image {name} for the Docker host's architecture: {message}"
    if "manifest" in low and ("unknown" in low or "not found" in low):
        return f"there is no image {name}: {registry} does not know that tag"
    denied = ("denied", "unauthorized", "authentication required", "no basic auth")
    if any(words in low for words in denied):
        login = "docker login" if registry == _DOCKER_HUB else f"docker login {registry}"
        return f"there is no image {name}, or it needs a login (`{login}`)"
    if "invalid reference format" in low or "invalid repository" in low:
        return f"{name!r} is not a name that an image can have"
    if "not found" in low and "lookup" not in low:
        return f"there is no image {name} at {registry}"
    offline = ("no such host", "dial tcp", "connection refused", "i/o timeout", "proxyconnect")
    if any(word in low for word in (*offline, "request canceled", "tls handshake", "server misb")):
        return (
            f"the image {name} is not on the Docker host, and its registry {registry} can't be "
            f"reached from there: {message}"
        )
    return f"the image {name} can't be fetched: {message}"
