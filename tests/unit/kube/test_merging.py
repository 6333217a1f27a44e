"""Two changes of one object, put together."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mltui.live.kube.verbs._merging import changed, merged

_names = st.sampled_from(["a", "b", "c"])
_objects = st.recursive(
    st.integers(0, 3) | st.lists(st.integers(0, 3), min_size=1, max_size=2),
    lambda inner: st.dictionaries(_names, inner, max_size=3),
    max_leaves=8,
).filter(lambda found: isinstance(found, dict))


@given(base=_objects, other=_objects)
def test_a_change_alone_stands_as_it_is(base: Any, other: Any) -> None:
    assert merged(base, other, base) == (other, [])
    assert merged(base, base, other) == (other, [])
    assert merged(base, other, other) == (other, [])
    assert (changed(base, other) == []) == (base == other)


@given(base=_objects, mine=_objects, theirs=_objects)
def test_what_one_alone_changed_is_kept_and_the_rest_is_told(
    base: Any, mine: Any, theirs: Any
) -> None:
    made, clashes = merged(base, mine, theirs)
    ours, others = changed(base, mine), changed(base, theirs)
    for path in changed(theirs, made):  # only what was ours is otherwise than theirs
        assert any(_meet(path, each) for each in ours)
    for path in changed(mine, made):
        assert any(_meet(path, each) for each in others)
    for path in clashes:
        assert any(_meet(path, each) for each in ours)
        assert any(_meet(path, each) for each in others)


def _meet(one: str, other: str) -> bool:
    """One is the other, or within it."""
    return (
        one == "all"
        or other == "all"
        or f"{one}.".startswith(f"{other}.")
        or (f"{other}.".startswith(f"{one}."))
    )


def test_containers_are_told_apart_by_their_names() -> None:
    def made(*containers: tuple[str, str]) -> Any:
        return {"spec": {"containers": [{"name": n, "image": i} for n, i in containers]}}

    base = made(("web", "web:1"), ("side", "side:1"))
    mine = made(("web", "web:2"), ("side", "side:1"))
    theirs = made(("new", "new:1"), ("web", "web:1"), ("side", "side:2"))
    found, clashes = merged(base, mine, theirs)
    assert found == made(("new", "new:1"), ("web", "web:2"), ("side", "side:2")) and not clashes
    _, clashes = merged(base, mine, made(("web", "web:3"), ("side", "side:1")))
    assert clashes == ["spec.containers.web.image"]
    assert sorted(changed(base, theirs)) == ["spec.containers.new", "spec.containers.side.image"]
