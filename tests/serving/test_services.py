"""Services as a person has them: deployed, scaled, replaced, given back, rolled back, promoted."""

from __future__ import annotations

import os
import re
import signal
import socket
import urllib.error
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from .place import World, end_load, replacements, until

REPLACEMENTS = replacements(20)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_service_from_its_first_version_to_its_end(world: World) -> None:
    world.env["MLTUI_SCRAPE_S"] = "0.5"
    world.cli("deploy", "web", code=3)  # nothing has run yet
    world.train("good")
    assert "first version" in world.cli("deploy", "web", "--target", "dev")
    assert world.get()[:2] == ["good", "1"]
    found = world.service()
    assert (found["state"], found["ready"], found["version"], found["run"]) == ("ready", 2, 1, 1)
    first = world.ls("versions", "web")[0]
    assert (first["state"], first["metrics"]["train.accuracy"]) == ("serving", 0.9)
    assert "@" in first["by"]

    def counted() -> bool:
        world.get()
        found = {one["metric"]: one for one in world.ls("metrics", "web")}
        return "web_requests_total" in found and found["web_requests_total"]["high"] > 0

    until(counted, "a rate of requests")
    # Of one that was late once it is said that it was.
    odd = "/metrics: 1 values are not numbers"
    until(lambda: odd in world.cli("ls", "metrics"), "what is odd about them")

    said = world.cli("logs", "service/web/1", "-o", "raw")
    assert f"listening on {world.ls('replicas')[0]['port']}" in said

    world.cli("scale", "web", "3")
    assert len(_ready_replicas(world)) == 3
    world.cli("scale", "web", "1")
    # What it is in the middle of, each of the others ends first.
    until(lambda: [one["state"] for one in world.ls("replicas")] == ["ready"], "one replica")

    world.cli("stop", "web")
    assert world.service()["state"] == "stopped"
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        world.get()
    # Nobody has anything to see to any more.
    until(lambda: world.service()["supervisor"] is None, "the supervisor's end")
    world.cli("serve", "web", "--target", "dev")
    assert world.get()[:2] == ["good", "1"]
    acts = [one["what"] for one in world.ls("acts")]
    assert acts[:2] == ["started", "stopped"]
    assert "scaled 2 → 3" in acts


