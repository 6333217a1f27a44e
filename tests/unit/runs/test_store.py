from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from mltui.errors import OutputError, StoreError
from mltui.pipeline.model import Artifact
from mltui.runs import filecopy
from mltui.runs.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / ".mltui")


def test_the_same_bytes_are_kept_once(store: Store) -> None:
    first = store.put_bytes(b"abc")
    assert first == store.put_text("abc")
    assert first == Artifact(
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", 3
    )
    assert list(store.digests()) == [(first.digest, 3)]
    assert store.path(first.digest).relative_to(store.folder).parts[0] == "ba"
    assert stat.S_IMODE(store.path(first.digest).stat().st_mode) == 0o444
    assert store.read_bytes(first.digest) == b"abc"
    assert store.read_bytes(first.digest, 2) == b"ab"


def test_opening_writes_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / ".mltui")
    assert not (tmp_path / ".mltui").exists()
    assert list(store.digests()) == []
    store.remove_leftovers()
    assert not store.has("sha256:" + "0" * 64)


@pytest.mark.parametrize("digest", ["", "sha256:", "sha256:../../etc/passwd", "md5:" + "0" * 64])
def test_what_is_no_digest_names_no_file(store: Store, digest: str) -> None:
    with pytest.raises(StoreError, match="is not a digest"):
        store.path(digest)


def test_put_file_copies(store: Store, tmp_path: Path) -> None:
    for size in (0, 10, 65_536, 65_537, 3_000_000):
        file = tmp_path / str(size)
        file.write_bytes(os.urandom(size))
        mode = file.stat().st_mode
        artifact = store.put_file(file)
        assert artifact.size_bytes == size
        assert store.check(artifact, verify=True)
        assert file.stat().st_nlink == 1
        assert file.stat().st_mode == mode
        file.write_bytes(b"changed")
        assert store.check(artifact, verify=True)
    assert list((store.folder / "tmp").iterdir()) == []
    with pytest.raises(OutputError, match="a folder"):
        store.put_file(tmp_path)
    with pytest.raises(OutputError, match="no such file"):
        store.put_file(tmp_path / "gone")


def test_take_links_and_can_be_repeated(store: Store, tmp_path: Path) -> None:
    """A runner killed between taking and journalling takes the same output again."""
    file = tmp_path / "model"
    file.write_bytes(b"x" * 100_000)
    first = store.take(file, is_folder=False)
    assert store.path(first.digest).samefile(file)
    assert store.take(file, is_folder=False) == first
    file.unlink()
    assert store.check(first, verify=True)


def test_take_copies_what_somebody_else_can_still_write(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "out"
    file.write_bytes(b"data")
    os.link(file, tmp_path / "elsewhere")
    artifact = store.take(file, is_folder=False)
    (tmp_path / "elsewhere").write_bytes(b"evil")
    assert store.check(artifact, verify=True)


def test_take_folder_and_back(store: Store, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "a" / "b").mkdir(parents=True)
    (out / "empty").mkdir()
    (out / "a" / "b" / "x").write_bytes(b"1")
    (out / "run.sh").write_bytes(b"#!/bin/sh\n")
    (out / "run.sh").chmod(0o755)
    (out / "naïve \udcff\n").write_bytes(b"odd name")
    artifact = store.take(out, is_folder=True)
    assert artifact.is_folder and artifact.size_bytes == 1 + 10 + 8
    assert store.take(out, is_folder=True) == artifact, "taking it again changes nothing"
    members = {m.path: m for m in store.manifest(artifact.digest)}
    assert sorted(members) == ["a/b/x", "empty/", "naïve \udcff\n", "run.sh"]
    assert members["run.sh"].is_executable and not members["a/b/x"].is_executable
    copy = tmp_path / "copy"
    store.materialise(artifact, copy)
    assert (copy / "empty").is_dir()
    assert (copy / "a" / "b" / "x").read_bytes() == b"1"
    assert os.access(copy / "run.sh", os.X_OK)
    assert store.take(copy, is_folder=True) == artifact
    assert len(list(store.references(artifact))) == 4
    assert store.check(artifact, verify=True)


def test_the_digest_of_a_folder_does_not_depend_on_its_order(store: Store, tmp_path: Path) -> None:
    for n, names in enumerate((["a", "b", "c"], ["c", "a", "b"])):
        (tmp_path / str(n)).mkdir()
        for name in names:
            (tmp_path / str(n) / name).write_text(name)
    first, second = (store.take(tmp_path / n, is_folder=True) for n in "01")
    assert first == second


def _link(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_link, "symbolic link"),
        (os.mkfifo, "a pipe"),
        (_socket, "a socket"),
        (Path.mkdir, "folder"),
    ],
)
def test_take_refuses_what_is_no_file(
    store: Store, tmp_path: Path, make: Callable[[Path], None], words: str
) -> None:
    path = tmp_path / "out"
    make(path)
    with pytest.raises(OutputError, match=words):
        store.take(path, is_folder=False)
    if words != "folder":
        inside = tmp_path / "folder"
        inside.mkdir()
        make(inside / "it")
        with pytest.raises(OutputError, match=words):
            store.take(inside, is_folder=True)
        with pytest.raises(OutputError, match="not a folder"):
            store.take(path, is_folder=True)


