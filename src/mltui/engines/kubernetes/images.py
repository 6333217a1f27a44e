"""Images for a cluster: built by Docker, pushed to the target's registry, run by digest.

Called by the engine. What an environment is made of is the Docker engine's business, so that both
share builds and cached results; here only the place differs that the image is run from.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from mltui.engines.docker import images as docker_images
from mltui.engines.docker.accounts import numbers
from mltui.engines.docker.client import Client, DockerError
from mltui.engines.docker.environments import Environments
from mltui.engines.docker.hosts import resolve
from mltui.engines.protocol import Built
from mltui.errors import BuildFailed, StartFailed, Unreachable
from mltui.spec.model import Environment, Image, Target

_PUSHED = "/mltui/"
"""In the names of what was pushed for a cluster, to any registry."""
_NO_LOGIN = {"X-Registry-Auth": "e30="}


class ClusterImages:
    """The images of one target, built on the person's Docker. UsageError for an odd DOCKER_HOST."""

    def __init__(self, target: Target, environ: Mapping[str, str], pool: Executor) -> None:
        self._target = target
        self._docker = Client(resolve(None, environ), environ)
        self._environments = Environments(self._docker, pool)
        self._there: dict[str, str] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._users: dict[str, str] = {}

    async def built(self, environment: Environment, project: Path) -> Built | None:
        """The environment if it is built and in the registry. Unreachable, BuildFailed."""
        found = await self._environments.built(environment, project)
        place = None if found is None else await self._look(found.location)
        return None if found is None or place is None else replace(found, location=place)

    def key(self, environment: Environment, project: Path) -> str:
        """Identity of its build. BuildFailed."""
        return self._environments.key(environment, project)

    async def build(
        self, environment: Environment, project: Path, log: Path, *, no_cache: bool = False
    ) -> Built:
        """Build and push it. BuildFailed, Unreachable."""
        made = await self._environments.build(environment, project, log, no_cache=no_cache)
        async with self._locks.setdefault(made.location, asyncio.Lock()):
            place = await self._look(made.location)
            if place is None:
                with log.open("ab") as file:
                    place = await self._push(made.location, file)
        return replace(made, location=place)

    async def bring(self, place: str) -> str:
        """Where this target's nodes pull what is run by digest. StartFailed, Unreachable.

        What was promoted from a target with another registry is pushed to this one's, where it has
        the same digest: nodes may reach that one alone.
        """
        repository, _, digest = place.partition("@")
        registry = self._target.registry
        is_own = registry is None or repository.startswith(f"{registry}{_PUSHED}")
        if _PUSHED not in place or is_own:
            await self._keep_there(place)
            return place
        own = f"{registry}{_PUSHED}{repository.partition(_PUSHED)[2]}"
        there = f"{own}@{digest}"
        if not await self._is_there(there):
            await self._copy(place, own, digest)
        return there

    async def _copy(self, place: str, own: str, digest: str) -> None:
        """Push an image of another registry to this target's."""
        found = await docker_images.inspect(self._docker, place)
        if found is None:
            try:
                found = await docker_images.fetch(self._docker, place)
            except BuildFailed as error:
                raise StartFailed(
                    f"{place} can't be brought to {own}: {error}; `mltui deploy` builds one anew"
                ) from error
        try:
            again = await self._push_again(str(found["Id"]), own, digest)
        except DockerError as error:
            raise StartFailed(self._refused(own, error.message)) from error
        if again != digest:
            raise StartFailed(f"what was pushed to {own} is another image ({again}) than {digest}")

    async def _push_again(self, image: str, repository: str, digest: str) -> str:
        tag = digest.removeprefix("sha256:")[:12]
        await self._docker.json("POST", f"/images/{image}/tag", {"repo": repository, "tag": tag})
        return await self._send(repository, tag)

    async def _keep_there(self, place: str) -> None:
        """See to it that what is run by digest can still be pulled. StartFailed, Unreachable.

        An image that its registry has lost is pushed again where this Docker still has it; it is
        the same one only if its digest is.
        """
        repository, _, digest = place.partition("@")
        if _PUSHED not in place or not await self._is_lost(place):
            return
        registry = repository.partition("/")[0]
        lost = f"the registry {registry} no longer has {repository}@{digest[:19]}…"
        found = await docker_images.inspect(self._docker, place)
        if found is None:
            raise StartFailed(
                f"{lost}, and neither has this machine's Docker: the same image can't be served "
                "again; `mltui deploy` builds one anew"
            )
        try:
            again = await self._push_again(str(found["Id"]), repository, digest)
        except DockerError as error:
            raise StartFailed(f"{lost}: {self._refused(repository, error.message)}") from error
        if again != digest:
            raise StartFailed(f"{lost}; what was pushed in its place is another image ({again})")

    async def store_image(self, log: Path) -> str:
        """The image of the store and of what serves a stage's pod. StartFailed, Unreachable."""
        environment = Environment("store", image=Image(build="store"))
        try:
            found = await self.built(environment, Path(__file__).parent)
            if found is None:
                log.parent.mkdir(parents=True, exist_ok=True)
                found = await self.build(environment, Path(__file__).parent, log)
        except BuildFailed as error:
            raise StartFailed(
                f"the image of the cluster's artifact store can't be made: {error} (log: {log})"
            ) from error
        return found.location

    async def user(self, place: str) -> str:
        """`UID[:GID]` that an image runs as; empty when that is root, or not known here."""
        if place not in self._users:
            try:
                found = await docker_images.inspect(self._docker, place) or {}
                said = str((found.get("Config") or {}).get("User") or "")
                self._users[place] = await numbers(self._docker, str(found.get("Id")), said)
            except (BuildFailed, Unreachable):
                return ""
        return self._users[place]

    async def _look(self, image: str) -> str | None:
        """Where nodes pull an image from, by digest; None when it has to be pushed."""
        if image in self._there:
            return self._there[image]
        found = await docker_images.inspect(self._docker, image)
        ours = f"{self._target.registry}{_PUSHED}"
        for reference in (found or {}).get("RepoDigests") or ():
            if _PUSHED not in reference:  # from a registry that it was fetched from
                self._there[image] = reference
                return str(reference)
            if reference.startswith(ours) and await self._is_there(reference):
                self._there[image] = reference
                return str(reference)
        return None

    async def _is_there(self, reference: str) -> bool:
        headers = await self._login(reference)
        with suppress(DockerError):
            await self._docker.json("GET", f"/distribution/{reference}/json", headers=headers)
            return True
        return False

    async def _is_lost(self, reference: str) -> bool:
        """Whether its registry says that it does not have it; not, when it says nothing."""
        headers = await self._login(reference)
        try:
            await self._docker.json("GET", f"/distribution/{reference}/json", headers=headers)
        except DockerError as error:
            said = error.message.lower()
            return "manifest unknown" in said or "not found" in said
        except Unreachable:
            pass
        return False

    async def _login(self, repository: str) -> dict[str, str]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(
            None, docker_images.authorisation, repository.partition("@")[0], self._docker.environ
        )
        return found or _NO_LOGIN

    async def _push(self, image: str, log: Any) -> str:
        """Push an image under its name in the target's registry; with its digest."""
        registry = self._target.registry
        if registry is None:
            raise BuildFailed(
                f"target {self._target.name} has no registry, so its nodes can't get images: "
                "add `registry: HOST:PORT` to it"
            )
        found = await docker_images.inspect(self._docker, image)
        tags = (found or {}).get("RepoTags") or ()
        repository, tag = _name_of(image, tags)
        repository = f"{registry}/{repository}"
        try:
            await self._docker.json(
                "POST", f"/images/{image}/tag", {"repo": repository, "tag": tag}
            )
            log.write(f"pushing {repository}:{tag}\n".encode())
            digest = await self._send(repository, tag)
        except DockerError as error:
            raise BuildFailed(self._refused(repository, error.message)) from error
        place = self._there[image] = f"{repository}@{digest}"
        log.write(f"pushed {place}\n".encode())
        return place

    async def _send(self, repository: str, tag: str) -> str:
        digest = ""
        headers = await self._login(repository)
        path = f"/images/{repository}/push"
        async with self._docker.stream("POST", path, {"tag": tag}, headers=headers) as response:
            rest = b""
            async for data in response.chunks():
                *lines, rest = (rest + data).split(b"\n")
                for line in filter(None, (each.strip() for each in lines)):
                    event = json.loads(line)
                    if "error" in event:
                        raise DockerError(500, str(event["error"]))
                    digest = str((event.get("aux") or {}).get("Digest") or digest)
        if not digest:
            raise DockerError(500, "the registry did not say what it got")
        return digest

    def _refused(self, repository: str, message: str) -> str:
        registry = self._target.registry
        low = message.lower()
        if any(
            word in low for word in ("denied", "unauthorized", "no basic auth", "authentication")
        ):
            return f"{registry} does not let you push {repository}: `docker login {registry}`"
        if any(word in low for word in ("refused", "no such host", "timeout", "dial tcp", "eof")):
            return f"the registry {registry} can't be reached from the Docker host: {message}"
        if "http response to https client" in low:
            return (
                f"the registry {registry} speaks plain HTTP: name it under `insecure-registries` "
                "in the Docker daemon's settings"
            )
        return f"the image can't be pushed to {repository}: {message}"

    async def close(self) -> None:
        """Give back connections."""
        await self._docker.close()


def _name_of(image: str, tags: Any) -> tuple[str, str]:
    """Repository (below the registry) and tag for an image, from a name that it has here."""
    for name in tags:
        found = re.fullmatch(r"(mltui/[a-z0-9._/-]+):([\w.-]+)", name)
        if found is not None:
            return found[1], found[2]
    plain = re.sub(r"[^a-z0-9]+", "-", str(tags[0]).lower()).strip("-") if tags else "image"
    return f"mltui/{plain}", image.removeprefix("sha256:")[:12]
