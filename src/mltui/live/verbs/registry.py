"""Images between a Docker host and registries: pull, tag, push.

The daemon moves the bytes; mltui gives it the person's login and turns what a registry answers into
a sentence. Logins are read where `docker login` put them, by docker-py, in a thread: a credential
helper is a program that may take its time.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module

from mltui.errors import Conflict, Forbidden, MltuiError, Unreachable, UsageError
from mltui.live.cells import plain
from mltui.live.daemon import Daemon, message_of, status_of
from mltui.live.verbs._verb import Ref

_HUB = "docker.io"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a pull or push is, over all layers whose size is known."""

    done_bytes: int
    total_bytes: int
    layers_done: int
    layers: int
    status: str


Heard = Callable[[Progress], None]
_FINISHED = frozenset(
    ("Pull complete", "Already exists", "Pushed", "Layer already exists", "Mounted from")
)


async def pull(daemon: Daemon, name: str, heard: Heard = lambda progress: None) -> str:
    """Fetch an image; what was fetched, as a sentence. UsageError, Forbidden, Unreachable."""
    repository, tag = split_name(name)
    query = {"fromImage": repository, "tag": tag}
    said = await _move(daemon, name, "pull", "/images/create", query, heard)
    if "up to date" in said:
        return f"{plain(name)} is up to date on {daemon.name}"
    return f"pulled {plain(name)} to {daemon.name}"


async def push(daemon: Daemon, name: str, heard: Heard = lambda progress: None) -> str:
    """Send an image to the registry that its name says. UsageError, Forbidden, Unreachable."""
    repository, tag = split_name(name)
    if tag.startswith("sha256:"):
        raise UsageError(f"{plain(name)} names a digest: push a name with a tag")
    await _move(daemon, name, "push", f"/images/{repository}/push", {"tag": tag}, heard)
    return f"pushed {plain(name)} to {registry_of(repository)}"


async def tag(daemon: Daemon, ref: Ref, name: str) -> str:
    """Give an image one more name, taking it from the image that had it. UsageError, Conflict."""
    repository, new = split_name(name)
    if new.startswith("sha256:"):
        raise UsageError(f"{plain(name)} names a digest: give a name with a tag")
    try:
        await daemon.post(f"/images/{ref.key}/tag", {"repo": repository, "tag": new})
    except MltuiError as error:
        status = status_of(error)
        if status == 404:
            raise Conflict(f"{ref.text} on {daemon.name} is gone already") from error
        if status == 400 or (status and "invalid reference" in message_of(error)):
            raise UsageError(f"{plain(name)!r} is not a name that an image can have") from error
        if status:
            said = message_of(error)
            raise MltuiError(f"{daemon.name} does not tag {ref.text}: {said}") from error
        raise
    return f"{ref.text} is also {plain(repository)}:{plain(new)} now"


def split_name(name: str) -> tuple[str, str]:
    """Repository and tag or digest; no tag means `latest`. UsageError for an empty name."""
    from mltui.engines.docker.names import full_reference

    if not name.strip() or any(char.isspace() for char in name):
        raise UsageError(f"{plain(name)!r} is not a name that an image can have")
    return full_reference(name)


def registry_of(repository: str) -> str:
    """The registry that a repository's name says."""
    first, slash, _ = repository.partition("/")
    is_host = bool(slash) and ("." in first or ":" in first or first == "localhost")
    return first if is_host else _HUB


async def _move(
    daemon: Daemon, name: str, doing: str, path: str, query: Mapping[str, object], heard: Heard
) -> str:
    """Have the daemon do it and follow its report; its last words."""
    repository, _ = split_name(name)
    login = await asyncio.to_thread(_login, repository, daemon.client.environ)
    headers = {"X-Registry-Auth": login}
    layers: dict[str, tuple[int, int, bool]] = {}
    last = ""
    try:
        async with daemon.stream("POST", path, query, headers=headers) as response:
            rest = b""
            async for data in response.chunks():
                daemon.heard()
                *lines, rest = (rest + data).split(b"\n")
                for line in filter(None, map(bytes.strip, lines)):
                    event = json.loads(line)
                    if "error" in event:
                        raise _failed(daemon, name, doing, str(event["error"]))
                    last = str(event.get("status", "")) or last
                    if _note(layers, event):
                        heard(_progress(layers, last))
    except Unreachable:
        raise
    except MltuiError as error:
        if not status_of(error):
            raise
        raise _failed(daemon, name, doing, message_of(error)) from error
    except ValueError as error:
        raise Unreachable(f"{daemon.name} sent a report that is not JSON: {error}") from error
    return last


