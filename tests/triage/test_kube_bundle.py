"""A cluster's incident in one file: the objects, their events and logs, and nothing secret."""

from __future__ import annotations

import asyncio
import zipfile
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.app.test_bundle import opened

from mltui.cli.main import main
from mltui.runs.bundle import read_bundle

from .objects import container, deployment, service

if TYPE_CHECKING:
    from tests.testbed.cluster import Cluster

namespace = import_module("testbed.cluster").namespace

SECRETS = ("hunter2", "correct-horse", "MIIEvQIBADANBgkq", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx")
SAYS = """
print("db_password: correct-horse")
print("-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBgkq\\n-----END PRIVATE KEY-----")
print("got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjMifQ.c2lnbmF0dXJl")
raise KeyError("label")
"""
WAIT_S = 120.0


@pytest.mark.timeout(300)
async def test_objects_events_and_logs_are_in_it_and_no_secret(
    cluster: Cluster, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
    monkeypatch.chdir(tmp_path)
    hidden = {"name": "API_TOKEN", "value": "hunter2"}
    base = f"{cluster.need_registry()}/debian:1"
    web = deployment("web", container(base, "python3", "-c", SAYS, env=[hidden]))
    cluster.apply(web, service("web", "web"), namespace=namespace)
    file = tmp_path / "incident.zip"
    asked = ["bundle", "--docker", "no", "--kube", namespace, "-o", str(file)]
    async with asyncio.timeout(WAIT_S):
        while True:  # until it has crashed twice: then there is a log of the life before
            assert await asyncio.to_thread(main, asked) == 0
            with zipfile.ZipFile(file) as packed:
                texts = {name: packed.read(name).decode() for name in packed.namelist()}
            logs = [text for name, text in texts.items() if name.endswith(".before.log")]
            if any("KeyError" in text for text in logs):
                break
            await asyncio.sleep(1)
    (deployed,) = [text for name, text in texts.items() if name.endswith("/deployment-web")]
    assert "kind: Deployment" in deployed and "name: API_TOKEN" in deployed
    assert any(name.endswith("/service-web") for name in texts)
    assert any("BackOff" in text for name, text in texts.items() if name.endswith("/events"))
    assert "db_password: ******" in logs[0]
    whole = "".join(texts.values())
    assert not [each for each in SECRETS if each in whole]

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    async with opened(read_bundle(file, elsewhere), elsewhere) as screen:
        await screen.until(lambda: "KeyError: 'label'" in screen.text)
        await screen.press("enter", "end", "enter")
        await screen.sees("kind: Pod")
        await screen.press("escape")
        assert "Triage" in screen.lines[0]
