"""The corpus of broken workloads beside popeye, k8sgpt and the warnings alone: who finds what.

    python bench/bench_triage_peers.py [--markdown]

All cases and healthy workloads of `tests/triage/corpus.py` are applied to the test cluster
(`tests/testbed/cluster.sh up`) and given time to break. Then each tool that is on PATH looks at the
same namespaces; one that is not is said to be missing and left out. "cause": some message about the
case's objects names the fact that is wrong; "object": it is only named. An alarm is an object of a
healthy workload that is complained about.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from tests.triage.corpus import Case, cases, healthy  # noqa: E402

SETTLE_S = 150.0
"""Crash loops, deadlines and back-offs show by then."""
_CLUSTER = ROOT / "tests" / "testbed" / "cluster.sh"
FACTS: Mapping[str, str] = {
    "big-cpu": r"insufficient cpu|64 CPU", "big-memory": r"insufficient memory|900 ?Gi",
    "gpu": r"nvidia\.com", "selector": r"selector|affinity|no node has the labels",
    "no-claim": r"claim.{0,20}data", "no-image": r"not found|manifest unknown|does not exist",
    "bad-name": r"InvalidImageName|parse|reference|no name of an image",
    "no-registry": r"refused|can't be reached|dial tcp",
    "never": r"NeverPull|not present|not on the node", "no-config": r"configmap.{0,3}settings",
    "no-secret": r"secret.{0,3}token", "no-key": r"key url|find key", "raises": r"KeyError",
    "ends-well": r"ends well|Completed|exit code 0", "no-program": r"traiin",
    "init": r"exit code 7|exitcode.{0,3}7", "oom": r"OOM|memory", "not-ready": r"readiness probe",
    "not-alive": r"liveness probe", "job-fails": r"numppy", "job-late": r"deadline",
    "typo": r"gatewy", "wrong-port": r"\bport\b", "no-class": r"storage ?class.{0,5}testbedd",
    "no-account": r"service ?account.{0,3}.?robot", "no-right": r"may not|cannot list|forbidden",
    "kept": r"mltui\.test/keep", "affinity": r"affinity|no node has the labels",
    "apart": r"anti-?affinity|rules about other pods", "same-port": r"port",
    "secret-key": r"key password|find key", "config-volume": r"configmap.{0,3}nginx-conf",
    "not-executable": r"executable|permission denied", "segv": r"SIGSEGV|139",
    "job-code": r"exit code 3|giving up", "job-oom": r"OOM|memory", "stateful": r"bad column",
    "agents": r"agent\.yaml", "slow-start": r"startup probe",
    "init-image": r"NeverPull|not present|not on the node", "other-label": r"appp",
    "held": r"minAvailable|disruption|can't be emptied", "old-certificate": r"expired|2024|ended",
    "blind-scaler": r"metrics|metric", "hook": r"post-?start", "waits": r"no db|init container",
    "pod-late": r"deadline", "gold": r"priority ?class", "as-root": r"runAsNonRoot",
    "no-folder": r"not a directory", "usage": r"--port|exit code 2",
    "over-quota": r"quota", "too-free": r"PodSecurity|security",
}  # fmt: skip
"""What any tool would have to say, one way or another, for the cause to be told."""
Said = list[tuple[str, str]]
"""Object's name and message."""


def kubectl(*argv: str, stdin: str | None = None, check: bool = True) -> str:
    """Its output."""
    done = subprocess.run(["kubectl", *argv], input=stdin, text=True, capture_output=True)
    if check and done.returncode:
        raise SystemExit(f"kubectl {' '.join(argv)}: {done.stderr}")
    return done.stdout