@pytest.mark.slow
@pytest.mark.timeout(900 + 30 * REPLACEMENTS)
def test_replacing_fails_no_request(world: World) -> None:
    world.train("good")
    world.cli("deploy", "web", "--target", "dev")
    client = world.load()
    for _ in range(REPLACEMENTS - 1):
        world.cli("restart", "web")
    world.train("better", 0.95)
    said = world.cli("deploy", "web", "--target", "dev")
    assert "0.9 → 0.95" in said
    found = end_load(client)
    print(found)
    assert found["failed"] == 0, found
    assert set(found["versions"]) == {"1", "2"}
    assert found["asked"] > 50 * REPLACEMENTS / 4, "the client was held up"
    until(lambda: len(world.ls("replicas")) == 2, "the end of the replaced ones")


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_version_that_does_not_get_healthy_is_given_back(world: World) -> None:
    world.env["MLTUI_READY_S"] = "15"
    world.train("good")
    world.cli("deploy", "web", "--target", "dev")
    client = world.load()
    world.train("broken")
    said = world.cli("deploy", "web", "--target", "dev", code=1)
    assert "the model file does not load" in said
    assert "version 1 serves again" in said
    world.train("sick")
    said = world.cli("deploy", "web", "--target", "dev", code=1)
    assert "/healthz answers 503" in said
    found = end_load(client)
    assert found["failed"] == 0, found
    assert found["versions"].keys() == {"1"}
    until(lambda: world.is_so(state="ready", version=1, ready=2), "that it is as before")
    courses = {one["version"]: one["state"] for one in world.ls("versions", "web")}
    assert courses == {1: "serving", 2: "failed", 3: "failed"}


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_whatever_is_killed_the_service_goes_on(world: World) -> None:
    world.train("good")
    world.cli("deploy", "web", "--target", "dev")
    processes = {world.get()[2] for _ in range(4)}
    assert len(processes) == 2

    # The supervisor: replicas and front answer without it, and the next one finds them.
    os.kill(world.service()["supervisor"], signal.SIGKILL)
    until(lambda: world.service()["state"] == "unknown", "that the supervisor is missed")
    assert {world.get()[2] for _ in range(4)} == processes
    world.cli("resume")
    until(lambda: world.is_so(state="ready", ready=2), "that a new supervisor has found them")
    assert {world.get()[2] for _ in range(4)} == processes

    # A replica: another takes its place.
    victim = processes.pop()
    os.kill(int(victim), signal.SIGKILL)
    until(lambda: 3 in _ready_replicas(world), "another")
    until(lambda: len(_answering(world) - {victim}) == 2, "answers of both")
    assert victim not in _answering(world)
    (its_own,) = _answering(world) - processes

    # One whose own check fails though it answers: it is asked no more until it is well.
    until(lambda: world.is_so(state="ready", ready=2), "that all are well")
    client = world.load()
    sick = world.root / ".mltui" / "serving" / "web@dev" / "3" / "work" / "sick"
    sick.touch()
    until(lambda: world.is_degraded("/healthz answers 503"), "that it is said")
    until(lambda: its_own not in _answering(world), "answers of the other alone")
    sick.unlink(missing_ok=True)
    until(lambda: len(_answering(world)) == 2, "answers of both again")
    load = end_load(client)
    assert load["failed"] == 0, load

    # The front: the port is held again.
    fronts = [int(path.name) for path in Path("/proc").glob("[0-9]*") if _is_front(path, world)]
    assert len(fronts) == 1
    os.kill(fronts[0], signal.SIGKILL)
    until(lambda: _answers(world), "an answer")


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_back_to_an_earlier_version_and_on_to_another_target(world: World) -> None:
    world.train("good")
    world.cli("deploy", "web", "--target", "dev")
    world.train("worse", 0.7)
    world.cli("deploy", "web", "--target", "dev")
    assert world.get()[:2] == ["worse", "2"]
    said = world.cli("rollback", "web")
    assert "0.7 → 0.9" in said
    assert world.get()[:2] == ["good", "3"]
    world.cli("rollback", "web", "--to", "2")
    assert world.get()[:2] == ["worse", "4"]
    assert "has no version 9: there is 4, 3, 2, 1" in world.cli(
        "rollback", "web", "--to", "9", code=2
    )
    world.cli("rollback", "web", "--to", "1")
    assert world.get()[:2] == ["good", "5"]
    assert [(one["run"], one["metrics"]) for one in world.ls("versions", "web")] == [
        (run, {"train.accuracy": accuracy})
        for run, accuracy in ((1, 0.9), (2, 0.7), (1, 0.9), (2, 0.7), (1, 0.9))
    ]

    shown = world.cli("promote", "web", "--to", "prod", "--dry-run")
    assert "first version" in shown
    refused = world.cli("promote", "web", "--to", "prod", code=2)
    assert "prod is a production target: say `--yes`" in refused
    with (world.root / "mltui.yaml").open("a") as spec:
        spec.write("  sealed: {engine: process, read_only: true}\n")
    refused = world.cli("promote", "web", "--to", "sealed", code=2)
    assert "sealed is a read-only target: say `--yes`" in refused
    port = _free(world)
    world.cli("promote", "web@dev", "--to", "prod", "--port", str(port), "--yes")
    assert world.get(port)[:2] == ["good", "1"]
    dev = world.ls("versions", "web@dev")[0]
    prod = world.ls("versions", "web@prod")[0]
    for part in ("inputs", "code", "environment", "image", "run", "metrics"):
        assert dev[part] == prod[part], part
    assert prod["why"] == "promoted from dev (version 5)"
    refused = world.cli("stop", "web@prod", code=2)
    assert "production" in refused
    assert "say `web@dev`, `web@prod`" in world.cli("scale", "web", "1", code=2)


