"""A daemon that keeps little of a log: what a late follower lost is said where it is missing."""

from __future__ import annotations

import asyncio
import subprocess
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from .box import Box

if TYPE_CHECKING:
    from tests.testbed.docker import DockerHost

numbered = import_module("testbed.numbered")


async def test_what_a_daemon_threw_away_is_told_where_it_is_missing(
    docker_host: DockerHost, box: Box, tmp_path: Path
) -> None:
    kept = {"Type": "json-file", "Config": {"max-size": "200k", "max-file": "2"}}
    await box.run(
        "rotates", "perl", "-e", numbered.WRITER, "10000", "60000", HostConfig={"LogConfig": kept}
    )
    name = f"container/{box.name('rotates')}"
    follower = numbered.Follower(tmp_path, docker_host.environ, name)
    try:
        await asyncio.to_thread(follower.begins)
        follower.stop()
        await asyncio.to_thread(
            numbered.until,
            lambda: b"last " in _last_line(docker_host, box.name("rotates")),
            "the writer does not end",
        )
        await asyncio.to_thread(follower.go_on)
    finally:
        follower.end()
    follower.check(docker_host.run("exec", box.name("rotates"), "sh", "-c", numbered.TIMES))


def _last_line(host: DockerHost, name: str) -> bytes:
    argv = ["docker", "logs", "--tail", "1", name]
    return subprocess.run(argv, stdout=subprocess.PIPE, env=host.environ, check=True).stdout
