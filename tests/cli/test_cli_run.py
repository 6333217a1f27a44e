"""Runs through the front door, with the real runner and stages in shell."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mltui.runs.journal import FOLDER
from mltui.runs.lock import read_status

if TYPE_CHECKING:
    from tests.cli.conftest import Cli, MakeProject

LOOP = """\
mltui: 1
name: small
code: []
params: {target: 0.9, c: null}
stages:
  acquire:
    phase: data
    outputs: {raw: raw.txt}
    run: echo raw > ${outputs.raw}
  train:
    phase: training
    inputs: {raw: acquire.raw}
    params: [c]
    outputs: {model: model.txt}
    run: echo ${params.c} > ${outputs.model}
  evaluate:
    phase: training
    inputs: {model: train.model}
    run: sed 's/.*/{"accuracy":&}/' ${inputs.model} > ${metrics}
    gate:
      require: accuracy >= ${params.target}
      restart: train
      try: [{c: 0.5}, {c: 0.95}]
      best: max(accuracy)
      otherwise: pause
  report:
    phase: inference
    inputs: {model: train.model}
    outputs: {copy: copy.txt}
    run: cp ${inputs.model} ${outputs.copy}
"""
FAILING = """\
mltui: 1
name: failing
code: []
stages:
  fine:
    phase: data
    outputs: {out: out.txt}
    run: echo fine > ${outputs.out}
  crash:
    phase: training
    inputs: {in: fine.out}
    run: |
      echo loading
      echo 'Traceback (most recent call last):' >&2
      echo '  File "train.py", line 3, in <module>' >&2
      printf '\\033]0;forged\\007ValueError: wrong shape\\n' >&2
      exit 3
  after:
    phase: inference
    inputs: {in: fine.out}
    run: cat ${inputs.in}
"""
SLOW = """\
mltui: 1
name: slow
code: []
stages:
  slow:
    phase: data
    run: echo begun; exec sleep 600
"""

LOOP_STORY = """\
  T  ○ run 1         all stages on target local
  T  ● acquire       running: no earlier result
  T  ✓ acquire       succeeded  T
  T  ● train~1       running: no earlier result
  T  ✓ train~1       succeeded  T
  T  ● evaluate~1    running: no earlier result
  T  ✓ evaluate~1    succeeded  T  accuracy 0.5
  T  ○ evaluate~1    gate not passed: accuracy 0.5, needs ≥ 0.9; round 2 follows
  T  ● train~2       running: c 0.5 → 0.95
  T  ✓ train~2       succeeded  T
  T  ● evaluate~2    running: input model changed
  T  ✓ evaluate~2    succeeded  T  accuracy 0.95
  T  ✓ evaluate~2    gate passed
  T  ● report        running: no earlier result
  T  ✓ report        succeeded  T

GATE      ROUND  VERDICT           METRICS        TRIED
evaluate      1  not passed        accuracy 0.5   c=0.5
              2  passed, accepted  accuracy 0.95  c=0.95

run 1  ✓ succeeded in T  (4 stages)
  evaluate  accuracy 0.95
"""
FAILED_STORY = """\
  T  ✗ crash         failed after T  program: exit code 3
          ValueError: wrong shape
          mltui.yaml:12  run: echo loading
          │ loading
          │ Traceback (most recent call last):
          │   File "train.py", line 3, in <module>
          │ ValueError: wrong shape
