"""What git knows about a project: which files it does not ignore, which commit it is at.

Asked by `code` when a run starts. Nothing that the project's own git configuration names is
executed: file-system monitors and hooks are switched off.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_GIT = ["git", "-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}"]
_LIMIT_S = 60.0


def _ask(root: Path, *arguments: str) -> bytes | None:
    """Git's answer; None when it is not there, too slow, or says no."""
    inherited = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
    env = {name: value for name, value in os.environ.items() if name not in inherited}
    env |= {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = subprocess.run(
            [*_GIT, *arguments],
            cwd=root,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_LIMIT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def files(root: Path) -> list[str] | None:
    """Files below `root` that are tracked or not ignored; None when it is no git work tree.

    Relative to `root`. Tracked files that were deleted are listed too; submodules and nested
    repositories as one entry.
    """
    found = _ask(root, "ls-files", "-co", "--exclude-standard", "-z")
    if found is None:
        return None
    return [os.fsdecode(name) for name in found.split(b"\0") if name]


def state(root: Path) -> tuple[str | None, bool]:
    """Commit of the work tree that `root` is in (None: none), whether anything below it differs.

    `.mltui` never counts.
    """
    found = _ask(
        root, "status", "--porcelain=v2", "--branch", "-z", "--untracked-files=normal",
        "--ignore-submodules=dirty", "--", ".", ":(exclude).mltui",
    )  # fmt: skip
    if found is None:
        return None, False
    commit = None
    is_dirty = False
    for line in found.split(b"\0"):
        if line.startswith(b"# branch.oid "):
            name = line[13:].decode("ascii", "replace")
            commit = None if name.startswith("(") else name
        elif line and not line.startswith(b"#"):
            is_dirty = True
    return commit, is_dirty
