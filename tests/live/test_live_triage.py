"""Containers that are really broken, each with its true cause; of healthy ones nothing is said.

All are made at once on the real daemon, since most of the time is waiting for them.
"""

from __future__ import annotations

import asyncio
import io
import socket
import tarfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from mltui.errors import MltuiError
from mltui.live.facts import Clinic, examine, host_facts, is_suspect, look_once, tags_of
from mltui.live.feed import Feed
from mltui.live.kinds._container import read_listed
from mltui.triage.diagnosis import diagnose
from mltui.triage.facts import Facts, HostFact
from mltui.triage.finding import Finding, Harm

from .box import Box

PYTHON = ("python3", "-c")
SHELL = ("sh", "-c")
LOOP = {"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 0}}
INIT = {"Init": True}

ENDING: dict[str, tuple[tuple[str, ...], dict[str, Any], str]] = {
    "raises": ((*PYTHON, "raise ValueError('bad column')"), {}, "ValueError: bad column"),
    "typo": ((*SHELL, "traiin --fast"), {}, "or one that it calls, was not found"),
    "no-rights": ((*SHELL, "/etc/passwd"), {}, "can't be executed"),
    "code": ((*SHELL, "echo giving up; exit 3"), {}, "failed with exit code 3"),
    "segv": ((*PYTHON, "import ctypes; ctypes.string_at(0)"), {}, "SIGSEGV"),
    "term": ((*SHELL, "kill -TERM $$"), INIT, "was told to stop (SIGTERM)"),
    "killed": ((*SHELL, "kill -KILL $$"), INIT, "not at its own memory limit and not through"),
    "oom": (
        # Not at once: of memory that runs out in its first moments Docker may not hear.
        (*PYTHON, "import time; time.sleep(2); x = b'1' * (1 << 28)"),
        {"Memory": 24 << 20, "MemorySwap": 24 << 20},
        "needs more memory than its limit of 24 MiB",
    ),
    "loops": ((*SHELL, "echo no config; exit 3"), LOOP, "failed with exit code 3"),
}


def wrong(box: Box, findings: list[Finding]) -> dict[str, Finding]:
    """What is said of this box's containers, by their short names."""
    found = {}
    for each in findings:
        name = each.object.removeprefix("container ")
        if name.startswith(box.prefix):
            found[name.removeprefix(f"{box.prefix}-")] = each
    return found


async def reading(
    box: Box, keys: dict[str, str], are_ready: Callable[[dict[str, Any]], bool]
) -> Facts:
    """The facts of these containers, once they have come to what they come to."""
    loop = asyncio.get_running_loop()
    until = loop.time() + 180
    while True:
        found = {name: await examine(box.daemon, key) for name, key in keys.items()}
        if are_ready(found):
            break
        assert loop.time() < until, {name: each.state for name, each in found.items()}
        await asyncio.sleep(0.1)
    host = HostFact(box.daemon.name, "docker")
    return Facts(time.time(), hosts=(host,), containers=tuple(found.values()))


async def test_what_containers_die_of(box: Box) -> None:
    keys = {
        name: await box.run(name, *command, HostConfig=settings)
        for name, (command, settings, _) in ENDING.items()
    }
    facts = await reading(
        box,
        keys,
        lambda found: (
            found["loops"].restarts > 1
            and all(each.state in ("exited", "restarting") for each in found.values())
        ),
    )
    said = wrong(box, diagnose(facts))
    assert set(said) == set(ENDING), {name: each.title for name, each in said.items()}
    for name, (_, _, cause) in ENDING.items():
        assert cause in said[name].cause, (name, said[name].cause)
    assert said["oom"].rule == "docker-memory"
    assert said["oom"].fixes[0].title == "give it 36 MiB and start it again"
    assert said["loops"].rule == "docker-restarts" and said["loops"].count > 1
    assert any("no config" in piece.text for piece in said["loops"].evidence)
    assert said["term"].harm is Harm.NOTE and said["killed"].confidence < 1


async def test_what_keeps_containers_from_starting(box: Box, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    other = io.BytesIO()
    with tarfile.open(fileobj=other, mode="w") as tar:
        # The head of a program for 64-bit Arm.
        head = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xb7\x00" + bytes(100)
        info = tarfile.TarInfo("other")
        info.size, info.mode = len(head), 0o755
        tar.addfile(info, io.BytesIO(head))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        mount = {"Type": "bind", "Source": str(folder), "Target": "/data"}
        bound = {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port)}]}
        keys = {
            "no-program": await box.create("no-program", "traiin"),
            "no-mount": await box.create("no-mount", HostConfig={"Mounts": [mount]}),
            "no-user": await box.create("no-user", User="nobody-here"),
            "other-cpu": await box.create("other-cpu", "/other"),
            "port": await box.create(
                "port",
                ExposedPorts={"80/tcp": {}},
                HostConfig={"NetworkMode": "bridge", "PortBindings": bound},
            ),
        }
        path = f"/containers/{keys['other-cpu']}/archive"
        async with box.daemon.client.stream(
            "PUT",
            path,
            {"path": "/"},
            other.getvalue(),
            headers={"Content-Type": "application/x-tar"},
        ) as answer:
            await answer.read()
        folder.rmdir()
        for name, key in keys.items():
            with suppress(MltuiError) if name == "other-cpu" else pytest.raises(MltuiError):
                await box.start(key)
    facts = await reading(
        box,
        keys,
        lambda found: all(
            each.error or each.exit_code or any(mount.is_missing for mount in each.mounts)
            for each in found.values()
        ),
    )
    said = {name: each.headline for name, each in wrong(box, diagnose(facts)).items()}
    assert set(said) == set(keys)
    assert "there is no program traiin" in said["no-program"]
    assert f"{folder} is missing" in said["no-mount"]
    assert f"port {port} is taken" in said["port"]
    assert "its user does not exist" in said["no-user"]
    assert "another architecture" in said["other-cpu"]


