"""Projects with a journal of any length, for benches; rows and events of the real types.

Not a mock of the journal: it is written by the journal's own code, only nothing was run.
"""

from __future__ import annotations

import time
from pathlib import Path

from mltui.pipeline.model import (
    AttemptEnded,
    AttemptStarted,
    AttemptStarting,
    Event,
    GateJudged,
    Instance,
    RunEnded,
    RunPlanned,
    StageKeyed,
    StageRow,
    State,
    Verdict,
)
from mltui.runs import best
from mltui.runs.journal import FOLDER, Journal
from mltui.runs.project import Project
from mltui.runs.rows import RunRequest
from mltui.spec import load

SPEC = """\
mltui: 1
name: seeded
code: []
params: {target: 0.98, c: null}
stages:
  acquire:
    phase: data
    outputs: {raw: raw.txt}
    run: echo raw > ${outputs.raw}
  vectorize:
    phase: data
    inputs: {raw: acquire.raw}
    outputs: {features: features.txt}
    run: cp ${inputs.raw} ${outputs.features}
  train:
    phase: training
    inputs: {features: vectorize.features}
    params: [c]
    outputs: {model: model.txt}
    run: cp ${inputs.features} ${outputs.model}
  evaluate:
    phase: training
    inputs: {model: train.model}
    run: echo '{"accuracy":0.99}' > ${metrics}
    gate: {require: "accuracy >= ${params.target}", restart: train, try: [{c: 0.1}, {c: 1}, {c: 2}]}
"""

ROUNDS = (0.84, 0.96, 0.985)


def project(root: Path, runs: int, *, padding_events: int = 0) -> Path:
    """A project in `root` with `runs` finished runs; older runs share `padding_events` more."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "mltui.yaml").write_text(SPEC)
    folder = root / FOLDER
    folder.mkdir()
    journal = Journal.open(folder, write=True)
    spec = Project(root).store().put_text(SPEC).digest
    best.keep(folder, spec, best.directions(load(SPEC)))  # as planning a run does
    begin = time.time() - runs * 600
    each = padding_events // max(1, runs - 1)
    for number in range(runs):
        at = begin + number * 600
        run = journal.queue_run(RunRequest(), at)
        events, rows = history(run, at, spec)
        if number < runs - 1:
            key = StageKeyed(at, Instance("acquire"), 1, "k", {"command": "x"})
            events = [events[0], *[key] * each, *events[1:]]
        journal.append(
            run,
            events,
            rows,
            update={
                "state": "succeeded",
                "started_at": at,
                "ended_at": at + 40,
                "exit_code": 0,
                "commit": "0123456789abcdef",
                "metrics": {"evaluate.accuracy": _accuracy(run, 3)},
            },
        )
    journal.close()
    return root


def _accuracy(run: int, number: int) -> float:
    """Of a round; no two runs are alike."""
    return ROUNDS[number - 1] + run * 1e-6


def history(run: int, at: float, spec: str = "sha256:0") -> tuple[list[Event], list[StageRow]]:
    """Events and rows of a finished run with three rounds; `spec`: digest of its text."""
    events: list[Event] = [RunPlanned(at, spec, {})]
    rows: list[StageRow] = []
    passages = [Instance("acquire"), Instance("vectorize")]
    for n in (1, 2, 3):
        passages += [Instance("train", (n,)), Instance("evaluate", (n,))]
    order = {"acquire": 0, "vectorize": 1, "train": 2, "evaluate": 3}
    for instance in passages:
        at += 2
        gated = instance.stage == "evaluate"
        metrics = {"accuracy": _accuracy(run, instance.round)} if gated else {}
        passed = Verdict.PASSED if instance.round == 3 else Verdict.NOT_PASSED
        folder = f"{instance.slug}.1"
        events += [
            StageKeyed(at, instance, 1, f"{run}-{folder}", {"command": "cp"}, "never ran"),
            AttemptStarting(at, instance, 1, "process", "local"),
            AttemptStarted(at, instance, 1, "1:2:3"),
            AttemptEnded(at + 1.5, instance, 1, exit_code=0, metrics=metrics),
        ]
        if gated:
            action = "accept" if passed is Verdict.PASSED else "again"
            accepted = 3 if action == "accept" else None
            events.append(GateJudged(at + 1.5, instance, passed, action, accepted))
        rows.append(
            StageRow(
                run,
                instance.stage,
                None,
                instance.path,
                1,
                State.SUCCEEDED,
                "training" if instance.path else "data",
                engine="process",
                target="local",
                started_at=at,
                ended_at=at + 1.5,
                accepted=(instance.round == 3) if instance.path else None,
                gate=passed if gated else None,
                metrics=metrics,
                order=order[instance.stage],
                exit_code=0,
            )
        )
    events.append(RunEnded(at + 2, State.SUCCEEDED))
    return events, rows
