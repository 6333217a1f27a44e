"""Large project files are hashed once, and again when they may have changed."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from mltui.errors import OutputError
from mltui.runs.inputfiles import SMALL_BYTES, Files
from mltui.runs.store import Store


def age(path: Path, seconds: float = 100) -> None:
    """Date it back; its change time stays new, so this alone makes nothing trustworthy."""
    then = time.time() - seconds
    os.utime(path, (then, then))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / ".mltui").mkdir()
    return Store(tmp_path / ".mltui")


def test_small_ones_at_once(tmp_path: Path, store: Store) -> None:
    (tmp_path / "a.csv").write_text("1\n")
    files = Files(tmp_path, store)
    first = files.at_once("a.csv")
    assert first is not None and store.read_bytes(first) == b"1\n"
    (tmp_path / "a.csv").write_text("2\n")
    assert files.at_once("a.csv") != first
    with pytest.raises(OutputError, match="no such file"):
        files.at_once("b.csv")


def test_folders_by_their_content(tmp_path: Path, store: Store) -> None:
    inner = tmp_path / "folder" / "inner"
    inner.mkdir(parents=True)
    (inner / "a.txt").write_text("1\n")
    files = Files(tmp_path, store)
    assert files.at_once("folder") is None
    digest = files.read("folder")
    assert digest.startswith("folder:") and files.at_once("folder") == digest
    (inner / "b.txt").write_text("2\n")
    assert files.at_once("folder") is None
    assert files.read("folder") != digest
    (inner / "b.txt").unlink()
    assert files.read("folder") == digest


def test_large_ones_once(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "big.bin"
    file.write_bytes(bytes(SMALL_BYTES + 1))
    files = Files(tmp_path, store)
    assert files.at_once("big.bin") is None
    digest = files.read("big.bin")
    assert files.at_once("big.bin") == digest, "within a run its times are trusted"
    assert Files(tmp_path, store).at_once("big.bin") is None, "too new to be trusted later"
    monkeypatch.setattr("mltui.runs.inputfiles._RACY_NS", 0)
    time.sleep(0.02)
    files.read("big.bin")
    later = Files(tmp_path, store)
    assert later.at_once("big.bin") == digest
    file.write_bytes(b"x" * (SMALL_BYTES + 1))
    assert later.at_once("big.bin") is None
    assert later.read("big.bin") != digest
    store.remove(later.read("big.bin"))
    assert later.at_once("big.bin") is None, "what is not kept has to be read again"


def test_a_damaged_memory_is_none(tmp_path: Path, store: Store) -> None:
    (tmp_path / "big.bin").write_bytes(bytes(SMALL_BYTES + 1))
    for text in ("", "[]", '{"big.bin": 3}', "\0"):
        (tmp_path / ".mltui" / "files.json").write_text(text)
        assert Files(tmp_path, store).at_once("big.bin") is None
