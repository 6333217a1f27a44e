"""`mltui doctor` says what is there and what to do; completion scripts are what shells take."""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mltui.cli.completing import commands
from mltui.cli.main import COMMANDS


def run(*argv: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mltui", *argv],
        text=True, capture_output=True, timeout=120, cwd=cwd,
        env={"PATH": "/usr/bin:/bin", "HOME": str(cwd), "LANG": "C", **env},
    )  # fmt: skip


def test_what_is_missing_comes_with_how_to_get_it(tmp_path: Path) -> None:
    done = run("doctor", "-o", "json", cwd=tmp_path, DOCKER_HOST=f"unix://{tmp_path}/none.sock",
               KUBECONFIG=str(tmp_path / "none"))  # fmt: skip
    found = {each["name"]: each for each in json.loads(done.stdout)}
    assert done.returncode == 1
    assert found["docker"]["state"] == "broken" and "daemon" in found["docker"]["do"]
    assert found["kubernetes"]["state"] == "missing" and "KUBECONFIG" in found["kubernetes"]["do"]
    assert found["project"]["do"] == "`mltui init`" and found["disk here"]["state"] == "ok"
    assert all(each["do"] for each in found.values() if each["state"] != "ok")


def test_lines_say_the_same_in_ascii(tmp_path: Path) -> None:
    done = run("doctor", cwd=tmp_path, DOCKER_HOST=f"unix://{tmp_path}/none.sock",
               KUBECONFIG=str(tmp_path / "none"))  # fmt: skip
    assert done.stdout.isascii() and "x docker" in done.stdout and "+ mltui" in done.stdout


def test_every_command_and_option_is_completed() -> None:
    found = {each.name: each for each in commands()}
    assert list(found) == list(COMMANDS)
    assert {"--help", "--json"} <= {option for option, _, _ in found["run"].options}
    assert "pods" in found["ls"].words and found["retry"].takes_stages


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_takes_its_script(shell: str, tmp_path: Path) -> None:
    script = run("completion", shell, cwd=tmp_path).stdout
    assert all(name in script for name in COMMANDS)
    path = shutil.which(shell)
    if path is not None:
        file = tmp_path / "script"
        file.write_text(script)
        checked = subprocess.run([path, "-n", file], capture_output=True, text=True)
        assert checked.returncode == 0, checked.stderr


def test_bash_completes_commands_and_options(tmp_path: Path) -> None:
    script = run("completion", "bash", cwd=tmp_path).stdout
    ask = """
COMP_WORDS=(mltui {words}); COMP_CWORD={at}; _mltui; echo "${{COMPREPLY[@]}}"
"""
    for words, at, expected in (("tri", 1, "triage"), ("run --det", 2, "--detach")):
        text = script + ask.format(words=words, at=at)
        done = subprocess.run(["bash", "-c", text], capture_output=True, text=True, check=True)
        assert done.stdout.split() == [expected]


FISH = pytest.mark.skipif(shutil.which("fish") is None, reason="no fish here: apt install fish")
ZSH = pytest.mark.skipif(shutil.which("zsh") is None, reason="no zsh here: apt install zsh")


@FISH
def test_fish_completes_commands_and_options(tmp_path: Path) -> None:
    file = tmp_path / "mltui.fish"
    file.write_text(run("completion", "fish", cwd=tmp_path).stdout)
    (tmp_path / "trifle.txt").touch()
    for typed, expected in (("mltui tri", "triage"), ("mltui run --det", "--detach")):
        done = subprocess.run(
            ["fish", "--no-config", "-c", f"source {file}; complete -C '{typed}'"],
            text=True, capture_output=True, timeout=60, cwd=tmp_path, check=True,
            env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "TERM": "dumb"},
        )  # fmt: skip
        assert [line.partition("\t")[0] for line in done.stdout.splitlines()] == [expected]


@ZSH
def test_zsh_completes_from_its_function_path_at_the_first_tab(tmp_path: Path) -> None:
    (tmp_path / "_mltui").write_text(run("completion", "zsh", cwd=tmp_path).stdout)
    (tmp_path / ".zshrc").write_text(
        f"PS1='> '; fpath=({tmp_path} $fpath); autoload -Uz compinit\n"
        f"compinit -u -d {tmp_path}/dump; echo rea''dy\n"
    )
    pid, terminal = pty.fork()
    if pid == 0:
        env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "TERM": "vt100"}
        os.execvpe("zsh", ["zsh", "-i"], {**env, "ZDOTDIR": str(tmp_path)})
    try:
        _read(terminal, "ready")
        for typed, expected in (("mltui tri\t", "triage"), ("run --det\t", "--detach")):
            os.write(terminal, typed.encode())
            _read(terminal, expected)
            os.write(terminal, b"\x15mltui ")
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)


def _read(terminal: int, text: str) -> None:
    """Read until a text is there, with a deadline."""
    seen, until = "", time.monotonic() + 60
    while text not in seen:
        assert time.monotonic() < until, seen
        if select.select([terminal], [], [], 0.5)[0]:
            seen += os.read(terminal, 4096).decode(errors="replace").replace("\r", "")
