"""Projects and how their stages behave, for the stories: digits in several moods."""

from __future__ import annotations

from collections.abc import Mapping

from mltui.pipeline.model import Failure, Instance
from mltui.spec.model import FailureClass

from .seed import Behaviour, World

DIGITS = """\
mltui: 1
name: digits
params: {target: 0.98, seed: 7, c: null, gamma: null}

stages:
  acquire:
    phase: data
    run: python -m digits.acquire --round ${round} --out ${outputs.raw}
    outputs: {raw: raw.npz}
  clean:
    phase: data
    inputs: {raw: acquire.raw}
    run: python -m digits.clean ${inputs.raw} ${outputs.clean} --metrics ${metrics}
    outputs: {clean: clean.npz}
    gate:
      require: missing_rate < 0.01
      restart: acquire
      max_rounds: 5
  vectorize:
    phase: data
    inputs: {clean: clean.clean}
    run: python -m digits.vectorize ${inputs.clean} ${outputs.features} ${outputs.holdout}
    outputs: {features: features.npz, holdout: holdout.npz}
  train:
    phase: training
    inputs: {features: vectorize.features}
    params: [seed, c, gamma]
    run: >-
      python -m digits.train ${inputs.features} --out ${outputs.model} --metrics ${metrics}
      --c ${params.c} --gamma ${params.gamma}
    outputs: {model: model.joblib}
    resources: {cpu: 1, memory: 512Mi}
    retry: {attempts: 3, backoff: 2s, on: [memory]}
  evaluate:
    phase: training
    inputs: {model: train.model, holdout: vectorize.holdout}
    run: python -m digits.evaluate ${inputs.model} ${inputs.holdout} --metrics ${metrics}
    outputs: {report: report.json}
    run_: x
    gate:
      require: accuracy >= ${params.target}
      restart: train
      try: [{c: 0.01}, {c: 1}, {c: 10, gamma: 0.001}, {c: 100, gamma: 0.2}]
      best: max(accuracy)
      max_rounds: 4
      otherwise: OTHERWISE
services:
  classifier:
    inputs: {model: train.model}
    run: python -m digits.serve --model ${inputs.model} --port ${port}
    port: 8080
    replicas: 2
monitors:
  drift:
    every: 1h
    inputs: {recent: classifier.records}
    run: python -m digits.drift ${inputs.recent} --metrics ${metrics}
    gate: {require: psi < 0.2, otherwise: {run: acquire, at_most: 1 per day}}
""".replace("    run_: x\n", "")


def digits(otherwise: str = "accept-best") -> str:
    """The project, with what happens when the loop is exhausted."""
    return DIGITS.replace("OTHERWISE", otherwise)


_LOG = "".join(f"epoch {n}  loss {0.7 / n:.3f}\n" for n in range(1, 9))

CURVE = tuple({"epoch": n, "loss": 0.7 / n} for n in range(1, 9))

KERNEL = """\
loading features 12000 × 64
epoch 1  loss 0.412
epoch 2  loss 0.267
epoch 7  loss 0.121
building kernel matrix 12000 × 12000
Traceback (most recent call last):
  File "digits/train.py", line 41, in <module>
    main()
  File "digits/train.py", line 33, in main
    kernel = build_kernel(features, gamma)
MemoryError: cannot allocate kernel matrix of 1.07 GiB
"""

FINE: Mapping[str, Behaviour] = {
    "acquire": Behaviour(1.2, log="read 1797 images\n", memory=88_000_000),
    "vectorize": Behaviour(2.3, log="1437 features, 360 held out\n", memory=131_000_000),
    "train": Behaviour(38.4, log=_LOG, curve=CURVE, metrics={"loss": 0.087}, memory=402_000_000),
}
ACCURACY = (0.848, 0.943, 0.961, 0.987)


def world(
    accuracy: tuple[float, ...] = ACCURACY, changes: Mapping[str, Behaviour] | None = None
) -> World:
    """How digits behaves: `changes` by instance label or stage name win over what is usual."""
    changed = changes or {}

    def behave(instance: Instance, attempt: int) -> Behaviour:
        for name in (f"{instance.label}.{attempt}", instance.label, instance.stage):
            if name in changed:
                return changed[name]
        if instance.stage == "clean":
            rate = 0.031 if instance.round == 1 else 0.004
            return Behaviour(0.4, {"missing_rate": rate}, log=f"missing rate {rate}\n")
        if instance.stage == "evaluate":
            value = accuracy[min(instance.round, len(accuracy)) - 1]
            report = f'{{"accuracy": {value}, "classes": 10}}'.encode()
            return Behaviour(
                0.6,
                {"accuracy": value},
                log=f"accuracy {value} on 360 images\n",
                outputs={"report": report},
            )
        return FINE.get(instance.stage, Behaviour(1.0, log="done\n"))

    return behave


OUT_OF_MEMORY = Behaviour(
    41.0,
    log=KERNEL,
    failure=Failure(FailureClass.MEMORY, "killed at its limit: 512 MiB of 512 MiB after 41s"),
    exit_code=137,
    memory=536_870_912,
)

LANGUAGES = """\
mltui: 1
name: translator
stages:
  detect:
    phase: data
    run: detect > ${outputs.pairs}
    outputs: {pairs: pairs.json}
  translate:
    phase: inference
    for_each: {pair: detect.pairs}
    run: translate ${pair} > ${outputs.text}
    outputs: {text: text.txt}
  collect:
    phase: inference
    inputs: {texts: translate.text}
    run: collect ${inputs.texts} > ${outputs.all}
    outputs: {all: all.txt}
"""

PAIRS = (
    "en-es",
    "en-fr",
    "en-de",
    "en-it",
    "en-pt",
    "en-nl",
    "en-pl",
    "en-sv",
    "es-en",
    "fr-en",
    "de-en",
    "it-en",
)


def languages(instance: Instance, attempt: int) -> Behaviour:
    """A fan-out in which one item fails and two still run."""
    if instance.stage == "detect":
        return Behaviour(0.8, items=PAIRS, log="12 pairs\n")
    if instance.item == "en-de":
        return Behaviour(
            2.0,
            log="loading en-de\nError: no such mode: en-de\n",
            failure=Failure(FailureClass.PROGRAM, "it ended with exit code 1"),
            exit_code=1,
        )
    if instance.item in ("it-en", "de-en"):
        return Behaviour(hangs=True, log="translating\n")
    return Behaviour(1.5, log="translated 120 sentences\n")