async def test_a_failing_health_check_and_what_it_answered(box: Box) -> None:
    check = {"Interval": 1_000_000_000, "Timeout": 60_000_000_000, "Retries": 1}
    keys = {
        "ill": await box.run(
            "ill", Healthcheck={"Test": ["CMD-SHELL", "echo database is down; exit 1"], **check}
        ),
        "blind": await box.run("blind", Healthcheck={"Test": ["CMD", "curll"], **check}),
    }
    facts = await reading(
        box, keys, lambda found: all(each.health == "unhealthy" for each in found.values())
    )
    said = wrong(box, diagnose(facts))
    assert said["ill"].cause == "its health check fails: database is down"
    assert "check can't be run" in said["blind"].cause


async def test_nothing_is_said_of_healthy_containers(box: Box) -> None:
    keys = {
        "runs": await box.run("runs"),
        "done": await box.run("done", "true"),
        "new": await box.create("new"),
        "stopped": await box.run("stopped"),
        "told": await box.run("told", "sleep", "600", HostConfig=INIT),
        "again": await box.run("again"),
    }
    for name in ("stopped", "told"):
        await box.daemon.post(f"/containers/{keys[name]}/stop", {"t": "0"})
    await box.daemon.post(f"/containers/{keys['again']}/restart", {"t": "0"})
    facts = await reading(
        box, keys, lambda found: [found[n].state for n in ("done", "stopped")] == ["exited"] * 2
    )
    assert wrong(box, diagnose(facts)) == {}


async def test_only_what_may_be_ill_is_read_and_only_once(box: Box, feed: Feed) -> None:
    await box.run("fine")
    ill = await box.run("ill", *SHELL, "exit 4")
    table = feed.table("containers")
    row = await asyncio.wait_for(feed.until(ill, lambda row: row and row.ended_at), 180)
    clinic = Clinic(feed.daemon)
    ours = [row for row in table.rows.values() if row.name.startswith(box.prefix)]
    first = await clinic.look(ours)
    assert [each.id for each in first] == [ill] and is_suspect(row)
    assert (await clinic.look(ours))[0] is first[0]
    await box.remove(ill)
    assert await Clinic(feed.daemon).look([row]) == ()


async def test_a_dead_daemon_is_one_finding(tmp_path: Path) -> None:
    host, containers = await look_once(None, {"DOCKER_HOST": f"unix://{tmp_path}/none.sock"})
    assert not host.is_up and containers == ()
    (found,) = diagnose(Facts(time.time(), hosts=(host,)))
    assert found.title == "docker does not answer" and found.harm is Harm.URGENT


async def test_the_host_says_how_full_its_disk_is(box: Box) -> None:
    host = await host_facts(box.daemon)
    assert host.is_up and (host.disk_used is None or 0 < host.disk_used <= 1)
    full = HostFact("docker", "docker", disk_used=0.98)
    (found,) = diagnose(Facts(0.0, hosts=(full,)))
    assert "98% full" in found.title


async def test_a_name_that_was_moved_under_a_running_container(box: Box) -> None:
    other = await box.imported("other")
    base = (await box.daemon.get(f"/images/{box.image}/json"))["Id"]
    tag = {"repo": box.name("served"), "tag": "1"}
    await box.daemon.post(f"/images/{base}/tag", tag)
    name = f"{box.name('served')}:1"
    for kept in ("kept", "played"):
        policy = {"RestartPolicy": {"Name": "unless-stopped" if kept == "kept" else "no"}}
        await box.run(kept, Image=name, HostConfig=policy)
    assert not await moved(box)
    await box.daemon.post(f"/images/{other}/tag", tag)
    found = {each.object: each for each in await moved(box)}
    assert found[f"container {box.name('kept')}"].harm is Harm.WARNING
    assert found[f"container {box.name('played')}"].harm is Harm.NOTE
    assert f"runs an older {name}" in found[f"container {box.name('kept')}"].title


async def moved(box: Box) -> list[Finding]:
    listed = await box.daemon.get("/containers/json", {"all": "1"})
    ours = [read_listed(raw) for raw in listed if box.prefix in raw["Names"][0]]
    images = await box.daemon.get("/images/json")
    tags = tags_of((each["Id"], each.get("RepoTags") or ()) for each in images)
    facts = Facts(time.time(), containers=await Clinic(box.daemon).look(ours, tags))
    return [each for each in diagnose(facts) if each.rule == "docker-moved"]
