"""A systemd user unit that has a project's services and monitors back after a restart.

Called by `mltui serve --install`. The unit runs the supervisor, which goes when nothing is wanted;
replicas are none of the unit's business and outlive it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mltui.errors import MltuiError
from mltui.runs.project import Project
from mltui.serving.replicas import mark_of

_KEPT: tuple[str, ...] = (
    "PATH",
    "KUBECONFIG",
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "MLTUI_SERVE_HOST",
)
_KEPT += ("XDG_CACHE_HOME", "XDG_STATE_HOME", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
"""Variables that the supervisor needs as they are now. No secrets: they are read when it starts."""
_TIMEOUT_S = 20.0


class UnitError(MltuiError):
    """The unit can't be written."""


@dataclass(frozen=True, slots=True)
class Installed:
    """What was done, and what is left to be done by the person."""

    file: Path
    left: tuple[str, ...]


def unit_file(project: Project, environ: Mapping[str, str] | None = None) -> Path:
    """Where the unit of a project is."""
    variables = os.environ if environ is None else environ
    base = Path(variables.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", project.root.name).strip("-.") or "project"
    return base / "systemd" / "user" / f"mltui-{name[:60]}-{mark_of(project)}.service"


def unit_text(project: Project, environ: Mapping[str, str]) -> str:
    """The unit. Pure."""
    command = (sys.executable, "-P", "-m", "mltui.serving.supervisor", str(project.root))
    variables = [f"{name}={environ[name]}" for name in _KEPT if environ.get(name)]
    lines = [
        "[Unit]",
        f"Description=mltui keeps the services of {_plain(project.root.name)}",
        "",
        "[Service]",
        f"ExecStart={' '.join(_quoted(word) for word in command)}",
        f"WorkingDirectory={_plain(str(project.root))}",
        *(f"Environment={_quoted(each)}" for each in variables),
        "# Replicas and fronts go on when the supervisor is restarted.",
        "KillMode=process",
        "Restart=on-failure",
        "RestartSec=5",
        "",
        "[Install]",
        "WantedBy=default.target",
        "",
    ]
    return "\n".join(lines)


def install(project: Project) -> Installed:
    """Write the unit and have systemd know it, where it is there. UnitError."""
    file = unit_file(project)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(unit_text(project, os.environ), encoding="utf-8")
    except OSError as error:
        raise UnitError(f"{file} can't be written: {error.strerror}") from error
    left = _systemctl(["daemon-reload"], ["enable", file.name])
    if not _lingers():
        left += ("loginctl enable-linger",)
    return Installed(file, left)


def uninstall(project: Project) -> Installed | None:
    """Remove the unit; None when there is none. UnitError."""
    file = unit_file(project)
    if not file.exists():
        return None
    left = _systemctl(["disable", file.name])
    try:
        file.unlink()
    except OSError as error:
        raise UnitError(f"{file} can't be removed: {error.strerror}") from error
    return Installed(file, (*left, *_systemctl(["daemon-reload"])))


def _systemctl(*commands: list[str]) -> tuple[str, ...]:
    """Run them; those that could not be, as a person would write them."""
    program = shutil.which("systemctl")
    left = []
    for command in commands:
        if program is None or not _is_done([program, "--user", *command]):
            left.append(" ".join(("systemctl", "--user", *command)))
    return tuple(left)


def _is_done(command: list[str]) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, timeout=_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _lingers() -> bool:
    """Whether this user's units start with the machine, not with a login."""
    name = os.environ.get("USER") or os.environ.get("LOGNAME") or ""
    return bool(name) and (Path("/var/lib/systemd/linger") / name).exists()


def _quoted(word: str) -> str:
    """A word of a unit (systemd.syntax(7)): `%` is a specifier, `$` a variable."""
    text = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{_line(text)}"'


def _plain(text: str) -> str:
    return _line(text.replace("%", "%%"))


def _line(text: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in text)
