"""1,000 no-op stages (100 chains of 10), two at a time: mltui beside Snakemake, doit and DVC.

Each stage copies a line from its input to its output. mltui does what it always does: journal,
content hashes, a log and a process group for each stage, the same durability as any run.

    python bench/bench_stages.py [--chains 100] [--length 10] [--runs 2] [--dvc]
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
from functools import partial
from pathlib import Path

from measure import MLTUI, best, peer, report, timed


def mltui_project(root: Path, chains: int, length: int) -> None:
    lines = ["mltui: 1", "name: chains", "code: []", "stages:"]
    for chain in range(chains):
        for link in range(length):
            source = f"./seed/{chain}.txt" if link == 0 else f"s{chain}-{link - 1}.line"
            lines += [
                f"  s{chain}-{link}:",
                "    phase: data",
                f"    inputs: {{line: {source}}}",
                f"    outputs: {{line: {chain}-{link}.txt}}",
                "    run: cp ${inputs.line} ${outputs.line}",
            ]
    (root / "mltui.yaml").write_text("\n".join(lines) + "\n")


def snakemake_project(root: Path, chains: int, length: int) -> None:
    last = length - 1
    text = f"rule all:\n    input: expand('out/{{c}}-{last}.txt', c=range({chains}))\n"
    for link in range(length):
        source = "seed/{c}.txt" if link == 0 else f"out/{{c}}-{link - 1}.txt"
        text += (
            f"rule link{link}:\n    input: '{source}'\n    output: 'out/{{c}}-{link}.txt'\n"
            "    shell: 'cp {input} {output}'\n"
        )
    (root / "Snakefile").write_text(text)


def doit_project(root: Path, chains: int, length: int) -> None:
    (root / "out").mkdir()
    (root / "dodo.py").write_text(
        f"""def task_copy():
    for c in range({chains}):
        for n in range({length}):
            source = f"seed/{{c}}.txt" if n == 0 else f"out/{{c}}-{{n - 1}}.txt"
            target = f"out/{{c}}-{{n}}.txt"
            yield {{"name": f"{{c}}-{{n}}", "file_dep": [source], "targets": [target],
                   "actions": [f"cp {{source}} {{target}}"]}}
"""
    )


def dvc_project(root: Path, chains: int, length: int) -> None:
    lines = ["stages:"]
    for chain in range(chains):
        for link in range(length):
            source = f"seed/{chain}.txt" if link == 0 else f"out/{chain}-{link - 1}.txt"
            target = f"out/{chain}-{link}.txt"
            lines += [
                f"  s{chain}-{link}:",
                f"    cmd: cp {source} {target}",
                f"    deps: [{source}]",
                f"    outs: [{target}]",
            ]
    (root / "out").mkdir()
    (root / "dvc.yaml").write_text("\n".join(lines) + "\n")


PROJECTS = {
    "mltui": mltui_project,
    "snakemake": snakemake_project,
    "doit": doit_project,
    "dvc": dvc_project,
}


def fresh(base: Path, name: str, chains: int, length: int, tool: str) -> Path:
    """A project that nothing has run in. Those before it stay until the end: ext4 makes files more
    slowly for minutes after thousands were removed, and would do so for whoever comes next."""
    root = next(new for n in itertools.count() if not (new := base / f"{name}-{n}").exists())
    (root / "seed").mkdir(parents=True)
    for chain in range(chains):
        (root / "seed" / f"{chain}.txt").write_text(f"line of chain {chain}\n")
    PROJECTS[tool](root, chains, length)
    return root


def first_run(tool: str, argv: list[str], root: Path) -> float:
    """Wall seconds of a run in a fresh project, made known to the tool before."""
    if tool == "dvc":
        timed([argv[0], "init", "-q", "--no-scm"], root)
    return timed(argv, root)


def check(root: Path, chains: int, length: int) -> None:
    """mltui must really have made the last outputs."""
    for chain in (0, chains - 1):
        out = root / "got.txt"
        timed([*MLTUI, "get", f"s{chain}-{length - 1}.line", "-o", str(out)], root)
        if out.read_text() != f"line of chain {chain}\n":
            sys.exit(f"chain {chain} ended with {out.read_text()!r}")
        out.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chains", type=int, default=100)
    parser.add_argument("--length", type=int, default=10)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--dvc", action="store_true", help="DVC does all stages (minutes)")
    options = parser.parse_args()
    chains, length = options.chains, options.length
    commands = {"mltui": [*MLTUI, "run", "--jobs", "2"]}
    snakemake = peer("snakemake", "pip install snakemake")
    doit = peer("doit", "pip install doit")
    if snakemake:
        commands["snakemake"] = [snakemake, "-c2", "--quiet", "all"]
    if doit:
        commands["doit"] = [doit, "-n2", "-v0"]
    dvc = peer("dvc", "pip install dvc")
    if dvc and options.dvc:
        commands["dvc"] = [dvc, "repro", "-q"]

    print(f"{chains * length} stages, {chains} chains of {length}, two at a time")
    first: dict[str, float] = {}
    again: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="mltui-bench-") as folder:
        base = Path(folder)
        for _ in range(options.runs):
            for tool, argv in commands.items():
                root = fresh(base, tool, chains, length, tool)
                took = first_run(tool, argv, root)
                first[tool] = min(first.get(tool, took), took)
                if tool == "mltui":
                    check(root, chains, length)
                repeat = best(2, partial(timed, argv, root))
                again[tool] = min(again.get(tool, repeat), repeat)
                print(f"    {tool:10} {took:7.2f} s   nothing to do {repeat:6.2f} s")
        few = max(1, chains // 20)
        if dvc and not options.dvc:
            roots = {
                tool: fresh(base, f"few-{tool}", few, length, tool) for tool in ("dvc", "mltui")
            }
            theirs = first_run("dvc", [dvc, "repro", "-q"], roots["dvc"])
            ours = first_run("mltui", commands["mltui"], roots["mltui"])
            print(f"  wall beside DVC, {few * length} stages: {ours / theirs:.3f}×")

    good = True
    if "snakemake" in first:
        good &= report("wall beside Snakemake", first["mltui"] / first["snakemake"], 0.2)
        good &= report("nothing to do, Snakemake", again["mltui"] / again["snakemake"], 0.1)
    if "doit" in first:
        good &= report("wall beside doit", first["mltui"] / first["doit"], 1.5)
    if "dvc" in first:
        print(f"  wall beside DVC, all stages: {first['mltui'] / first['dvc']:.4f}×")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
