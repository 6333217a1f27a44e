"""A folder of the project as an input: in the key by its content, copied, never the original."""

from __future__ import annotations

from pathlib import Path

from mltui.pipeline.model import State

from .harness import World

SPEC = """\
mltui: 1
name: folders
code: []
stages:
  count:
    phase: data
    inputs: {texts: ./texts}
    outputs: {n: n.txt}
    run: |
      cat $(find ${inputs.texts} -type f | sort) > ${outputs.n}
      rm -r ${inputs.texts}
"""


def test_a_folder_is_read_by_content_and_protected(tmp_path: Path) -> None:
    world = World.make(tmp_path, SPEC)
    texts = world.root / "texts" / "inner"
    texts.mkdir(parents=True)
    (world.root / "texts" / "a.txt").write_text("a\n")
    (texts / "b.txt").write_text("b\n")

    def outcome() -> tuple[State, str]:
        run = world.submit().run
        world.wait_end(run)
        row = world.rows(run)["count"]
        digest = row.outputs["n"].digest
        return row.state, world.project.store().read_bytes(digest).decode()

    try:
        assert outcome() == (State.SUCCEEDED, "a\nb\n")
        assert (texts / "b.txt").read_text() == "b\n", "the stage removed its copy only"
        assert outcome() == (State.CACHED, "a\nb\n")
        (texts / "b.txt").write_text("c\n")
        assert outcome() == (State.SUCCEEDED, "a\nc\n")
        (texts / "b.txt").rename(texts / "d.txt")
        assert outcome()[0] is State.SUCCEEDED
    finally:
        world.stop()


def test_a_folder_with_a_link_in_it_is_refused_with_its_name(tmp_path: Path) -> None:
    world = World.make(tmp_path, SPEC)
    (world.root / "texts").mkdir()
    (world.root / "texts" / "out").symlink_to("/etc/hostname")
    try:
        world.submit()
        world.wait_end()
        row = world.rows()["count"]
        assert row.state is State.FAILED and "out" in row.reason and "symbolic link" in row.reason
    finally:
        world.stop()