REFRESH = """\
monitors:
  refresh:
    every: 2s
    min_rows: 0
    inputs: {recent: web.records}
    run: |
      echo "{\\"age\\": $MLTUI_MODEL_AGE_S}" > ${metrics}
    gate: {require: age < 3, otherwise: {run: train, at_most: 1 per day}}
"""


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_model_that_gets_old_is_trained_again(tmp_path: Path) -> None:
    world = World.make(tmp_path, more=REFRESH)
    try:
        world.train("good")
        world.cli("deploy", "web", "--target", "dev")
        run = until(lambda: world.ls("runs")[:-1], "another run")[0]
        assert re.fullmatch(r"monitor refresh: age \d+, needs < 3", run["trigger"])
        found = until(lambda: [one for one in _measured(world) if one["outcome"]], "its outcome")
        assert [(one["run"], one["verdict"]) for one in found] == [(2, "not-passed")]
        assert "version 1 stays: run 2 made the same model again" in found[0]["outcome"]
        until(
            lambda: any("1 per 1d at most" in one["reason"] for one in _measured(world)),
            "that it is not trained every time",
        )
        assert len(world.ls("runs")) == 2
        _sleep_through_its_times(world)
    finally:
        world.stop()


def _sleep_through_its_times(world: World) -> None:
    """Every 2 s is measured; what was missed while the machine slept is made up for once."""
    supervisor = world.service()["supervisor"]
    os.kill(supervisor, signal.SIGSTOP)
    try:
        before = {one["at"] for one in _measured(world)}
        until(lambda: _overdue_s(world) > 7, "that times are missed")
    finally:
        os.kill(supervisor, signal.SIGCONT)

    def since() -> list[datetime]:
        found = {one["at"] for one in _measured(world)} - before
        return sorted(datetime.fromisoformat(at) for at in found)

    until(lambda: len(since()) >= 3, "that it is measured again")
    found = since()
    passed_s = (found[-1] - found[0]).total_seconds()
    assert len(found) <= passed_s / 2 + 2, found


def _measured(world: World) -> list[dict[str, Any]]:
    """All of them: there is another every two seconds."""
    return world.ls("measurements", "--limit", "0")


def _overdue_s(world: World) -> float:
    due = datetime.fromisoformat(world.ls("monitors")[0]["next_at"])
    return (datetime.now(UTC) - due).total_seconds()


def test_back_after_a_restart_of_the_machine(world: World) -> None:
    config = world.root / "config"
    world.env |= {"XDG_CONFIG_HOME": str(config), "PATH": "/nowhere", "DOCKER_HOST": "a 50%"}
    said = world.cli("serve", "--install")
    assert "still to be done: systemctl --user enable mltui-" in said
    (file,) = (config / "systemd" / "user").iterdir()
    text = file.read_text()
    assert f'-m" "mltui.serving.supervisor" "{world.root}"' in text
    assert 'Environment="DOCKER_HOST=a 50%%"' in text
    assert "KillMode=process" in text
    world.cli("serve", "--uninstall")
    assert not file.exists()
    assert "there is no unit" in world.cli("serve", "--uninstall")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_port_that_is_taken_is_said(world: World) -> None:
    world.train("good")
    with socket.socket() as other:
        other.bind(("127.0.0.1", world.port))
        other.listen()
        world.cli("deploy", "web", "--target", "dev", "--detach")
        found = until(
            lambda: [one for one in world.ls("services") if "taken" in one["reason"]], "the reason"
        )
        assert f"port {world.port} is taken by another program" in found[0]["reason"]
    until(lambda: world.service()["state"] == "ready", "the service once the port is free")


def _answering(world: World) -> set[str]:
    """The processes that answer."""
    return {world.get()[2] for _ in range(6)}


def _ready_replicas(world: World) -> list[int]:
    return [one["replica"] for one in world.ls("replicas") if one["state"] == "ready"]


def _is_front(process: Path, world: World) -> bool:
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    # The shim around it has the same words, after its own.
    return b"mltui.serving.front" in words[:6] and str(world.port).encode() in words


def _answers(world: World) -> bool:
    try:
        return bool(world.get())
    except (OSError, urllib.error.URLError):
        return False


def _free(world: World) -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
