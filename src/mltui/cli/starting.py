"""The first `mltui.yaml` of a project: what is there, written down as stages.

Called by `mltui init`. The text is checked before it is written; comments say what to change.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from mltui.cli.scripts import PHASES, Script

SCHEMA = ".mltui/mltui.schema.json"
"""Where the editor finds the schema, from the project's folder."""

_HEAD = """\
# yaml-language-server: $schema={schema}
# Written by `mltui init`. A stage runs in a fresh folder that has the project's code and its inputs
# in it; what `outputs` names is kept. `mltui validate` checks this file, `mltui run --dry-run` says
# what would run.
mltui: 1
name: {name}
"""

_EXAMPLE = """
# A pipeline to begin with: replace the commands by yours.
stages:
  prepare:
    phase: data
{environment}    run: printf '1\\n2\\n3\\n' > ${{outputs.numbers}}
    outputs: {{numbers: numbers.txt}}

  train:
    phase: training
{environment}    inputs: {{numbers: prepare.numbers}}
    run: |
      awk '{{s += $1}} END {{print s / NR}}' ${{inputs.numbers}} > ${{outputs.model}}
      echo '{{"mean": '"$(cat ${{outputs.model}})"'}}' > ${{metrics}}
    outputs: {{model: model.txt}}
    gate: {{require: mean >= 1}}
"""


def starting_text(root: Path, scripts: list[Script]) -> str:
    """The text of a `mltui.yaml` for the project in `root`."""
    environments = find_environments(root)
    parts = [_HEAD.format(schema=SCHEMA, name=project_name(root))]
    if environments:
        parts.append("\nenvironments:\n")
        parts += [f"  {name}: {{requirements: {file}}}\n" for name, file in environments.items()]
    elif (root / "pyproject.toml").is_file():
        parts.append(
            "\n# Dependencies of pyproject.toml become an environment with a requirements file:\n"
            "#   environments: {main: {requirements: requirements.txt}}\n"
            "# and `environment: main` on the stages. Until then they run with what is on PATH.\n"
        )
    if scripts:
        parts.append("\nstages:\n")
        parts.append("\n".join(_stages(scripts, environments)))
    else:
        first = next(iter(environments), None)
        parts.append(_EXAMPLE.format(environment=f"    environment: {first}\n" if first else ""))
    return "".join(parts)


def project_name(root: Path) -> str:
    """The folder's name as the name of a project."""
    words = re.sub(r"[^a-z0-9-]+", "-", root.name.lower()).strip("-")
    return words if words[:1].isalpha() else f"project-{words}".strip("-")


def find_environments(root: Path) -> dict[str, str]:
    """Environment → requirements file, from `requirements*.txt` and `requirements/*.txt`."""
    found: dict[str, str] = {}
    files = [*sorted(root.glob("requirements*.txt")), *sorted(root.glob("requirements/*.txt"))]
    for file in files:
        path = file.relative_to(root).as_posix()
        if not re.fullmatch(r"[A-Za-z0-9._/-]+", path):
            continue
        words = file.stem.removeprefix("requirements").strip("-_.").lower()
        name = re.sub(r"[^a-z0-9-]+", "-", words).strip("-") or "main"
        if name[0].isalpha() and name not in ("dev", "test", "tests", "docs", "lint"):
            found.setdefault(name, path)
    return found


def _stages(scripts: list[Script], environments: Mapping[str, str]) -> list[str]:
    """A block of text for each script. One reads what an earlier one wrote."""
    made: dict[str, tuple[str, str]] = {}
    blocks = []
    for script in scripts:
        lines = [f"  {script.name}:", f"    phase: {script.phase}"]
        environment = _environment(script, environments)
        if environment:
            lines.append(f"    environment: {environment}")
        inputs = {path: made[path] for path in script.reads if path in made}
        names = _names(inputs)
        if inputs:
            sources = ", ".join(f"{names[path]}: {s}.{o}" for path, (s, o) in inputs.items())
            lines.append(f"    inputs: {{{sources}}}")
        lines += _command(script, names)
        outputs = _names(script.writes)
        if outputs:
            named = ", ".join(f"{name}: {path}" for path, name in outputs.items())
            lines.append(f"    outputs: {{{named}}}")
        else:
            lines.append(
                "    # outputs: {name: path}   what it writes; the next stage reads it by\n"
                f"    #                         `inputs: {{name: {script.name}.name}}`"
            )
        made.update({path: (script.name, name) for path, name in outputs.items()})
        blocks.append("\n".join(lines) + "\n")
    return blocks


def _command(script: Script, inputs: Mapping[str, str]) -> list[str]:
    """Inputs are put where the script looks for them, so that it need not be changed."""
    copies = []
    for path, name in inputs.items():
        parent = PurePosixPath(path).parent
        make = f"mkdir -p {parent}; " if str(parent) != "." else ""
        copies.append(f"{make}cp -r ${{inputs.{name}}} {path}")
    folders = {str(PurePosixPath(path).parent) for path in script.writes} - {"."}
    made = {str(PurePosixPath(path).parent) for path in inputs}
    copies += [f"mkdir -p {folder}" for folder in sorted(folders - made)]
    if not copies:
        return [f"    run: python3 {script.path}"]
    return ["    run: |", *(f"      {line}" for line in copies), f"      python3 {script.path}"]


def _names(paths: Mapping[str, object] | tuple[str, ...]) -> dict[str, str]:
    """Path → a name for it, unique among them."""
    found: dict[str, str] = {}
    for path in paths:
        stem = re.sub(r"[^A-Za-z0-9_-]+", "_", PurePosixPath(path).name.split(".")[0])
        name = stem if stem[:1].isalpha() else f"file_{stem}"
        candidate, number = name, 2
        while candidate in found.values():
            candidate, number = f"{name}_{number}", number + 1
        found[path] = candidate
    return found


def _environment(script: Script, environments: Mapping[str, str]) -> str | None:
    """The one whose name the script's or its phase's is part of, else the first."""
    for name in environments:
        if name in (script.name, script.phase) or name in script.name.split("-"):
            return name
    phase_words = PHASES[script.phase]
    return next(
        (name for name in environments if name in phase_words), next(iter(environments), None)
    )


def write_schema(root: Path) -> None:
    """Put the schema where the first line of the file says it is."""
    from mltui import spec

    file = root / SCHEMA
    file.parent.mkdir(exist_ok=True)
    ignore = file.parent / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    file.write_text(json.dumps(spec.json_schema(), indent=1) + "\n", encoding="utf-8")
