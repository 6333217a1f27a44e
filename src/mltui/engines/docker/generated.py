"""An image for an environment that has only a requirements file. Pure but for reading files.

Called by `environments`. One Dockerfile for any base with Python 3 and venv: packages go to a
virtual environment, so that a base whose own Python is managed by its distribution (Debian) and
`python:3.N-slim` work alike. It is made in a stage of its own: what pip needs to reach its index
(addresses, perhaps with a password, certificates) stays behind there.
"""

from __future__ import annotations

import configparser
import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mltui.engines.process.interpreters import read_specifier
from mltui.engines.process.requirements import Requirements, read
from mltui.errors import BuildFailed
from mltui.spec.model import Environment

FORMAT = 1
"""Part of the key: another Dockerfile is another image."""
BASE_VARIABLE = "MLTUI_DOCKER_BASE"
_HOME = "/opt/mltui"
_SOURCE = "/opt/mltui-source"
_AUTHORITY = ".mltui-ca.pem"
_PYTHONS = tuple((3, minor) for minor in range(14, 7, -1))
PIP_ARGS = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "PIP_DEFAULT_TIMEOUT")
"""The person's way to the package index, given to every build that declares the ARG."""
_OPTIONS = {
    "index-url": "PIP_INDEX_URL",
    "extra-index-url": "PIP_EXTRA_INDEX_URL",
    "trusted-host": "PIP_TRUSTED_HOST",
    "timeout": "PIP_DEFAULT_TIMEOUT",
    "cert": "PIP_CERT",
}


@dataclass(frozen=True, slots=True)
class Generated:
    """What is generated for an environment."""

    text: str
    """The Dockerfile."""
    base: str
    requirements: Requirements


def plan(environment: Environment, project: Path, base: str | None) -> Generated:
    """The Dockerfile of an environment. BuildFailed when its requirements can't be read."""
    assert environment.requirements is not None
    found = read(project / environment.requirements, project)
    for name, _ in found.texts:
        if Path(name).is_absolute() or name.startswith(".."):
            raise BuildFailed(
                f"{environment.requirements} includes {name}, which is outside of the project: "
                "an image can't be made from it"
            )
    chosen = base or _default_base(environment.python)
    pip = f"{_HOME}/bin/python -m pip install --no-cache-dir --no-input --progress-bar off"
    args = "\n".join(f"ARG {name}" for name in PIP_ARGS)
    text = f"""# Made by mltui from {environment.requirements}
FROM {chosen} AS packages
{args}
RUN python3 -m venv {_HOME}
WORKDIR {_SOURCE}
COPY . .
RUN if [ -f {_AUTHORITY} ]; then export PIP_CERT={_SOURCE}/{_AUTHORITY}; fi; \\
    PIP_DISABLE_PIP_VERSION_CHECK=1 {pip} -r {shlex.quote(environment.requirements)} \\
    && rm -f {_AUTHORITY}

FROM {chosen}
"""
    if found.local:
        text += f"COPY --from=packages {_SOURCE} {_SOURCE}\n"
    text += f"COPY --from=packages {_HOME} {_HOME}\n"
    text += f"ENV PATH={_HOME}/bin:$PATH VIRTUAL_ENV={_HOME}\n"
    return Generated(text, chosen, found)


def _default_base(specifier: str | None) -> str:
    """`python:3.N-slim` that fits: this mltui's own version if it may be, else the newest."""
    fits = read_specifier(specifier or "")
    # "3.11" must fit `>=3.11.4` too: images of a version are its newest patch.
    for version in (sys.version_info[:2], *_PYTHONS):
        if fits((*version, 99)):
            return f"python:{version[0]}.{version[1]}-slim"
    raise BuildFailed(f"no Python image fits `python: {specifier}`: name an image or a base")


def write_context(
    generated: Generated, project: Path, folder: Path, pip: Mapping[str, str]
) -> None:
    """Lay out the build's folder: requirements, local packages, a certificate. BuildFailed."""
    for name, text in generated.requirements.texts:
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    for line, _ in generated.requirements.local:
        package = _local_folder(line, project)
        target = folder / package.relative_to(project.resolve())
        if package.is_dir():
            ignore = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".mltui")
            shutil.copytree(package, target, ignore=ignore, symlinks=True, dirs_exist_ok=True)
        elif not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(package, target)
    certificate = pip.get("PIP_CERT")
    if certificate and Path(certificate).is_file():
        shutil.copyfile(certificate, folder / _AUTHORITY)


def _local_folder(line: str, project: Path) -> Path:
    """The package that a requirements line names, which must lie in the project."""
    words = [word for word in shlex.split(line.split(" #")[0].split(";")[0]) if word]
    name = words[-1].partition("=")[2] if words[-1].startswith("-") else words[-1]
    name = name.removeprefix("file://").partition("[")[0]
    package = (project / name).resolve()
    if not package.is_relative_to(project.resolve()) or not package.exists():
        raise BuildFailed(
            f"the requirement {line!r} is not in the project: an image can't be made from it"
        )
    return package


def read_pip_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """How the person's pip reaches its index: variables before files (pip docs, "Configuration").

    Only what makes sense elsewhere too: `PIP_INDEX_URL` …, and `PIP_CERT`, a file.
    """
    found: dict[str, str] = {}
    home = environ.get("HOME") or str(Path.home())
    config = environ.get("XDG_CONFIG_HOME") or f"{home}/.config"
    files = ["/etc/pip.conf", f"{home}/.pip/pip.conf", f"{config}/pip/pip.conf"]
    if given := environ.get("PIP_CONFIG_FILE"):
        files = [] if given == os.devnull else [*files, given]
    for file in files:
        parser = configparser.RawConfigParser()
        try:
            parser.read(file, encoding="utf-8")
        except (configparser.Error, OSError, UnicodeDecodeError):
            continue
        for section in ("global", "install"):
            if parser.has_section(section):
                for option, value in parser.items(section):
                    name = _OPTIONS.get(option.replace("_", "-"))
                    if name is not None and value.strip():
                        found[name] = " ".join(value.split())
    for name in _OPTIONS.values():
        if environ.get(name):
            found[name] = environ[name]
    return found
