"""What the Docker engine promises about one attempt, against a real daemon."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from pathlib import Path

import pytest

from mltui.engines.docker.container import VIEW
from mltui.engines.docker.names import container_name
from mltui.engines.protocol import Stopped, View, view_of
from mltui.errors import StartFailed
from mltui.spec.model import Environment, Image, Resources

from .box import METRICS, WORK, Box, read, until


async def test_success_brings_log_outputs_and_metrics(box: Box) -> None:
    shell = (
        'echo "hi $MLTUI_X"; echo bad >&2; cat sub/in >out.bin; mkdir -p d/e; echo x >d/e/f; '
        f"ln -s f d/e/link; chmod +x out.bin; echo '{{\"a\": 1}}' >{METRICS}; echo no >undeclared"
    )
    attempt = await box.attempt(shell=shell, outputs=("out.bin", "d/", "missing"), MLTUI_X="é")
    data = bytes(range(256)) * 1000
    (attempt.work / "sub").mkdir()
    (attempt.work / "sub" / "in").write_bytes(data)
    end = await box.run(attempt)
    assert (end.how, end.code, end.message) == (Stopped.EXITED, 0, "")
    # The daemon reads the two streams apart: the order is not known.
    assert sorted(attempt.log.read_text(encoding="utf-8").splitlines()) == ["bad", "hi é"]
    assert (attempt.work / "out.bin").read_bytes() == data
    assert (attempt.work / "out.bin").stat().st_mode & 0o111
    assert (attempt.work / "d" / "e" / "f").read_text() == "x\n"
    assert (attempt.work / "d" / "e" / "link").is_symlink()
    assert json.loads((attempt.folder / "metrics").read_text()) == {"a": 1}
    assert not (attempt.work / "missing").exists()
    assert not (attempt.work / "undeclared").exists()
    facts = json.loads((attempt.folder / "container.json").read_text())
    assert facts["exit_code"] == 0
    image = box.host.run("image", "inspect", "-f", "{{.Id}} {{.Size}}", box.image).split()
    assert [facts["image"], str(facts["image_bytes"])] == image
    assert 0 < facts["start_s"] < facts["ended_at"] - facts["started_at"] + facts["start_s"] + 60


async def test_the_view_is_what_the_command_sees(box: Box) -> None:
    attempt = await box.attempt(shell="pwd; cat ../secrets/KEY; id -u; ls -A | tr '\\n' ' '")
    secrets = attempt.folder / "secrets"
    secrets.mkdir(mode=0o700)
    (secrets / "KEY").write_bytes(b"s3cret\n")
    (secrets / "KEY").chmod(0o600)
    (attempt.work / "odd ~[é]\udcff").touch()
    view = view_of(box.engine, attempt.folder, attempt.work)
    assert view == VIEW == View(WORK, METRICS, "/mltui/secrets")
    obj = await box.engine.start(attempt)
    await box.engine.wait(attempt, obj)
    assert "s3cret" not in box.host.run("inspect", obj)
    await box.engine.remove(attempt, obj)
    expected = f"{view.work}\ns3cret\n0\nodd ~[é]\udcff ".encode("utf-8", "surrogateescape")
    assert attempt.log.read_bytes().rstrip(b"\n") == expected


@pytest.mark.parametrize("code", [1, 3, 126, 127, 255])
async def test_exit_code(box: Box, code: int) -> None:
    end = await box.run(await box.attempt(shell=f"exit {code}"))
    assert (end.how, end.code, end.message) == (Stopped.EXITED, code, "")


@pytest.mark.parametrize("number", [9, 15])
async def test_killed_by_a_signal(box: Box, number: int) -> None:
    attempt = await box.attempt("sh", "-c", f"echo before; kill -{number} $$")
    end = await box.run(attempt)
    assert (end.how, end.code) == (Stopped.SIGNALLED, 128 + number)
    assert attempt.log.read_bytes() == b"before\n"


async def test_a_list_is_executed_as_it_is(box: Box) -> None:
    attempt = await box.attempt("printf", "%s|\n", "a b", "$HOME", "*", "-n", "")
    await box.run(attempt)
    assert attempt.log.read_bytes() == b"a b|\n$HOME|\n*|\n-n|\n|\n"


async def test_a_program_that_the_image_lacks_is_named(box: Box) -> None:
    end = await box.run(await box.attempt("no-such-program", "x"))
    assert end.code == 127
    assert end.message == "its image has no program 'no-such-program'"


async def test_out_of_memory_at_its_limit(box: Box) -> None:
    limit = Resources(memory_bytes=64 << 20)
    code = "x = bytearray(1 << 29); print(len(x))"
    end = await box.run(await box.attempt("python3", "-c", code, resources=limit))
    assert end.how is Stopped.OUT_OF_MEMORY
    child = await box.attempt(shell=f"python3 -c '{code}' || exit 4", resources=limit)
    assert (await box.run(child)).how is Stopped.OUT_OF_MEMORY


async def test_limits_reach_the_container(box: Box) -> None:
    shell = (
        "cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || "
        "cat /sys/fs/cgroup/memory.max; cat /proc/1/comm; grep NoNewPrivs /proc/self/status"
    )
    limit = Resources(cpu=0.5, memory_bytes=96 << 20)
    attempt = await box.attempt(shell=shell, resources=limit)
    obj = await box.engine.start(attempt)
    assert (await box.engine.wait(attempt, obj)).code == 0
    asked = box.host.run("inspect", "-f", "{{.HostConfig.NanoCpus}}", obj)
    await box.engine.remove(attempt, obj)
    assert asked == "500000000"
    words = attempt.log.read_text().split()
    assert words == [str(96 << 20), "docker-init", "NoNewPrivs:", "1"]


async def test_no_network_unless_asked(box: Box) -> None:
    shell = "ls /sys/class/net | tr '\\n' ' '; echo"
    alone = await box.attempt(shell=shell)
    assert (await box.run(alone)).code == 0
    assert alone.log.read_text().split() == ["lo"]
    asking = await box.attempt(shell=shell, network=True)
    assert (await box.run(asking)).code == 0
    assert "eth0" in asking.log.read_text().split()


@pytest.mark.parametrize(
    ("resources", "says"),
    [
        (Resources(gpu=2), "asks for 2 GPUs, and the Docker host offers none"),
        (Resources(cpu=4096), "asks for 4096 CPUs, the Docker host has"),
        (Resources(memory_bytes=1 << 20), "the memory limit is too small for Docker"),
    ],
)
async def test_what_the_host_has_not_can_not_start(
    box: Box, resources: Resources, says: str
) -> None:
    with pytest.raises(StartFailed, match=says):
        await box.engine.start(await box.attempt("true", resources=resources))


async def test_an_image_that_is_gone_can_not_start(box: Box) -> None:
    built = await box.built()
    gone = type(built)(built.key, built.resolved, "sha256:" + "0" * 64)
    with pytest.raises(StartFailed, match="image is gone from the Docker host"):
        await box.engine.start(await box.attempt("true", built=gone))


async def test_odd_names_stay_apart_and_are_found(box: Box) -> None:
    names = [f"{box.host.label} tr~2-3@é/1.2", f"{box.host.label} tr~2-3@è/1.2"]
    assert len({container_name(name) for name in names}) == 2
    assert container_name("plain-1.2_x") == "mltui-plain-1.2_x"
    for name in names:
        attempt = await box.attempt(shell="sleep 600", name=name)
        obj = await box.engine.start(attempt)
        assert await box.another_find(attempt) == obj
        labels = json.loads(box.host.run("inspect", "-f", "{{json .Config.Labels}}", obj))
        assert labels["mltui.name"] == name
        await box.engine.remove(attempt, obj)


async def test_a_name_that_somebody_else_has_taken(box: Box) -> None:
    attempt = await box.attempt("true")
    name = container_name(attempt.name)
    label = f"mltui.test={box.host.label}"
    box.host.run("create", "--name", name, "--label", label, "debian:bookworm-slim", "true")
    try:
        with pytest.raises(StartFailed, match=f"the name {name} is taken"):
            await box.engine.start(attempt)
        assert await box.engine.find(attempt) is None
        await box.engine.remove(attempt, None)
        assert box.host.run("ps", "-aq", "--filter", f"name={name}"), "not ours to remove"
    finally:
        box.host.run("rm", name)


async def test_the_images_user_writes_its_outputs(box: Box) -> None:
    folder = box.root / "img"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM debian:bookworm-slim\nUSER nobody\nENV HELLO=x\n")
    environment = Environment("nobody", image=Image(build="img"))
    built = await box.engine.build(environment, box.root, box.root / "log")
    try:
        shell = f"id -un; echo $HELLO; cat in >>code.txt; cp in out; echo 1 >{METRICS}; "
        shell += "cat ../secrets/S"
        attempt = await box.attempt(shell=shell, outputs=("out", "code.txt"), built=built)
        for name in ("in", "code.txt"):
            (attempt.work / name).write_text(f"{name}\n")
            (attempt.work / name).chmod(0o600)
        (attempt.folder / "secrets").mkdir(mode=0o700)
        (attempt.folder / "secrets" / "S").write_text("s\n")
        assert (await box.run(attempt)).code == 0
        assert attempt.log.read_text() == "nobody\nx\ns\n"
        assert (attempt.work / "out").read_text() == "in\n"
        assert (attempt.work / "code.txt").read_text() == "code.txt\nin\n"
    finally:
        box.host.run("rmi", built.location, check=False)


async def test_a_container_removed_under_our_hands_is_lost(box: Box) -> None:
    attempt = await box.attempt(shell="echo up; sleep 600")
    obj = await box.engine.start(attempt)
    waiting = asyncio.create_task(box.engine.wait(attempt, obj))
    await until(lambda: read(attempt.log) == b"up\n")
    box.host.run("rm", "-f", obj)
    end = await asyncio.wait_for(waiting, 180)
    assert (end.how, end.code) == (Stopped.LOST, None)
    assert "removed by somebody else" in end.message
    assert attempt.log.read_bytes() == b"up\n"
    assert await box.engine.find(attempt) == obj, "it did start once"
    await box.engine.stop(attempt, obj, 1)
    await box.engine.remove(attempt, obj)


async def test_stop_asks_first(box: Box) -> None:
    shell = "trap 'echo bye; exit 4' TERM; echo up; while :; do sleep 0.05; done"
    attempt = await box.attempt(shell=shell)
    obj = await box.engine.start(attempt)
    waiting = asyncio.create_task(box.engine.wait(attempt, obj))
    await until(lambda: read(attempt.log) == b"up\n")
    await box.engine.stop(attempt, obj, 60.0)
    end = await waiting
    assert (end.how, end.code) == (Stopped.EXITED, 4)
    assert attempt.log.read_bytes() == b"up\nbye\n"
    await box.engine.stop(attempt, obj, 0.1)
    await box.engine.remove(attempt, obj)


@pytest.mark.parametrize("paused", [False, True])
async def test_stop_ends_what_does_not_listen(box: Box, paused: bool) -> None:
    attempt = await box.attempt(shell="trap '' TERM; echo up; sleep 600 & sleep 600")
    obj = await box.engine.start(attempt)
    waiting = asyncio.create_task(box.engine.wait(attempt, obj))
    await until(lambda: read(attempt.log) == b"up\n")
    if paused:
        box.host.run("pause", obj)
    await box.engine.stop(attempt, obj, 0.2)
    end = await asyncio.wait_for(waiting, 180)
    assert (end.how, end.code) == (Stopped.SIGNALLED, 137)
    await box.engine.remove(attempt, obj)


async def test_wait_can_be_cancelled_and_asked_again(box: Box) -> None:
    shell = "echo one; while ! [ -e /tmp/go ]; do sleep 0.1; done; echo two; echo x >o"
    attempt = await box.attempt(shell=shell, outputs=("o",))
    obj = await box.engine.start(attempt)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(box.engine.wait(attempt, obj), 0.1)
    box.host.run("exec", obj, "touch", "/tmp/go")
    assert (await box.engine.wait(attempt, obj)).code == 0
    assert attempt.log.read_bytes() == b"one\ntwo\n"
    assert (attempt.work / "o").read_text() == "x\n"
    await box.engine.remove(attempt, obj)
    await box.engine.remove(attempt, obj)


async def test_usage_is_measured(box: Box) -> None:
    code = (
        "import time; x = bytearray(150_000_000)\nt = time.time()\nwhile time.time() < t + 4: pass"
    )
    end = await box.run(await box.attempt("python3", "-c", code))
    assert end.usage.cpu_s is not None and end.usage.cpu_s > 0.5
    assert end.usage.peak_memory_bytes is not None and end.usage.peak_memory_bytes > 140_000_000


async def test_metrics_are_seen_while_it_runs(box: Box) -> None:
    shell = f"echo '{{\"a\": 1}}' >{METRICS}; sleep 600"
    attempt = await box.attempt(shell=shell)
    obj = await box.engine.start(attempt)
    waiting = asyncio.create_task(box.engine.wait(attempt, obj))
    await until(lambda: read(attempt.folder / "metrics") == b'{"a": 1}\n')
    await box.engine.stop(attempt, obj, 0)
    await waiting
    await box.engine.remove(attempt, obj)


async def test_large_files_travel_without_being_held(box: Box) -> None:
    size = 300 << 20
    attempt = await box.attempt(shell="mv big out; cat out | wc -c", outputs=("out",))
    with (attempt.work / "big").open("wb") as file:
        block = bytes(range(256)) * 4096
        for _ in range(size // len(block)):
            file.write(block)
    before, until_now = _memory(reset=True)
    end = await box.run(attempt)
    _, peak = _memory()
    assert end.code == 0
    assert attempt.log.read_text() == f"{size}\n"
    with (attempt.work / "out").open("rb") as file:
        total = 0
        while data := file.read(1 << 20):
            assert data == block
            total += len(data)
    assert total == size
    assert peak - before < 80 << 20, f"{(peak - before) >> 20} MiB more ({until_now >> 20} before)"


async def test_many_at_once(box: Box) -> None:
    attempts = [await box.attempt(shell=f"echo {n}; exit {n}") for n in range(8)]
    ends = await asyncio.gather(*(box.run(attempt) for attempt in attempts))
    assert [end.code for end in ends] == list(range(8))
    assert [attempt.log.read_text() for attempt in attempts] == [f"{n}\n" for n in range(8)]


def _memory(*, reset: bool = False) -> tuple[int, int]:
    """Resident memory now and at its highest since the last reset, in bytes (proc(5))."""
    if reset:
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")
    found = {}
    for line in Path("/proc/self/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name in ("VmRSS", "VmHWM"):
            found[name] = int(value.split()[0]) * 1024
    return found["VmRSS"], found["VmHWM"]
