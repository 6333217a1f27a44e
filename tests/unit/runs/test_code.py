from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from mltui.errors import CodeError, StoreError
from mltui.runs import code, codefiles
from mltui.runs.code import diff_code, git_state, materialise_code, read_code, take_snapshot
from mltui.runs.store import Store


def _git(root: Path, *arguments: str) -> None:
    env = {"PATH": os.environ["PATH"], "HOME": str(root), "GIT_CONFIG_NOSYSTEM": "1"}
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=root, env=env, check=True, timeout=120)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    for name, text in {
        "mltui.yaml": "mltui: 1\n",
        "lib/a.py": "one\ntwo\n",
        "lib/sub/b.py": "b\n",
        "lib/__pycache__/a.pyc": "junk",
        "env/train.txt": "numpy\n",
        ".venv/bin/python": "x",
        ".mltui/journal.db": "x",
        "run.sh": "#!/bin/sh\n",
        "generated/g.py": "g\n",
        ".gitignore": "generated\n__pycache__\n.venv\n.mltui\n",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "run.sh").chmod(0o755)
    return folder


@pytest.fixture
def store(root: Path) -> Store:
    return Store(root / ".mltui")


def _paths(root: Path, store: Store, globs: list[str] | None = None) -> list[str]:
    return list(read_code(code.snapshot(root, globs, ["env/train.txt"], store), store))


def test_outside_git_all_but_what_is_never_code(root: Path, store: Store) -> None:
    assert _paths(root, store) == [
        ".gitignore", "generated/g.py", "lib/a.py", "lib/sub/b.py", "run.sh",
    ]  # fmt: skip


def test_in_git_what_it_does_not_ignore(root: Path, store: Store) -> None:
    _git(root, "init", "-q")
    _git(root, "add", "lib/a.py", "run.sh")
    (root / "deleted.py").write_text("x")
    _git(root, "add", "deleted.py")
    (root / "deleted.py").unlink()
    assert _paths(root, store) == [".gitignore", "lib/a.py", "lib/sub/b.py", "run.sh"]
    (root / "nested").mkdir()
    _git(root / "nested", "init", "-q")
    (root / "nested" / "n.py").write_text("n")
    assert "nested/n.py" in _paths(root, store)


@pytest.mark.parametrize(
    ("globs", "found"),
    [
        (["lib"], ["lib/a.py", "lib/sub/b.py"]),
        (["lib/"], ["lib/a.py", "lib/sub/b.py"]),
        (["./lib/*.py"], ["lib/a.py"]),
        (["**/*.py"], ["generated/g.py", "lib/a.py", "lib/sub/b.py"]),
        (["lib/**/b.py", "run.sh"], ["lib/sub/b.py", "run.sh"]),
        (["lib/[ab].py"], ["lib/a.py"]),
        (["lib/[!b].??"], ["lib/a.py"]),
        (["."], [".gitignore", "generated/g.py", "lib/a.py", "lib/sub/b.py", "run.sh"]),
    ],
)
def test_globs(root: Path, store: Store, globs: list[str], found: list[str]) -> None:
    assert _paths(root, store, globs) == found


def test_a_glob_that_names_ignored_files_takes_them(root: Path, store: Store) -> None:
    _git(root, "init", "-q")
    assert _paths(root, store, ["lib", "generated"]) == [
        "generated/g.py", "lib/a.py", "lib/sub/b.py",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("globs", "message"),
    [
        ([], "names no file"),
        (["nope/**"], "`code: nope/\\*\\*` fits no file"),
        (["/etc"], "leaves the project"),
        (["lib/../../x"], "leaves the project"),
        (["env"], "fits only env/train.txt, which belongs to an environment"),
        (["mltui.yaml"], "fits only mltui.yaml"),
    ],
)
def test_globs_that_are_wrong(root: Path, store: Store, globs: list[str], message: str) -> None:
    with pytest.raises(CodeError, match=message):
        _paths(root, store, globs)


def test_too_much_is_said_with_where_it_is(
    root: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codefiles, "MAX_FILES", 3)
    with pytest.raises(CodeError, match=r"5 files, at most 3 are allowed \(most .* 'lib'\): name"):
        _paths(root, store)
    monkeypatch.setattr(codefiles, "MAX_FILES", 100)
    monkeypatch.setattr(codefiles, "MAX_BYTES", 10)
    with pytest.raises(CodeError, match="the code is over 0 MiB"):
        _paths(root, store)


def test_odd_files(root: Path, store: Store) -> None:
    os.mkfifo(root / "lib" / "pipe")
    with pytest.raises(CodeError, match="lib/pipe is a pipe, which can't be code"):
        _paths(root, store)


