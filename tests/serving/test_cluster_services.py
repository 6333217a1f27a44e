"""Services in a real cluster: replaced without a failed request, given back, found, promoted."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest

from .clustered import CYCLE, MONITOR, Clustered
from .place import World, end_load, free_port, replacements, until

if TYPE_CHECKING:
    from tests.testbed.cluster import Cluster

_testbed = import_module("testbed.cluster")
cluster = _testbed.cluster
docker_host = import_module("testbed.docker").docker_host
REPLACEMENTS = replacements(3)
ENVIRONMENT = "{image: 'debian:bookworm-slim', variables: {HOST: 0.0.0.0}}"


@pytest.fixture(scope="module")
def places(cluster: Cluster, docker_host: object) -> Iterator[tuple[str, str]]:
    """Two namespaces: their stores are made once."""
    with _testbed.made_namespace(cluster) as dev, _testbed.made_namespace(cluster) as prod:
        yield dev, prod


@pytest.fixture
def other_registry(cluster: Cluster, tmp_path: Path) -> Iterator[str]:
    """A second registry, where the nodes are this machine; else the only one there is."""
    if "MLTUI_TEST_KUBECONFIG" in os.environ or shutil.which("docker-registry") is None:
        yield cluster.need_registry()
        return
    place = f"127.0.0.1:{free_port()}"
    config = tmp_path / "registry.yaml"
    config.write_text(
        f"{{version: 0.1, log: {{level: warn}}, http: {{addr: '{place}'}}, storage: "
        f"{{filesystem: {{rootdirectory: '{tmp_path}/registry'}}, delete: {{enabled: true}}}}}}"
    )
    with (tmp_path / "registry.log").open("wb") as log:
        running = subprocess.Popen(["docker-registry", "serve", config], stdout=log, stderr=log)

    def answers() -> bool:
        with suppress(OSError), urlopen(f"http://{place}/v2/", timeout=10) as answer:
            return bool(answer.status == 200)
        return False

    try:
        until(answers, "an answer of the registry")
        yield f"localhost:{place.partition(':')[2]}"
    finally:
        running.terminate()
        running.wait()


@pytest.fixture
def there(cluster: Cluster, places: tuple[str, str], tmp_path: Path) -> Iterator[Clustered]:
    more = f", registry: '{cluster.need_registry()}', namespace: "
    dev, prod = places
    made = Clustered.make(
        tmp_path, engine="kubernetes", environment=ENVIRONMENT, name="ctoy",
        dev=more + dev, prod=more + prod,
    )  # fmt: skip
    assert isinstance(made, Clustered)
    made.env.update(cluster.environ, XDG_STATE_HOME=str(tmp_path / "state"))
    made.cluster, made.dev, made.prod = cluster, dev, prod
    yield made
    made.stop()


@pytest.mark.slow
@pytest.mark.timeout(1800 + 120 * REPLACEMENTS)
def test_a_service_in_a_cluster(there: Clustered) -> None:
    there.env["MLTUI_SCRAPE_S"] = "0.5"
    there.train("good")
    deployed = there.cli("deploy", "web", "--target", "dev")
    assert f"mltui forward svc/ctoy-web {there.port} -n {there.dev}" in deployed
    until(lambda: there.is_so(state="ready", ready=2, version=1), "that it is ready")
    assert there.service()["url"] == f"http://ctoy-web.{there.dev}:{there.port}"
    url = there.reached()
    assert there.get(url=url)[:2] == ["good", "1"]
    there.cluster.get("pdb", "ctoy-web", "-n", there.dev)

    client = there.load(url)
    for _ in range(REPLACEMENTS - 1):
        there.cli("restart", "web")
    there.train("better", 0.95)
    there.cli("deploy", "web", "--target", "dev")
    there.cli("scale", "web", "3")
    there.cli("scale", "web", "2")
    until(lambda: len(there.pods()) == 2, "that one too many goes")
    load = end_load(client)
    print(load)
    assert load["failed"] == 0, load
    assert set(load["versions"]) == {"1", "2"}

    # Logs, records and metrics of each replica are here.
    replica = [one for one in there.ls("replicas", "web") if one["state"] == "ready"][-1]
    log = Path(replica["log"])
    until(lambda: log.exists() and "listening" in log.read_text(), "its log")
    assert "listening on" in there.cli("logs", f"service/web/{replica['replica']}", "-o", "raw")
    until(lambda: _counted(there), "a rate of requests")
    there.recorded(load["asked"])

    # Supervisor and all of mltui dead: it goes on, and is found again.
    before = {pod["metadata"]["uid"] for pod in there.pods()}
    assert len(before) == 2
    os.kill(there.service()["supervisor"], signal.SIGKILL)
    until(lambda: there.service()["state"] == "unknown", "that the supervisor is missed")
    victim = there.pods()[0]["metadata"]["name"]
    there.cluster.kubectl("delete", "pod", "-n", there.dev, victim, "--wait=false")
    assert there.get(url=url)[0] == "better"
    there.cli("resume")
    until(lambda: there.is_so(state="ready", ready=2), "that it is found again")
    until(lambda: len({p["metadata"]["uid"] for p in there.pods()} & before) == 1, "the other one")

    # Endpoints that are none of its pods are said, and put right.
    change = '{"spec": {"selector": {"mltui.hosted": "something-else"}}}'
    there.cluster.kubectl("patch", "service", "ctoy-web", "-n", there.dev, "-p", change)
    said = "no endpoint though 2 replicas are ready"
    until(lambda: there.is_degraded(said), "that it is said")
    there.cli("restart", "web")
    until(lambda: there.answer()[:1] == ["better"], "its answer")

    there.cli("stop", "web")
    until(lambda: not there.pods(), "the end of its pods")
    left = there.cluster.kubectl("get", "deploy,svc,pdb", "-n", there.dev, "-o", "name").split()
    assert not [each for each in left if "ctoy" in each]


def _counted(there: Clustered) -> bool:
    there.get(url=there.url())
    found = {one["metric"]: one for one in there.ls("metrics", "web")}
    return "web_requests_total" in found and found["web_requests_total"]["high"] > 0


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_a_version_that_does_not_get_healthy_in_a_cluster(there: Clustered) -> None:
    there.env["MLTUI_READY_S"] = "40"  # the good one begins within that on a busy machine
    there.train("good")
    there.cli("deploy", "web", "--target", "dev")
    before = {pod["metadata"]["uid"] for pod in there.pods()}
    client = there.load(there.reached())
    there.train("broken")
    said = there.cli("deploy", "web", "--target", "dev", code=1)
    assert "the model file does not load" in said
    assert "version 1 serves again" in said
    there.train("sick")
    said = there.cli("deploy", "web", "--target", "dev", code=1)
    assert "its health path answers 503" in said
    load = end_load(client)
    assert load["failed"] == 0, load
    assert load["versions"].keys() == {"1"}
    until(lambda: there.is_so(state="ready", version=1, ready=2), "that it is as before")
    assert {pod["metadata"]["uid"] for pod in there.pods()} == before


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_promoted_to_another_namespace(there: Clustered, other_registry: str) -> None:
    # An image of its own: the registry is to lose it.
    (there.root / "img").mkdir()
    text = f"FROM debian:bookworm-slim\nLABEL of={there.root.parent.name}-{there.port}\n"
    (there.root / "img" / "Dockerfile").write_text(text)
    spec = there.root / "mltui.yaml"
    text = spec.read_text().replace("'debian:bookworm-slim'", "{build: img}")
    head, _, prod_target = text.partition("  prod:")
    prod_target = prod_target.replace(there.cluster.need_registry(), other_registry)
    spec.write_text(f"{head}  prod:{prod_target}")
    there.train("good")
    there.cli("deploy", "web", "--target", "dev")
    shown = there.cli("promote", "web", "--to", "prod", "--dry-run")
    assert "first version" in shown
    assert "say `--yes`" in there.cli("promote", "web", "--to", "prod", code=2)
    # Two at once: one is told that somebody was faster, or finds it done.
    # Meanwhile its pods die, here and there.
    there.end_pods(there.dev)
    both = [there.begin("promote", "web@dev", "--to", "prod", "--yes") for _ in range(2)]
    said = [each.communicate(timeout=650)[0] for each in both]
    assert sorted(each.returncode for each in both) in ([0, 0], [0, 1]), said
    assert "somebody else has changed it" in "".join(said) or "is this already" in "".join(said)
    assert [one["version"] for one in there.ls("versions", "web@prod")] == [1]
    there.end_pods(there.prod)
    until(lambda: len(there.pods(there.prod)) == 2, "others in their place")
    until(lambda: there.is_so("prod", state="ready", ready=2), "that they are ready")
    # Until a node's proxy knows of it, one that was ended may still be asked.
    until(lambda: there.answer(there.prod) == ["good", "1"], "its answer")
    dev, prod = (there.ls("versions", f"web@{target}")[0] for target in ("dev", "prod"))
    for part in ("inputs", "code", "environment", "image", "run", "metrics"):
        assert dev[part] == prod[part], part
    until(lambda: there.images(there.dev) == {dev["image"]}, "others in their place")
    # Each from the registry of its target, the same one by its digest.
    digest = dev["image"].partition("@")[2]
    (image,) = until(lambda: there.images(there.prod), "what they run")
    assert image.startswith(f"{other_registry}/")
    assert image.endswith(f"@{digest}")
    assert digest.startswith("sha256:")

    # The registry loses the image: what this machine's Docker has is pushed again, by digest.
    there.lose(image)
    there.cli("restart", "web@prod")
    until(lambda: there.answer(there.prod)[:1] == ["good"], "its answer")
    there.lose(image)
    there.lose(dev["image"], here=True)
    there.cli("restart", "web@prod", "--detach")
    why = "can't be brought to" if image != dev["image"] else "no longer has"
    found = until(
        lambda: [one for one in there.ls("services") if why in one["reason"]], "that it is said"
    )
    assert [(one["target"], one["state"]) for one in found] == [("prod", "degraded")]
    until(lambda: there.answer(there.prod)[:1] == ["good"], "what serves to go on")


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_drift_in_a_cluster_retrains_and_the_better_model_serves(there: Clustered) -> None:
    """Nobody asks for anything: what is asked of the service changes, and a new version serves.

    The cluster measures, with no mltui anywhere; what follows is decided once, when it is back.
    """
    spec = there.root / "mltui.yaml"
    head, _, rest = spec.read_text().partition("stages:\n")
    services, _, targets = rest.partition("services:\n")[2].partition("targets:\n")
    text = f"{head}stages:\n{CYCLE}services:\n{services}{MONITOR}targets:\n{targets}"
    spec.write_text(text)
    extra = there.root / "extra.txt"
    extra.write_text("good\n")
    there.cli("run", "--target", "dev")
    there.cli("deploy", "web", "--target", "dev")
    url = there.reached()
    where = f"{there.dev}/ctoy-drift"
    until(lambda: _monitor(there)["cronjob"] == where, "that the cluster keeps its times")
    cron = there.cluster.get("cronjob", "ctoy-drift", "-n", there.dev)
    assert [each["name"] for each in cron["metadata"]["ownerReferences"]] == ["ctoy-web"]
    assert "monitor drift of ctoy" in there.cli("ls", "cronjobs", "-n", there.dev, "-o", "wide")
    family = there.cli("describe", "deployment/ctoy-web", "-n", there.dev, "-o", "tree")
    assert "cronjob/ctoy-drift" in family
    # A person may suspend it: said, and left so.
    there.suspend(True)
    until(lambda: "is suspended" in _monitor(there)["note"], "that it is said")
    until(lambda: not _at_work(there), "the end of what it had begun")
    for _ in range(25):
        assert there.get(url=url)[0] == "good"
    there.recorded(25)
    assert there.cli("measure", "drift").startswith("passed")
    there.measure_by_hand("by-hand-1")
    by_hand = f"{there.dev}/by-hand-1"
    until(lambda: (by_hand, "passed") in _verdicts(there), "that what is asked is as it was")

    # What came back from those who use it, and what they ask now; then no mltui is left.
    extra.write_text("good\nbetter\nbetter\n")
    for _ in range(10):
        there.get(url=url.replace("/x", "/odd"))
    there.recorded(35)
    os.kill(there.service()["supervisor"], signal.SIGKILL)
    until(lambda: there.service()["supervisor"] is None, "the supervisor's end")
    before = _at_its_time(there)
    there.suspend(False)
    until(lambda: _at_its_time(there) - before, "that the cluster measures at its time")
    there.measure_by_hand("by-hand-2")
    until(lambda: "by-hand-2" in _complete(there), "another measurement")
    assert len(there.ls("runs")) == 1
    there.cli("resume")
    until(lambda: len(there.ls("runs")) == 2, "that it is trained again")
    # Its supervisor dies meanwhile: the run goes on, and the next one follows it.
    os.kill(there.service()["supervisor"], signal.SIGKILL)
    until(lambda: there.service()["supervisor"] is None, "the supervisor's end")
    there.cli("resume")
    until(lambda: there.service()["version"] == 2, "that the better one is wanted", 600)
    until(lambda: there.service()["state"] == "ready", "that it serves")
    until(lambda: there.answer() == ["better", "2"], "its answer")

    run = there.ls("runs")[0]
    assert (run["run"], run["state"], run["target"]) == (2, "succeeded", "dev")
    assert run["trigger"] == "monitor drift: odd 10, needs < 10"
    measured = there.ls("measurements", "--limit", "0")
    found = [one for one in measured if one["run"] == 2]
    assert [(one["verdict"], one["metrics"]) for one in found] == [("not-passed", {"odd": 10})]
    # Each with the time at which it was made, and one of them decided.
    by_job = {one["job"]: one for one in measured}
    first, later = found[0], by_job[f"{there.dev}/by-hand-2"]
    assert by_job[f"{there.dev}/by-hand-1"]["at"] < first["at"] < later["at"]
    assert "no run: " in later["reason"]
    assert len(there.ls("runs")) == 2
    assert "version 2: right 2 > 1 of what serves" in found[0]["outcome"]
    second, first = there.ls("versions", "web")
    assert (second["by"], second["run"], second["state"]) == ("mltui", 2, "serving")
    assert first["state"] == "replaced"
    # Somebody removes its CronJob: it is made again, and that is said.
    there.cluster.kubectl("delete", "cronjob", "ctoy-drift", "-n", there.dev)
    until(lambda: there.cluster.get("cronjobs", "-n", there.dev)["items"], "that it is back")
    removed = "its CronJob was removed by somebody else: made again"
    until(lambda: removed in {a["what"] for a in there.ls("acts", "drift@dev")}, "that it is said")
    # The monitor is off when it is told so, and leaves nothing in the cluster.
    there.cli("stop", "drift")
    until(lambda: not _monitored(there), "the end of what it was measuring")
    until(lambda: _monitor(there)["cronjob"] is None, "that it is known to be gone")


def _verdicts(world: World) -> set[tuple[str | None, str]]:
    return {(one["job"], one["verdict"]) for one in world.ls("measurements", "--limit", "0")}


def _monitor(world: World) -> dict[str, Any]:
    return world.ls("monitors")[0]


def _complete(there: Clustered) -> list[str]:
    """The Jobs that measured and ended well."""
    return _jobs(there, lambda status: bool(status.get("succeeded")))


def _jobs(there: Clustered, fits: Callable[[dict[str, Any]], bool]) -> list[str]:
    found = there.cluster.get("jobs", "-n", there.dev, "-l", "mltui.schedule")["items"]
    return [job["metadata"]["name"] for job in found if fits(job.get("status") or {})]


def _at_work(there: Clustered) -> list[str]:
    return _jobs(there, lambda status: not (status.get("succeeded") or status.get("failed")))


def _at_its_time(there: Clustered) -> set[str]:
    return {name for name in _complete(there) if name.startswith("ctoy-drift-")}


def _monitored(there: Clustered) -> list[str]:
    found = there.cluster.get("jobs,cronjobs", "-n", there.dev)["items"]
    return [each["metadata"]["name"] for each in found if "drift" in each["metadata"]["name"]]