def test_take_refuses_a_way_out_of_the_working_folder(store: Store, tmp_path: Path) -> None:
    work, outside = tmp_path / "work", tmp_path / "outside"
    work.mkdir()
    outside.mkdir()
    (outside / "secret").write_text("s")
    (work / "sub").symlink_to(outside)
    with pytest.raises(OutputError, match="leaves"):
        store.take(work / "sub" / "secret", is_folder=False, inside=work)
    with pytest.raises(OutputError, match="missing"):
        store.take(work / "gone", is_folder=False, inside=work)


def test_materialised_files_are_nobody_elses(store: Store, tmp_path: Path) -> None:
    for size in (5, 200_000):
        artifact = store.put_bytes(os.urandom(size))
        dest = tmp_path / "deep" / "er" / str(size)
        store.materialise(artifact, dest)
        assert dest.stat().st_nlink == 1
        assert dest.stat().st_mode & 0o200
        dest.write_bytes(b"changed by a stage")
        assert store.check(artifact, verify=True)
        with pytest.raises(StoreError):
            store.materialise(artifact, dest)  # never over something else


def test_copying_without_the_kernels_help(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no(*_: object) -> int:
        raise OSError(18, "cross-device link")

    monkeypatch.setattr(os, "copy_file_range", no)
    artifact = store.put_bytes(os.urandom(3_000_000))
    store.materialise(artifact, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == store.read_bytes(artifact.digest)


def test_items(store: Store, tmp_path: Path) -> None:
    entries = {"en-es": store.put_bytes(b"1"), "oc": store.put_bytes(b"2")}
    store.items(entries, tmp_path / "in")
    assert (tmp_path / "in" / "en-es").read_bytes() == b"1"
    assert (tmp_path / "in" / "index.json").read_text().split() == [
        "{", '"en-es":', '"en-es",', '"oc":', '"oc"', "}",
    ]  # fmt: skip
    with pytest.raises(StoreError, match="can't be the name"):
        store.items({"../x": entries["oc"]}, tmp_path / "other")


def test_damage_is_seen_and_repaired(store: Store) -> None:
    artifact = store.put_bytes(b"hello")
    path = store.path(artifact.digest)
    path.chmod(0o644)
    path.write_bytes(b"jello")
    assert store.check(artifact)
    assert not store.check(artifact, verify=True)
    path.write_bytes(b"")  # what a power cut leaves
    assert not store.check(artifact)
    store.put_bytes(b"hello")
    assert store.check(artifact, verify=True)


def test_a_folder_with_a_member_missing_does_not_check(store: Store, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").write_text("a")
    artifact = store.take(tmp_path / "out", is_folder=True)
    digest = next(m.digest for m in store.manifest(artifact.digest))
    assert store.remove(digest) == 1
    assert store.remove(digest) == 0
    assert not store.check(artifact)
    with pytest.raises(StoreError, match="no longer in the store"):
        store.materialise(artifact, tmp_path / "copy")


def test_a_hostile_manifest_stays_below_its_folder(store: Store, tmp_path: Path) -> None:
    digest = store.put_bytes(b"x").digest
    for path in ("../evil", "/tmp/evil", "a/../../evil"):
        line = f'["{path}","{digest}",1,0]\n'
        artifact = Artifact(store.put_text(line).digest, 1, is_folder=True)
        with pytest.raises(StoreError, match="not restored"):
            store.materialise(artifact, tmp_path / "dest")
    assert not (tmp_path / "evil").exists()
    with pytest.raises(StoreError, match="damaged"):
        store.manifest(digest)


def test_leftovers_go_when_they_are_old(store: Store) -> None:
    store.put_bytes(b"x")
    for name in ("old", "new"):
        (store.folder / "tmp" / name).touch()
    os.utime(store.folder / "tmp" / "old", (0, 0))
    store.remove_leftovers()
    assert [path.name for path in (store.folder / "tmp").iterdir()] == ["new"]


def test_a_full_disk_is_said_and_leaves_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(filecopy, "write_all", full)
    with pytest.raises(StoreError, match="is full"):
        store.put_bytes(b"x")
    assert list((store.folder / "tmp").iterdir()) == []


def test_tiny_objects_are_no_bottleneck(store: Store) -> None:
    """The Python of it; what the file system takes is its own."""
    before = os.times().user
    for n in range(2000):
        store.put_bytes(b"%d" % n)
    assert (os.times().user - before) / 2000 < 0.0003
