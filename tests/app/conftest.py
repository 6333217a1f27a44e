"""The same terminal, clock zone and folders for every test of the app."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mltui.app import frame
from mltui.runs.lock import RunnerLock
from mltui.runs.project import Project

from . import builds
from .kube import a_pod, kubeconfig_of
from .seed import NOON, Behaviour, Seed
from .worlds import CURVE, KERNEL, LANGUAGES, OUT_OF_MEMORY, digits, languages, world

if TYPE_CHECKING:
    from tests.testbed.cluster import Cluster

_testbed = import_module("testbed.cluster")
cluster = _testbed.cluster
namespace = _testbed.namespace


@pytest.fixture(autouse=True)
def steady(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """UTF-8, UTC, settings of nobody."""
    for name in ("NO_COLOR", "MLTUI_NOTIFY", "MLTUI_THEME", "MLTUI_ASCII", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    # What is said stays to be read, however busy the machine is.
    monkeypatch.setattr(frame, "NOTICE_S", 600.0)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


Held = Callable[[Project], None]


@pytest.fixture
def held() -> Iterator[Held]:
    """Hold the runner's lock of a project, as a runner at work would."""
    locks: list[RunnerLock] = []

    def hold(project: Project) -> None:
        lock = RunnerLock(project.folder)
        assert lock.take()
        locks.append(lock)

    yield hold
    for lock in locks:
        lock.release()


@pytest.fixture
def running(tmp_path: Path, held: Held) -> Project:
    """Run 2 trains in its third round; run 1 succeeded."""
    seed = Seed.project_of(tmp_path / "digits", digits())
    seed.run(world(), began=NOON - 4000)
    changes = {"train~3": Behaviour(hangs=True, log=KERNEL[:100], curve=CURVE[:5])}
    seed.run(world(changes=changes), began=NOON - 133, stop_at=NOON, dirty=True)
    held(seed.project)
    return seed.project


@pytest.fixture
def failed(tmp_path: Path) -> Project:
    """Run 2 ran out of memory in the second round of train."""
    seed = Seed.project_of(tmp_path / "digits", digits())
    seed.run(world(), began=NOON - 90_000)
    seed.run(world(changes={"train~2": OUT_OF_MEMORY}), began=NOON - 300)
    return seed.project


@pytest.fixture
def paused(tmp_path: Path) -> Project:
    """Run 1 waits for a decision at evaluate."""
    seed = Seed.project_of(tmp_path / "digits", digits("pause"))
    seed.run(world((0.848, 0.943, 0.961, 0.955)), began=NOON - 300)
    return seed.project


@pytest.fixture
def fan_out(tmp_path: Path, held: Held) -> Project:
    """Run 1 of the translator: one pair failed, two still run."""
    seed = Seed.project_of(tmp_path / "translator", LANGUAGES)
    seed.run(languages, began=NOON - 10, stop_at=NOON)
    held(seed.project)
    return seed.project


@pytest.fixture
def fresh(tmp_path: Path) -> Project:
    """A project that never ran."""
    return Seed.project_of(tmp_path / "digits", digits()).project


@pytest.fixture
def wrong(tmp_path: Path) -> Project:
    """A project whose file has two problems."""
    text = digits().replace("phase: data", "phaze: data", 1).replace("acquire.raw", "aquire.raw")
    return Seed.project_of(tmp_path / "digits", text).project


@pytest.fixture
def broken(tmp_path: Path) -> Project:
    """Run 1 failed while the image of prep was built."""
    seed = builds.translator(tmp_path / "translator")
    seed.run(builds.fails_in_build, began=NOON - 100)
    return seed.project


@pytest.fixture
def here(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """The cluster, found as a person's is."""
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
    return cluster


@pytest.fixture
def viewer(here: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cluster:
    """The same beside contexts `viewer` (no rights but what a test binds), `expired` and `dead`."""
    if here.viewer is None:
        pytest.skip("needs the test cluster's user without rights")
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig_of(here, tmp_path / "config")))
    return here


@pytest.fixture(scope="module")
def other(cluster: Cluster) -> Iterator[str]:
    """A second namespace, with a pod that never gets its image."""
    with _testbed.made_namespace(cluster) as name:
        cluster.apply(a_pod("stuck", image="localhost:1/none:v9"), namespace=name)
        yield name
