"""The same pipeline on a cluster: through the front door, with a real runner and real pods."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Make
    from .relay import Relay

pytestmark = pytest.mark.timeout(900)
MIXED = """\
secrets: {KEY: {env: SOME_KEY}}
stages:
  prepare:
    phase: data
    run: mkdir -p ${outputs.data} && seq 30000 >${outputs.data}/numbers && echo x >${outputs.data}/x
    outputs: {data: data/}
  train:
    phase: training
    target: dev
    environment: base
    inputs: {data: prepare.data}
    secrets: [KEY]
    run: |
      hostname; test "$(cat $MLTUI_SECRET_KEY)" = hush
      cp ${inputs.data}/numbers ${outputs.model}
      printf '{"score": %s}' ${round} >${metrics}
    outputs: {model: model.txt}
    gate: {require: score >= 2, restart: train, max_rounds: 3, otherwise: fail}
    timeout: 300s
  report:
    phase: inference
    inputs: {model: train.model}
    run: wc -l <${inputs.model}; hostname
"""
LONG = """\
stages:
  long:
    phase: training
    target: dev
    environment: base
    run: |
      echo begun
      i=0; while [ $i -lt SECONDS ]; do sleep 1; i=$((i + 1)); echo $i; done
      echo out >${outputs.out}
    outputs: {out: out.txt}
    timeout: 300s
"""


def test_one_run_on_two_targets(make: Make) -> None:
    work = make(MIXED, SOME_KEY="hush")
    work.mltui("run", "--target", "local")
    assert work.log("report").splitlines()[0].strip() == "30000"
    rows = work.stages()
    assert {name: row["engine"] for name, row in rows.items()} == {
        "prepare": "process",
        "train": "kubernetes",
        "report": "process",
    }
    assert rows["train"]["round"] == 2
    assert rows["train"]["image"].startswith(work.cluster.registry)
    assert rows["train"]["object"].startswith("there-")
    assert "hush" not in work.log("train")
    work.until(lambda: not work.jobs())
    # `prepare` has no environment: a cluster can't run it, and says so before anything starts.
    work.mltui("run", "--target", "dev", codes=(2,))


def test_a_killed_runner_and_another_one(make: Make) -> None:
    work = make(LONG.replace("SECONDS", "8"))
    work.mltui("run", "--target", "local", "--detach")
    work.until(lambda: "begun" in work.log("long"))
    work.kill_runner()
    work.mltui("resume")
    work.until(lambda: work.stages()["long"]["state"] == "succeeded")
    assert work.log("long").split() == ["begun", *map(str, range(1, 9))]
    work.until(lambda: not work.jobs())


def test_the_api_server_away_for_a_while(make: Make, relay: tuple[Relay, str]) -> None:
    wire, config = relay
    work = make(LONG.replace("SECONDS", "15"), KUBECONFIG=config)
    work.mltui("run", "--target", "local", "--detach")
    work.until(lambda: "begun" in work.log("long"))
    wire.cut()
    work.stage_when("long", state="unknown", reason="can't be reached")
    wire.mend()
    work.until(lambda: work.stages()["long"]["state"] == "succeeded")
    assert work.log("long").split() == ["begun", *map(str, range(1, 16))]


def test_cancelled_and_over_its_time(make: Make) -> None:
    work = make(LONG.replace("SECONDS", "300").replace("300s", "20s"))
    work.mltui("run", "--target", "local", "--detach")
    assert work.stage_when("long", state="failed")["failure"] == "timeout"
    work.until(lambda: not work.jobs())
    assert work.log("long").startswith("begun\n1\n")


def test_waiting_for_a_node_is_said_and_is_not_its_time(make: Make) -> None:
    work = make(LONG.replace("timeout: 300s", "timeout: 1s\n    resources: {gpu: 1}"))
    work.mltui("run", "--target", "local", "--detach")
    found = work.stage_when("long", state="running", reason="no node can take it")
    assert "nvidia.com/gpu" in found["reason"]
    work.mltui("cancel")
    work.until(lambda: work.stages()["long"]["state"] == "cancelled")
    work.until(lambda: not work.jobs())
