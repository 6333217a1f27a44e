"""Chooses the Python that an environment's `python: ">=3.11"` asks for; for `environments`.

Candidates are the Python that mltui itself runs on, then every `python3.X` and `python3` on the
person's PATH, newest first. Each is asked once about itself and remembered while its file stays
the same.
"""

from __future__ import annotations

import functools
import json
import os
import platform
import re
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mltui.errors import BuildFailed

_NAME = re.compile(r"python3(\.\d+)?")
_CLAUSE = re.compile(r"\s*(~=|==|!=|<=|>=|<|>|===)?\s*v?(\d+(?:\.\d+)*)(\.\*)?\s*")
_ASK = (
    "import json,sys,platform,sysconfig;print(json.dumps(["
    "sys.executable,list(sys.version_info[:3]),platform.python_implementation(),"
    "sysconfig.get_platform()]))"
)
_ASK_S = 20.0


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python that environments can be made of."""

    path: str
    version: tuple[int, int, int]
    implementation: str
    platform: str

    @property
    def text(self) -> str:
        """As cache keys name it: `CPython 3.11.7 linux-x86_64`."""
        return f"{self.implementation} {'.'.join(map(str, self.version))} {self.platform}"


def own() -> Interpreter:
    """The Python underneath mltui's own virtual environment."""
    path = getattr(sys, "_base_executable", None) or sys.executable
    version = (sys.version_info[0], sys.version_info[1], sys.version_info[2])
    implementation = platform.python_implementation()
    return Interpreter(path, version, implementation, sysconfig.get_platform())


def choose(specifier: str | None, path: str | None = None) -> Interpreter:
    """The first candidate that fits a PEP 440 specifier (`3.12` alone means `==3.12.*`).

    BuildFailed when the specifier makes no sense or none fits, saying which were found.
    """
    fits = read_specifier(specifier or "")
    mine = own()
    if fits(mine.version):
        return mine
    found = []
    for program in _programs(path if path is not None else os.environ.get("PATH", os.defpath)):
        candidate = _ask(program)
        if candidate is None:
            continue
        if fits(candidate.version):
            return candidate
        found.append(".".join(map(str, candidate.version)))
    seen = ", ".join(dict.fromkeys([".".join(map(str, mine.version)), *found]))
    raise BuildFailed(
        f"no Python fits `python: {specifier or 'any'}` (found {seen}): install one so "
        "that `python3.X` is on your PATH, or change `python:`"
    )


def read_specifier(text: str) -> Callable[[tuple[int, ...]], bool]:
    """A test of versions from a PEP 440 specifier. BuildFailed when it can't be read."""
    tests = []
    for clause in text.split(",") if text.strip() else ():
        match = _CLAUSE.fullmatch(clause)
        if match is None:
            raise BuildFailed(
                f"`python: {text}` is no version specifier: write e.g. `>=3.11,<3.14`"
            )
        operator, digits, star = match.groups()
        parts = tuple(map(int, digits.split(".")))
        # "3.12" alone, as people write it, means any 3.12.
        tests.append((operator or "==", parts, bool(star) or operator is None))
    return lambda version: all(_fits(version, *test) for test in tests)


def _fits(version: tuple[int, ...], operator: str, wanted: tuple[int, ...], star: bool) -> bool:
    start = version[: len(wanted)]
    if operator == "~=":
        return _padded(version) >= _padded(wanted) and start[:-1] == wanted[:-1]
    if star and operator in ("==", "!="):
        return (start == wanted) == (operator == "==")
    left, right = _padded(version), _padded(wanted)
    return {
        "==": left == right,
        "===": left == right,
        "!=": left != right,
        ">=": left >= right,
        "<=": left <= right,
        ">": left > right,
        "<": left < right,
    }[operator]


def _padded(version: tuple[int, ...]) -> tuple[int, ...]:
    return (*version, 0, 0, 0)[:4]


def _programs(path: str) -> Iterator[str]:
    """`python3.X` of every folder on the PATH, newest minor first; then `python3`."""
    found: list[tuple[int, int, str]] = []
    for index, folder in enumerate(path.split(os.pathsep)):
        try:
            names = os.listdir(folder or ".")  # noqa: PTH208 - only names are wanted
        except OSError:
            continue
        for name in names:
            match = _NAME.fullmatch(name)
            if match:
                minor = int(match[1][1:]) if match[1] else -1
                found.append((-minor, index, str(Path(folder or ".") / name)))
    seen = set()
    for _, _, program in sorted(found):
        real = os.path.realpath(program)
        # A shim of pyenv or asdf is one script under many names; each answers differently.
        if Path(real).name != Path(program).name or real not in seen:
            seen.add(real)
            yield program


def _ask(program: str) -> Interpreter | None:
    try:
        info = Path(program).stat()
    except OSError:
        return None
    return _answer(program, info.st_mtime_ns, info.st_size)


@functools.lru_cache(maxsize=64)
def _answer(program: str, _mtime_ns: int, _size: int) -> Interpreter | None:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "__PYVENV"))}
    try:
        done = subprocess.run(
            [program, "-I", "-c", _ASK],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_ASK_S,
            env=env,
            check=True,
        )
        path, version, implementation, system = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return Interpreter(path, (version[0], version[1], version[2]), implementation, system)