def test_an_unchanged_tree_is_not_read_again(
    root: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code, "_RACY_NS", -10_000_000_000)
    first = take_snapshot(root, None, [], store)
    assert first.hashed == first.files == 6
    again = take_snapshot(root, None, [], store)
    assert (again.digest, again.hashed) == (first.digest, 0)
    assert take_snapshot(root, ["lib"], [], store).hashed == 0
    (root / "lib" / "a.py").write_text("one\ntwo!\n")
    changed = take_snapshot(root, None, [], store)
    assert changed.hashed == 1
    assert changed.digest != first.digest
    store.remove(read_code(changed.digest, store)["run.sh"].digest)
    assert take_snapshot(root, None, [], store).hashed == 1
    (root / ".mltui" / "code.json").write_text("{broken")
    assert take_snapshot(root, None, [], store).digest == changed.digest


def test_a_file_that_just_changed_is_read_again(root: Path, store: Store) -> None:
    take_snapshot(root, None, [], store)
    file = root / "lib" / "a.py"
    info = file.stat()
    file.write_text("ONE\ntwo\n")  # the same size, perhaps within one tick of the clock
    os.utime(file, ns=(info.st_atime_ns, info.st_mtime_ns))
    digest = take_snapshot(root, None, [], store).digest
    assert store.read_bytes(read_code(digest, store)["lib/a.py"].digest) == b"ONE\ntwo\n"


def test_links(root: Path, store: Store, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("o")
    links = {
        "lib/ok.py": "a.py",
        "up": "lib/sub/../a.py",
        "lib/sub/back": "..",
        "absolute": str(root / "run.sh"),
        "leaves": "../outside",
        "dangling": "nowhere",
        "around": "../project/run.sh",
        "loop": "loop",
    }
    for name, target in links.items():
        (root / name).symlink_to(target)
    taken = take_snapshot(root, None, [], store)
    assert set(taken.skipped) == {"absolute", "leaves", "dangling", "around", "loop"}
    dest = tmp_path / "work"
    materialise_code(taken.digest, dest, store)
    assert (dest / "lib" / "ok.py").readlink() == Path("a.py")
    assert (dest / "up").read_text() == "one\ntwo\n"
    assert not (dest / "leaves").is_symlink()


def test_materialise(root: Path, store: Store, tmp_path: Path) -> None:
    digest = code.snapshot(root, None, [], store)
    dest = tmp_path / "work"
    materialise_code(digest, dest, store)
    assert os.access(dest / "run.sh", os.X_OK)
    (dest / "lib" / "a.py").write_text("changed by a stage")
    materialise_code(digest, tmp_path / "other", store)
    assert (tmp_path / "other" / "lib" / "a.py").read_text() == "one\ntwo\n"
    assert set(code.code_references(digest, store)) == {
        digest, *(file.digest for file in read_code(digest, store).values())
    }  # fmt: skip
    with pytest.raises(StoreError):
        materialise_code("sha256:" + "0" * 64, tmp_path / "third", store)


def test_diff(root: Path, store: Store) -> None:
    before = code.snapshot(root, None, [], store)
    (root / "lib" / "a.py").write_text("one\nTWO\nthree\n")
    (root / "lib" / "sub" / "b.py").unlink()
    (root / "new.py").write_text("1\n2\n3\n")
    (root / "data.bin").write_bytes(b"\0\1")
    (root / "run.sh").chmod(0o644)
    after = code.snapshot(root, None, [], store)
    assert diff_code(before, after, store) == [
        ("data.bin", "added", 0, 0),
        ("lib/a.py", "changed", 2, 1),
        ("lib/sub/b.py", "removed", 0, 1),
        ("new.py", "added", 3, 0),
        ("run.sh", "changed", 0, 0),
    ]
    assert diff_code(before, before, store) == []


def test_diff_of_long_files_is_quick(root: Path, store: Store) -> None:
    (root / "long").write_text("".join(f"{n}\n" for n in range(20_000)))
    before = code.snapshot(root, None, [], store)
    (root / "long").write_text("".join(f"{n * 2}\n" for n in range(20_000)))
    after = code.snapshot(root, None, [], store)
    assert diff_code(before, after, store) == [("long", "changed", 10_000, 10_000)]


def test_git_state(root: Path) -> None:
    assert git_state(root) == (None, False)
    _git(root, "init", "-q")
    assert git_state(root) == (None, True)
    _git(root, "add", "-A")
    _git(root, "commit", "-qm", "x")
    commit, is_dirty = git_state(root)
    assert commit is not None and len(commit) == 40
    assert not is_dirty
    (root / ".mltui" / "x").touch()
    assert git_state(root) == (commit, False)
    (root / "lib" / "a.py").write_text("other")
    assert git_state(root) == (commit, True)


def test_a_repository_executes_nothing(root: Path, store: Store, tmp_path: Path) -> None:
    _git(root, "init", "-q")
    evil = tmp_path / "evil"
    evil.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    evil.chmod(0o755)
    _git(root, "config", "core.fsmonitor", str(evil))
    _paths(root, store)
    git_state(root)
    assert not (tmp_path / "ran").exists()