def _note(layers: dict[str, tuple[int, int, bool]], event: Mapping[str, object]) -> bool:
    layer, status = str(event.get("id", "")), str(event.get("status", ""))
    if not layer or status.startswith("Pulling from"):
        return False
    _, total, _ = layers.get(layer, (0, 0, False))
    detail = event.get("progressDetail")
    done = 0
    if isinstance(detail, dict) and status in ("Downloading", "Pushing"):
        total = int(detail.get("total") or total or 0)
        done = int(detail.get("current") or 0)
    is_over = status.partition(" from ")[0] in {"Mounted"} or status in _FINISHED
    if is_over or status in ("Download complete", "Verifying Checksum", "Extracting"):
        done = total
    layers[layer] = (done, total, is_over)
    return True


def _progress(layers: Mapping[str, tuple[int, int, bool]], status: str) -> Progress:
    return Progress(
        sum(done for done, _, _ in layers.values()),
        sum(total for _, total, _ in layers.values()),
        sum(over for _, _, over in layers.values()),
        len(layers),
        status,
    )


def _login(repository: str, environ: Mapping[str, str]) -> str:
    """The person's login for an image's registry as the API takes it; an empty one without."""
    found: Mapping[str, object] | None = None
    try:
        auth = import_module("docker.auth")
        errors = import_module("docker.errors")
    except ImportError:
        return _encoded({})
    from mltui.engines.docker.hosts import read_config

    try:
        registry, _ = auth.resolve_repository_name(repository)
        config = auth.load_config(config_dict=read_config(environ) or {"auths": {}})
        found = config.resolve_authconfig(registry)
    except (errors.DockerException, OSError, ValueError, KeyError):
        found = None
    return _encoded(found or {})


def _encoded(login: Mapping[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(login).encode("utf-8")).decode("ascii")


def _failed(daemon: Daemon, name: str, doing: str, said: str) -> MltuiError:
    """What a registry or the daemon said, as one of mltui's errors with what to do."""
    low = said.lower()
    repository, _ = split_name(name)
    registry, shown = registry_of(repository), plain(name)
    login = "docker login" if registry == _HUB else f"docker login {registry}"
    if "no space left on device" in low:
        return MltuiError(f"the disk of {daemon.name} is full: {shown} can't be {doing}ed")
    if "invalid reference format" in low or "invalid repository" in low:
        return UsageError(f"{shown!r} is not a name that an image can have")
    if "does not exist locally" in low or "no such image" in low or "tag does not exist" in low:
        return UsageError(f"{daemon.name} has no image {shown}: tag one with that name first")
    if any(
        word in low for word in ("denied", "unauthorized", "authentication required", "no basic")
    ):
        if doing == "push":
            return Forbidden(f"{registry} does not let you push {shown}: `{login}` first")
        return Forbidden(f"there is no image {shown}, or it needs a login: `{login}`")
    if "no matching manifest" in low or "does not match the specified platform" in low:
        return UsageError(
            f"there is no {shown} for the architecture of {daemon.name}: {plain(said)}"
        )
    if "manifest" in low and ("unknown" in low or "not found" in low):
        return UsageError(f"{registry} has no {shown}: is the tag right?")
    unreachable = ("no such host", "dial tcp", "connection refused", "timeout", "tls handshake",
                   "server misb", "request canceled", "proxyconnect")  # fmt: skip
    if any(word in low for word in unreachable):
        return Unreachable(f"{daemon.name} does not reach the registry {registry}: {plain(said)}")
    return MltuiError(f"{shown} can't be {doing}ed: {plain(said)}")
