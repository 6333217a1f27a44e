"""Commands about a project as such: validate, schema, init, demo, pin."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest
import yaml

from mltui import spec
from mltui.cli.commands import demo
from mltui.errors import UsageError

if TYPE_CHECKING:
    from tests.cli.conftest import Cli, MakeProject

WRONG = """\
mltui: 1
name: wrong
stages:
  train:
    phase: trainng
    run: python train.py
    inputs: {x: acquir.raw}
  acquire:
    phase: data
    outputs: {raw: raw.txt}
    run: "true"
    retries: 3
"""
SMALL = """\
mltui: 1
name: small
code: []
stages:
  one:
    phase: data
    run: echo '{"rows":3}' > ${metrics}
"""


def test_validate(cli: Cli, make_project: MakeProject) -> None:
    root = make_project(SMALL)
    assert cli("validate").out == "mltui.yaml: ✓ fine: 1 stage\n"

    (root / "mltui.yaml").write_text(WRONG)
    result = cli("validate")
    assert result.code == 2
    assert "mltui.yaml:5:12: " in result.out
    assert "\n        phase: trainng\n               ^\n" in result.out
    assert "did you mean `training`?" in result.out
    assert "mltui.yaml:12:5: " in result.out
    assert "faults in mltui.yaml" in result.err

    found = json.loads(cli("validate", "-o", "json").out)
    assert [list(problem) for problem in found] == [
        ["file", "line", "column", "message", "hint"]
    ] * len(found)
    assert {(problem["line"], problem["column"]) for problem in found} >= {(5, 12), (12, 5)}

    (root / "sub").mkdir()
    assert "mltui.yaml:5:12: " in cli("-C", "sub", "validate").out
    (root / "other.yaml").write_text(SMALL)
    assert cli("validate", "other.yaml").code == 0
    assert cli("validate", "nothing.yaml").code == 2
    (root / "other.yaml").write_bytes(b"\xff\xfe")
    assert "not UTF-8" in cli("validate", "other.yaml").out
    assert cli("-C", "/", "validate").code == 2


def test_every_command_says_what_is_wrong_with_the_file(
    cli: Cli, make_project: MakeProject
) -> None:
    make_project(WRONG)
    for words in (["run"], ["ls", "stages"]):
        result = cli(*words)
        assert result.code == 2
        assert "mltui.yaml:5:12: " in result.err


def test_schema(cli: Cli) -> None:
    schema = json.loads(cli("schema").out)
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.validate(yaml.safe_load(SMALL), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(WRONG), schema)


def test_init_in_an_empty_folder(cli: Cli, tmp_path: Path) -> None:
    root = tmp_path / "My project 2"
    root.mkdir()
    result = cli("-C", str(root), "init")
    assert result.code == 0, result.err
    text = (root / "mltui.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=.mltui/mltui.schema.json\n")
    assert spec.load(text, "mltui.yaml").name == "my-project-2"
    assert json.loads((root / ".mltui" / "mltui.schema.json").read_text()) == spec.json_schema()
    assert cli("-C", str(root), "validate").code == 0
    again = cli("-C", str(root), "init")
    assert again.code == 2
    assert "there already" in again.err
    assert (root / "mltui.yaml").read_text() == text


def test_what_init_writes_runs(cli: Cli, make_project: MakeProject, tmp_path: Path) -> None:
    root = make_project(SMALL)
    (root / "mltui.yaml").unlink()
    (root / "prepare_data.py").write_text(
        "from pathlib import Path\n"
        "with open('data/clean.csv', 'w') as f: f.write('1,2')\n"
        "Path('notes.txt').write_text('n')\n"
    )
    (root / "train.py").write_text(
        "import json\nrows = open('data/clean.csv').read()\n"
        "with open('model.json', mode='w') as f: json.dump(rows, f)\n"
    )
    (root / "test_train.py").write_text("open('x.txt', 'w')")
    (root / "setup.py").write_text("raise SystemExit('executed')")
    (root / "predict.py").write_text("this is no Python\n")
    result = cli("init")
    assert result.code == 0, result.err
    made = spec.load((root / "mltui.yaml").read_text(), "mltui.yaml")
    assert list(made.stages) == ["prepare_data", "train", "predict"]
    assert made.stages["train"].inputs["clean"].stage == "prepare_data"
    (root / "predict.py").write_text("print('none')\n")
    ran = cli("run")
    assert ran.code == 0, ran.out
    assert cli("get", "train.model", "-o", "-").out == '"1,2"'


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (["requirements.txt"], {"main": "requirements.txt"}),
        (
            ["requirements-train.txt", "requirements-dev.txt"],
            {"train": "requirements-train.txt"},
        ),
        (["requirements/serve.txt"], {"serve": "requirements/serve.txt"}),
        ([], {}),
    ],
)
def test_init_finds_environments(
    cli: Cli, tmp_path: Path, files: list[str], names: dict[str, str]
) -> None:
    root = tmp_path / "p"
    for file in ["pyproject.toml", *files]:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text("")
    (root / "train.py").write_text("")
    assert cli("init", str(root)).code == 0
    made = spec.load((root / "mltui.yaml").read_text(), "mltui.yaml")
    found = {name: env.requirements for name, env in made.environments.items()}
    assert found == names
    environment = made.stages["train"].environment
    assert (environment.source if environment else None) == next(iter(names), None)


def test_pin(cli: Cli, seeded: Path) -> None:
    assert cli("pin", "1").out == "run 1 is kept from gc\n"
    assert "person, pinned" in cli("ls", "runs").out
    assert cli("unpin", "1").code == 0
    assert "pinned" not in cli("ls", "runs").out
    assert "did you mean 2?" in cli("pin", "8").err


def test_gc(cli: Cli, seeded: Path) -> None:
    assert cli("gc").out == "nothing to remove\n"
    shown = cli("gc", "--keep", "1")
    assert shown.out == "1 run: 1\nfrees 0 B; the newest run stays\n"
    assert "nothing was removed" in shown.err
    found = json.loads(cli("gc", "--keep", "1", "-o", "json").out)
    assert (found["runs"], found["freed"]) == ([1], None)
    assert cli("pin", "1").code == 0
    assert cli("gc", "--keep", "1", "--yes").out == "nothing to remove\n"
    assert cli("unpin", "1").code == 0
    assert cli("gc", "--keep", "1", "--yes").out.endswith("removed; 0 B are free again\n")
    assert [run["run"] for run in json.loads(cli("ls", "runs", "-o", "json").out)] == [2]
    assert cli("gc", "--keep", "0").code == 2


def test_demo_without_a_terminal(
    cli: Cli, make_project: MakeProject, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sample = tmp_path / "sample"
    sample.mkdir()
    (sample / "mltui.yaml").write_text(SMALL)
    (sample / ".mltui").mkdir()
    monkeypatch.setattr(demo, "find_sample", lambda name: sample)
    root = make_project(SMALL)  # so that the copy's runner is ended, too
    (root / "mltui.yaml").unlink()
    for _ in range(2):  # may be called again
        result = cli("demo", ".")
        assert result.code == 0, result.err
        assert "rows 3" in result.out
    assert not (sample / ".mltui" / "journal.db").exists()
    assert "mltui demo" in cli("ls", "runs").out


def test_demo_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sample = demo.find_sample("digits")
    assert (sample / "mltui.yaml").is_file()
    with pytest.raises(UsageError):
        demo.find_sample("nothing")
    monkeypatch.chdir(tmp_path)
    assert demo.default_folder(sample) == Path("mltui-demo")
    monkeypatch.chdir(sample)
    assert demo.default_folder(sample) == sample.parents[1] / ".make" / "demo"
    full = tmp_path / "full"
    full.mkdir()
    (full / "thesis.tex").write_text("x")
    with pytest.raises(UsageError, match="not empty"):
        demo.prepare(sample, full)