"""


def scrub(text: str) -> str:
    text = re.sub(r"^ +\d+:\d\d(?=  )", "  T", text, flags=re.M)
    return re.sub(r"\b\d+(\.\d)?s\b", "T", text)


def test_a_loop_until_it_is_good_enough(cli: Cli, make_project: MakeProject) -> None:
    make_project(LOOP)
    result = cli("run")
    assert result.code == 0
    assert scrub(result.out) == LOOP_STORY
    assert not {"\x1b", "\r"} & set(result.out)

    again = cli("run", "report")
    assert again.code == 0
    assert "≡ train~2       cached, from run 1 train~2.1" in again.out
    assert "6 results from the cache" in again.out


def test_dry_run(cli: Cli, make_project: MakeProject) -> None:
    root = make_project(LOOP)
    first = cli("run", "--dry-run")
    assert first.code == 0
    assert "acquire     ● run      no earlier result\n" in first.out
    assert first.out.endswith(
        "\n1 to run, 0 from the cache, 3 depend\n"
        "the gate on evaluate may ask for up to 1 more round\n"
    )
    assert not (root / FOLDER / "journal.db").exists()

    assert cli("run").code == 0
    assert cli("run", "--dry-run").out.endswith("\n0 to run, 6 from the cache\n")
    changed = cli("run", "-n", "--set", "c=0.97")
    assert "replaces" in changed.err
    assert re.search(r"^train~1 +● run +\d+\.\ds  c 0\.\d+ → 0\.97$", changed.out, re.M)
    found = json.loads(cli("run", "-n", "--json", "--from", "acquire").out)
    fields = "stage item round round_path will because estimate more_rounds"
    assert list(found[0]) == fields.split()
    assert [one["more_rounds"] for one in found] == [0, 0, 1, 0]
    assert [one["will"] for one in found] == ["run", "depends", "depends", "depends"]
    assert len(json.loads(cli("ls", "runs", "-o", "json").out)) == 1


def test_explain(cli: Cli, make_project: MakeProject) -> None:
    root = make_project(LOOP)
    assert cli("run").code == 0
    assert cli("explain", "acquire").out.startswith(
        "acquire of run 1  ✓ succeeded\n  no earlier result\n"
    )
    (root / "mltui.yaml").write_text(LOOP.replace("echo raw", "echo  raw2"))
    assert cli("run").code == 0
    said = cli("explain", "acquire").out
    assert "  compared with run 1 acquire.1:\n" in said
    assert "    command  echo raw >" in said
    assert "note: it has no environment" in said
    found = json.loads(cli("explain", "train~2", "--run", "1", "-o", "json").out)
    assert found["cached"] is False
    change = {"part": "params.c", "from": "0.5", "to": "0.95", "detail": []}
    assert change in found["because"]
    report = json.loads(cli("explain", "report", "-o", "json").out)
    assert (report["cached"], report["because"]) == (True, [])
    wrong = cli("explain", "trian")
    assert (wrong.code, "did you mean `train`?" in wrong.err) == (2, True)


def test_a_failure_shows_its_cause(cli: Cli, make_project: MakeProject) -> None:
    root = make_project(FAILING)
    result = cli("run", "--jobs", "1")
    assert result.code == 1
    assert FAILED_STORY in scrub(result.out)
    assert "`mltui logs crash` has all of it, `mltui retry`" in result.out
    assert "✓ after" in result.out

    (root / "mltui.yaml").write_text(FAILING.replace("exit 3", "exit 0"))
    retried = cli("retry")
    assert retried.code == 0
    assert "another attempt was asked for" in retried.out
    assert "✓ crash.2" in retried.out
    assert "fine  " not in retried.out  # what is done before it is kept
    rows = json.loads(cli("ls", "stages", "-o", "json").out)
    assert {row["stage"]: (row["state"], row["attempt"]) for row in rows} == {
        "fine": ("succeeded", 1),
        "crash": ("succeeded", 2),
        "after": ("succeeded", 1),
    }


def test_a_paused_gate_is_decided(cli: Cli, make_project: MakeProject) -> None:
    make_project(LOOP)
    result = cli("run", "--set", "target=0.99")
    assert result.code == 4
    assert "‖ evaluate~2    gate not passed: accuracy 0.95, needs ≥ 0.99" in result.out
    assert "`mltui decide 1 evaluate accept [ROUND]`" in result.out

    for words, said in (
        (["1", "evaluate", "acept"], "did you mean `accept`?"),
        (["1", "evaluat", "accept"], "did you mean `evaluate`?"),
        (["4", "evaluate", "accept"], "did you mean 1?"),
        (["1", "evaluate", "accept", "7"], "there is no round 7"),
        (["1", "evaluate", "more", "0"], "at least one"),
        (["1", "acquire", "fail"], "no gate"),
    ):
        wrong = cli("decide", *words)
        assert (wrong.code, said in wrong.err) == (2, True), wrong.err

    decided = cli("decide", "1", "evaluate", "accept")
    assert (decided.code, decided.err) == (0, "")
    assert decided.out.startswith("round 2 of evaluate is accepted")
    attached = cli("attach")
    assert attached.code == 0
    assert "gate accepts round 2" in attached.out
    assert "2  not passed, accepted" in attached.out


def test_a_gate_that_fails(cli: Cli, make_project: MakeProject) -> None:
    make_project(LOOP.replace("otherwise: pause", "otherwise: fail"))
    result = cli("run", "--set", "target=0.99", "evaluate")
    assert result.code == 4
    assert "evaluate~2 did not pass its gate" in result.out
    assert "mltui decide 1 evaluate" in result.out
    for words in (["retry"], ["retry", "evaluate"]):
        offered = cli(*words)
        assert (offered.code, offered.out) == (4, "")
        assert "evaluate~2 did not fail: accuracy 0.95, needs ≥ 0.99" in offered.err
        assert "`mltui decide 1 evaluate accept [ROUND]`" in offered.err
    more = cli("decide", "1", "evaluate", "more", "1")
    assert (more.code, "would be the same as round 2" in more.err) == (2, True)
    assert cli("decide", "1", "evaluate", "accept", "1").code == 0
    assert cli("attach", "1").code == 0


def test_set_of_a_tried_param_says_so(cli: Cli, make_project: MakeProject) -> None:
    make_project(LOOP)
    result = cli("run", "--set", "c=0.97")
    assert result.code == 0
    assert "try" in result.err
    assert "evaluate  accuracy 0.97" in result.out


def test_the_stream_of_events(cli: Cli, make_project: MakeProject) -> None:
    make_project(LOOP)
    result = cli("run", "--json")
    assert result.code == 0
    *events, last = [json.loads(line) for line in result.out.splitlines()]
    assert [event["event"] for event in events[:4]] == [
        "run.planned",
        "stage.keyed",
        "attempt.starting",
        "attempt.started",
    ]
    assert events[-1]["event"] == "run.ended"
    for event in events:
        assert list(event)[:3] == ["event", "run", "at"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["at"])
    judged = [event for event in events if event["event"] == "gate.judged"]
    assert [(e["stage"], e["round"], e["verdict"], e["action"]) for e in judged] == [
        ("evaluate", 1, "not-passed", "again"),
        ("evaluate", 2, "passed", "accept"),
    ]
    ended = next(e for e in events if e["event"] == "attempt.ended" and e["stage"] == "train")
    assert ended["failure"] is None
    assert ended["outputs"]["model"]["size"] == 4
    assert last == json.loads(cli("ls", "runs", "-o", "json").out)[0]


def test_what_can_not_be_run_is_not_queued(cli: Cli, make_project: MakeProject) -> None:
    root = make_project(LOOP)
    for words, said in (
        (["trian"], "did you mean `train`?"),
        (["--from", "trian"], "did you mean `train`?"),
        (["--set", "tragte=1"], "did you mean `target`?"),
        (["--set", "target"], "--set param=value"),
        (["--target", "mars"], "mars"),
        (["--jobs", "0"], "at least one"),
        (["--detach", "--dry-run"], "not allowed with"),
        (["--jsno"], "did you mean `--json`?"),
    ):
        result = cli("run", *words)
        assert (result.code, said in result.err) == (2, True), (words, result.err)
    (root / "mltui.yaml").write_text(LOOP.replace("phase: data", "phse: data"))
    wrong = cli("run")
    assert wrong.code == 2
    assert "mltui.yaml:7:5: " in wrong.err
    assert "\n        phse: data\n        ^\n" in wrong.err
    assert "did you mean `phase`?" in wrong.err
    assert not (root / FOLDER / "journal.db").exists()


def test_detach_queue_cancel_attach(cli: Cli, make_project: MakeProject) -> None:
    make_project(SLOW)
    assert cli("run", "--detach").out == "run 1 starts: `mltui attach 1` follows it\n"
    second = cli("run", "--detach")
    assert second.out == "run 2 starts when run 1 has ended: `mltui attach 2` follows it\n"
    queued = cli("cancel", "--run", "2")
    assert (queued.code, queued.err) == (0, "")
    wait_until_begun(cli)
    cancelled = cli("cancel")
    assert cancelled.out == "run 1 is cancelled; `mltui retry --run 1` goes on with it\n"
    attached = cli("attach", "1")
    assert attached.code == 1
    assert "⊘ slow" in attached.out
    assert cli("cancel").code == 2
    assert cli("attach", "9").code == 2


def test_cancel_one_stage(cli: Cli, make_project: MakeProject) -> None:
    make_project(SLOW)
    cli("run", "--detach")
    wait_until_begun(cli)
    result = cli("cancel", "slow")
    assert result.out.startswith("slow of run 1 is cancelled")
    assert cli("attach", "1").code == 1


def test_a_runner_that_died_is_replaced(
    cli: Cli, make_project: MakeProject, tmp_path: Path
) -> None:
    flag = tmp_path / "flag"
    goes_on = f"until [ -e {flag} ]; do sleep 0.1; done"
    root = make_project(SLOW.replace("exec sleep 600", goes_on))
    cli("run", "--detach")
    wait_until_begun(cli)
    pid = read_status(root / FOLDER).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while read_status(root / FOLDER).alive:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert "? unknown" in cli("ls", "runs").out
    assert "its runner is gone: `mltui resume`" in cli("ls", "stages").err
    flag.touch()
    result = cli("resume")
    assert (result.code, result.err) == (0, "")
    assert "✓ slow" in result.out
    assert "nothing to resume" in cli("resume").err


def test_a_run_without_a_runner_is_told(
    cli: Cli, seeded: Path, queued: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mltui.cli import follow

    monkeypatch.setattr(follow, "START_S", 0.2)
    monkeypatch.setattr(follow, "CHECK_S", 0.1)
    result = cli("attach", str(queued))
    assert result.code == 3
    assert f"run {queued} has no runner" in result.err
    assert "mltui resume" in result.err


def wait_until_begun(cli: Cli) -> None:
    """Until the stage `slow` of run 1 has printed its first line."""
    deadline = time.monotonic() + 60
    while "begun" not in (said := cli("logs", "slow", "--run", "1")).out:
        assert time.monotonic() < deadline, said
        time.sleep(0.02)
