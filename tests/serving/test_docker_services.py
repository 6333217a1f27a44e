"""Services in containers: N of them behind one port, found again, the same image moved."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .place import World, end_load, free_port, replacements, until

if TYPE_CHECKING:
    from tests.testbed.docker import DockerHost

docker_host = import_module("testbed.docker").docker_host
REPLACEMENTS = replacements(5)
ENVIRONMENT = "{image: 'debian:bookworm-slim', variables: {HOST: 0.0.0.0}}"


@pytest.fixture
def boxed(docker_host: DockerHost, tmp_path: Path) -> Iterator[World]:
    name = f"boxed-{docker_host.label}"
    made = World.make(tmp_path, engine="docker", environment=ENVIRONMENT, name=name)
    made.env.update(docker_host.environ)
    yield made
    made.stop()
    try:
        until(lambda: not _containers(docker_host, made), "the end of its containers")
    finally:
        left = _containers(docker_host, made)
        if left:
            docker_host.run("rm", "-fv", *left, check=False)


def _containers(host: DockerHost, world: World) -> list[str]:
    wanted = f"label=mltui.project={world.name}"
    service = "label=mltui.service=web"
    return host.run("ps", "-aq", "--no-trunc", "--filter", wanted, "--filter", service).split()


def _serving(world: World, target: str) -> dict[str, Any]:
    def serving() -> list[dict[str, Any]]:
        found = world.ls("versions", f"web@{target}")
        return [one for one in found if one["state"] == "serving"]

    return until(serving, "a version that serves")[0]


@pytest.mark.slow
@pytest.mark.timeout(1500 + 60 * REPLACEMENTS)
def test_containers_behind_one_port(docker_host: DockerHost, boxed: World) -> None:
    boxed.train("good")
    boxed.cli("deploy", "web", "--target", "dev")
    assert boxed.get()[:2] == ["good", "1"]
    until(lambda: len(_containers(docker_host, boxed)) == 2, "two, and none that was in vain")

    client = boxed.load()
    for _ in range(REPLACEMENTS - 1):
        boxed.cli("restart", "web")
    boxed.train("better", 0.95)
    boxed.cli("deploy", "web", "--target", "dev")
    # One that does not get healthy is given back meanwhile.
    boxed.train("broken")
    said = boxed.cli("deploy", "web", "--target", "dev", code=1)
    assert "the model file does not load" in said
    assert "version 2 serves again" in said
    found = end_load(client)
    print(found)
    assert found["failed"] == 0, found
    assert set(found["versions"]) == {"1", "2"}

    # A container that is killed is replaced, one that a dead supervisor left is found again.
    until(lambda: len(_containers(docker_host, boxed)) == 2, "that the old ones have drained")
    before = set(_containers(docker_host, boxed))
    os.kill(boxed.service()["supervisor"], signal.SIGKILL)
    until(lambda: boxed.service()["supervisor"] is None, "the supervisor's end")
    assert boxed.get()[0] == "better"
    boxed.cli("resume")
    until(lambda: boxed.is_so(state="ready", ready=2), "that they are found again")
    assert set(_containers(docker_host, boxed)) == before
    docker_host.run("kill", sorted(before)[0])
    until(lambda: len(set(_containers(docker_host, boxed)) - before) == 1, "another container")
    until(lambda: boxed.is_so(state="ready", ready=2), "that all are well again")

    # What they recorded is on this machine, and the same image goes to the other target.
    files = (boxed.root / ".mltui" / "serving" / "web@dev").glob("*/shared/records.jsonl")
    assert sum(len(file.read_text().splitlines()) for file in files) >= found["asked"]
    port = free_port()
    boxed.cli("promote", "web", "--to", "prod", "--port", str(port), "--yes")
    assert boxed.get(port)[0] == "better"
    dev, prod = (_serving(boxed, target) for target in ("dev", "prod"))
    assert dev["image"]
    assert (dev["image"], dev["inputs"]) == (prod["image"], prod["inputs"])