def _json(argv: list[str], ok: Iterable[int] = (0,)) -> Any:
    done = subprocess.run(argv, text=True, capture_output=True, timeout=300)
    if done.returncode not in ok:
        raise ValueError(f"{argv[0]} ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    return json.loads(done.stdout[done.stdout.index("[" if argv[0] == MLTUI else "{") :])


MLTUI = str(Path(sys.executable).parent / "mltui")


def mltui(spaces: list[str]) -> Said:
    """What it finds, object and title and cause and symptoms."""
    found = _json([MLTUI, "triage", "--docker", "no", "--kube", ",".join(spaces), "-o", "json"],
                  (0, 1))  # fmt: skip
    said: Said = []
    for each in found:
        # `Deployment web in ml`: the kind's word is no name
        named = [x.partition(" ")[2] for x in (each["object"], *each["symptoms"])]
        texts = [each["title"], each["cause"], *(x["text"] for x in each["evidence"])]
        said += [(about, " | ".join(texts)) for about in named]
    return said


def popeye(spaces: list[str]) -> Said:
    """Its issues from level 2 (warning) on, of the objects of each namespace."""
    said: Said = []
    for space in spaces:
        found = _json(["popeye", "-n", space, "-o", "json", "--force-exit-zero"])["popeye"]
        for section in found.get("sections") or found.get("sanitizers") or ():
            for name, issues in (section.get("issues") or {}).items():
                said += [(name, x["message"]) for x in issues if x.get("level", 0) >= 2]
    return said


def k8sgpt(spaces: list[str]) -> Said:
    """What its analysers say, without a model."""
    said: Said = []
    for space in spaces:
        found = _json(["k8sgpt", "analyze", "--namespace", space, "--output", "json"])
        for each in found.get("results") or ():
            said += [(each["name"], x["Text"]) for x in each.get("error") or ()]
    return said


def warnings(spaces: list[str]) -> Said:
    """What one reads without any tool: `kubectl get events`, warnings only."""
    said: Said = []
    for space in spaces:
        found = _json(["kubectl", "get", "events", "-n", space, "--field-selector",
                       "type=Warning", "-o", "json"])  # fmt: skip
        for each in found["items"]:
            said.append((each["involvedObject"]["name"], f"{each['reason']}: {each['message']}"))
    return said


TOOLS: Mapping[str, tuple[str, Callable[[list[str]], Said]]] = {
    "mltui": (MLTUI, mltui),
    "popeye": ("popeye", popeye),
    "k8sgpt": ("k8sgpt", k8sgpt),
    "events": ("kubectl", warnings),
}


def names_of(case: Case) -> list[str]:
    """Names of its objects."""
    return [str(each["metadata"]["name"]) for each in case.objects]


def is_about(name: str, said: str) -> bool:
    """Whether a tool's words for an object mean this one, or a pod of it."""
    return (
        re.search(rf"(^|[ /]){re.escape(name)}($|[ :,]|-[a-z0-9]{{4,}}|-\d+($|[ :,]))", said)
        is not None
    )


def verdict(said: Said, name: str, case: Case) -> str:
    """`cause`, `object` or `-`."""
    own = [text for about, text in said if any(is_about(x, about) for x in names_of(case))]
    own = [re.sub(rf"{re.escape(name)}[a-z0-9-]*", "", text) for text in own]  # names say nothing
    if any(re.search(FACTS[name], text, re.IGNORECASE) for text in own):
        return "cause"
    return "object" if own else "-"


def alarms(said: Said, well: Iterable[str]) -> list[str]:
    """Healthy objects that are complained about."""
    names = set(well)
    return sorted(name for name in names if any(is_about(name, about) for about, _ in said))


def main() -> None:
    """Apply, wait, ask, print; the namespaces go again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--settle", type=float, default=SETTLE_S)
    args = parser.parse_args()
    env = subprocess.run([_CLUSTER, "env"], text=True, capture_output=True).stdout
    given = dict(line.split("=", 1) for line in env.splitlines() if "=" in line)
    if not given.get("KUBECONFIG"):
        raise SystemExit(f"no test cluster runs: {_CLUSTER} up")
    os.environ.update(KUBECONFIG=given["KUBECONFIG"], NO_PROXY="localhost,127.0.0.1")
    base = f"{given['REGISTRY']}/debian:1"
    corpus, well = cases(base, given["REGISTRY"]), healthy(base)
    assert set(corpus) == set(FACTS), set(corpus) ^ set(FACTS)
    mark = uuid.uuid4().hex[:6]
    spaces = {name: f"mltui-peers-{mark}-{name}" for name in ("main", "quota", "strict")}
    try:
        apply(spaces, corpus, well)
        time.sleep(args.settle)
        table = {}
        for tool, (program, ask) in TOOLS.items():
            if shutil.which(program) is None:
                print(f"{tool}: not on PATH, left out", file=sys.stderr)
                continue
            began = time.monotonic()
            try:
                table[tool] = ask(list(spaces.values()))
            except (ValueError, KeyError, subprocess.TimeoutExpired) as error:
                print(f"{tool}: {error}: left out", file=sys.stderr)
                continue
            print(f"{tool}: {time.monotonic() - began:.1f} s", file=sys.stderr)
        show(table, corpus, [str(each["metadata"]["name"]) for each in well], args.markdown)
    finally:
        patch = '{"metadata":{"finalizers":null}}'
        kubectl("patch", "configmap", "kept", "-n", spaces["main"], "--type=merge", "-p", patch,
                check=False)  # fmt: skip
        for name in spaces.values():
            kubectl("delete", "namespace", name, "--wait=false", check=False)


def apply(spaces: Mapping[str, str], corpus: Mapping[str, Case], well: Iterable[Any]) -> None:
    """Everything at once, as the test does it."""
    for name in spaces.values():
        kubectl("create", "namespace", name)
    kubectl("create", "quota", "none", "--hard=pods=0", "-n", spaces["quota"])
    label = "pod-security.kubernetes.io/enforce=restricted"
    kubectl("label", "namespace", spaces["strict"], label)
    for space, namespace in spaces.items():
        chosen = [x for case in corpus.values() if case.space == space for x in case.objects]
        chosen += well if space == "main" else ()
        listed = {"apiVersion": "v1", "kind": "List", "items": chosen}
        kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(listed))
    kubectl("delete", "configmap", "kept", "-n", spaces["main"], "--wait=false")


def show(
    table: Mapping[str, Said], corpus: Mapping[str, Case], well: list[str], markdown: bool
) -> None:
    """A line a case, then the sums."""
    tools = list(table)
    rows = [(name, *(verdict(table[x], name, case) for x in tools), case.says)
            for name, case in sorted(corpus.items())]  # fmt: skip
    sums = [
        (word, *(str(sum(row[1 + n] == word for row in rows)) for n in range(len(tools))), "")
        for word in ("cause", "object", "-")
    ]
    alarmed = {tool: alarms(said, well) for tool, said in table.items()}
    sums.append(("alarms", *(str(len(alarmed[tool])) for tool in tools),
                 f"of {len(well)} healthy objects"))  # fmt: skip
    head = ("case", *tools, "true cause, as the corpus has it")
    if markdown:
        lines = [head, tuple("---" for _ in head), *rows, *sums]
        print("\n".join(f"| {' | '.join(line)} |" for line in lines))
    else:
        for line in (head, *rows, *sums):
            print(f"{line[0]:16}", *(f"{each:8}" for each in line[1:-1]), line[-1])
    for tool, names in alarmed.items():
        if names:
            print(f"{tool} alarms: {', '.join(names)}")


if __name__ == "__main__":
    main()
