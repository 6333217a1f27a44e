"""A service in two namespaces of a real cluster: what is asked of it, and done to it there."""

from __future__ import annotations

import json
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

from .place import World, until

if TYPE_CHECKING:
    from tests.testbed.cluster import Cluster

CYCLE = """\
  acquire:
    phase: data
    environment: plain
    inputs: {extra: ./extra.txt}
    outputs: {data: data.txt}
    run: cp ${inputs.extra} ${outputs.data}
  train:
    phase: training
    environment: plain
    inputs: {data: acquire.data}
    outputs: {model: model.txt}
    run: tail -n 1 ${inputs.data} > ${outputs.model}
  judge:
    phase: training
    environment: plain
    inputs: {model: train.model, data: acquire.data}
    run: |
      right=$(grep -c -x -f ${inputs.model} ${inputs.data})
      echo "{\\"right\\": $right}" > ${metrics}
    gate: {require: right > 0, restart: train, max_rounds: 1, otherwise: fail}
"""
MONITOR = """\
monitors:
  drift:
    every: 1m
    window: 1h
    min_rows: 20
    environment: plain
    inputs: {recent: web.records}
    run: |
      echo "{\\"odd\\": $(grep -c odd ${inputs.recent} || true)}" > ${metrics}
    gate: {require: odd < 10, otherwise: {run: acquire, at_most: 1 per day}}
"""


class Clustered(World):
    """A project whose targets are two namespaces of a cluster."""

    cluster: Cluster
    dev: str
    prod: str

    def url(self, namespace: str = "") -> str:
        """Where the service is reached from this machine, which is the cluster's node."""
        found = self.cluster.get("service", "ctoy-web", "-n", namespace or self.dev)
        return f"http://{found['spec']['clusterIP']}:{self.port}/x"

    def reached(self, namespace: str = "") -> str:
        """Its address, once this node's proxy knows it: replicas may be ready before."""
        url = self.url(namespace)

        def answers() -> bool:
            with suppress(OSError):
                return bool(self.get(url=url))
            return False

        until(answers, "an answer")
        return url

    def answer(self, namespace: str = "") -> list[str]:
        """Model and version that it answers with; none while a node's proxy is behind."""
        with suppress(OSError):
            return self.get(url=self.url(namespace))[:2]
        return []

    def lose(self, image: str, *, here: bool = False) -> None:
        """Have the registry lose an image; `here`: this machine's Docker too."""
        place, _, digest = image.partition("@")
        host, _, repository = place.partition("/")
        url = f"http://{host}/v2/{repository}/manifests/{digest}"
        accept = {"Accept": "application/vnd.docker.distribution.manifest.v2+json"}
        with urlopen(Request(url, method="DELETE", headers=accept), timeout=30) as answer:
            assert answer.status == 202
        if here:
            listed = json.loads(_docker("image", "inspect", image))[0]
            _docker("image", "rm", "-f", listed["Id"])

    def images(self, namespace: str) -> set[str]:
        """What its replicas run."""
        return {
            container["image"]
            for pod in self.pods(namespace)
            for container in pod["spec"]["containers"]
            if container["name"] == "stage"
        }

    def end_pods(self, namespace: str) -> None:
        """Have all of its pods gone at once, whatever they are doing."""
        label = "-lmltui.hosted=ctoy-web"
        self.cluster.kubectl(
            "delete", "pods", "-n", namespace, label, "--grace-period=0", "--force"
        )

    def suspend(self, wanted: bool) -> None:
        """What a person does to the monitor's CronJob."""
        change = json.dumps({"spec": {"suspend": wanted}})
        self.cluster.kubectl("patch", "cronjob", "ctoy-drift", "-n", self.dev, "-p", change)

    def measure_by_hand(self, job: str) -> None:
        """As any tool triggers a CronJob."""
        self.cluster.kubectl("create", "job", job, "--from=cronjob/ctoy-drift", "-n", self.dev)

    def recorded(self, rows: int) -> None:
        """Wait until so many requests are recorded, here and so in the store."""
        folder = self.root / ".mltui" / "serving" / "web@dev"
        until(
            lambda: _lines(list(folder.glob("*/shared/records.jsonl"))) >= rows,
            f"{rows} records",
        )

    def pods(self, namespace: str = "") -> list[dict[str, Any]]:
        """Those that are not on their way out."""
        query = ("pods", "-n", namespace or self.dev, "-l", "mltui.hosted=ctoy-web")
        found = self.cluster.get(*query)["items"]
        return [pod for pod in found if not pod["metadata"].get("deletionTimestamp")]


def _docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True)
    return done.stdout


def _lines(files: list[Path]) -> int:
    return sum(file.read_bytes().count(b"\n") for file in files)
