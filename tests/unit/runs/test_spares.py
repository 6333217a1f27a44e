"""Which working folders may be used again, and that the next attempt finds an empty one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mltui.runs.attempts import Place
from mltui.runs.spares import TRASH, Spares


def place(root: Path, name: str) -> Place:
    return Place(root / "runs" / name, root / "work" / name, root / "secrets" / name)


def left_by(root: Path, name: str) -> tuple[Place, list[str]]:
    """A working folder as an attempt leaves it, and the files that are known to be in it."""
    found = place(root, name)
    (found.work / "inputs").mkdir(parents=True)
    files = [found.work / "inputs" / "x.txt", found.work / "y.txt"]
    for file in files:
        file.write_text(name)
    return found, [str(file) for file in files]


def test_an_emptied_folder_is_another_attempts(tmp_path: Path) -> None:
    spares = Spares()
    first, files = left_by(tmp_path, "one.1")
    assert spares.offer(first, files)
    second = place(tmp_path, "two.1")
    assert spares.take(second)
    assert list(second.work.rglob("*")) == [second.work / "inputs"]
    assert not first.work.exists()
    assert not spares.take(place(tmp_path, "three.1")), "there was only one"
    trash = tmp_path / "work" / TRASH
    assert sorted(file.read_text() for file in trash.iterdir()) == ["one.1", "one.1"]
    assert spares.drain() == [trash]
    assert spares.drain() == []


def add(name: str) -> Callable[[Path], object]:
    return lambda work: (work / name).write_text("mine")


def replace_by_link(work: Path) -> None:
    for file in (work / "inputs").iterdir():
        file.unlink()
    (work / "inputs").rmdir()
    (work / "inputs").symlink_to(work.parent)


@pytest.mark.parametrize(
    "change",
    [
        add("z.txt"),
        add(".hidden"),
        add("inputs/z.txt"),
        lambda work: (work / "y.txt").unlink(),
        lambda work: work.chmod(0o777),
        lambda work: (work / "inputs").chmod(0o500),
        replace_by_link,
    ],
    ids=["file", "hidden", "input", "missing", "rights", "inputs-rights", "link"],
)
def test_one_that_is_not_as_it_was_made_is_not_used_again(
    tmp_path: Path, change: Callable[[Path], object]
) -> None:
    spares = Spares()
    used, files = left_by(tmp_path, "one.1")
    change(used.work)
    assert not spares.offer(used, files)
    assert not spares.take(place(tmp_path, "two.1"))


def test_what_is_left_is_told_and_a_lost_one_is_no_harm(tmp_path: Path) -> None:
    spares = Spares()
    for name in ("one.1", "two.1"):
        assert spares.offer(*left_by(tmp_path, name))
    place(tmp_path, "two.1").work.joinpath("inputs").rmdir()
    place(tmp_path, "two.1").work.rmdir()
    assert not spares.take(place(tmp_path, "three.1"))
    assert spares.drain() == [place(tmp_path, "one.1").work, tmp_path / "work" / TRASH]
