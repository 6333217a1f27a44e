from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltui.spec.model import Mark
from mltui.spec.scalar_places import place_in
from mltui.spec.yaml12 import (
    ListNode,
    MapNode,
    ScalarNode,
    Source,
    Tree,
    read_tree,
    read_value,
    resolve_plain,
)

# YAML 1.2 §10.3.2, and what YAML 1.1 would have made of it.
PLAIN = [
    ("on", "on"),
    ("no", "no"),
    ("Yes", "Yes"),
    ("y", "y"),
    ("off", "off"),
    ("22:30", "22:30"),
    ("2020-01-01", "2020-01-01"),
    ("1_000", "1_000"),
    ("0b11", "0b11"),
    ("012", 12),
    ("0o14", 12),
    ("0xfF", 255),
    ("-0", 0),
    ("+7", 7),
    ("1e3", 1000.0),
    ("1e-3", 0.001),
    ("1.", 1.0),
    (".5", 0.5),
    ("-1.5E+2", -150.0),
    ("-.inf", -math.inf),
    (".Inf", math.inf),
    ("true", True),
    ("FALSE", False),
    ("tRUE", "tRUE"),
    ("", None),
    ("~", None),
    ("Null", None),
    ("nULL", "nULL"),
    ("1e", "1e"),
    ("0o8", "0o8"),
    ("-0x1", "-0x1"),
    (".", "."),
    ("-", "-"),
    ("1.2.3", "1.2.3"),
    ("=", "="),
]


@pytest.mark.parametrize(("text", "value"), PLAIN)
def test_a_plain_scalar_means_what_yaml_1_2_says(text: str, value: object) -> None:
    found = resolve_plain(text)
    assert found == value
    assert type(found) is type(value)


def test_not_a_number_is_a_float() -> None:
    found = resolve_plain(".nan")
    assert isinstance(found, float)
    assert math.isnan(found)


def read(text: str) -> Tree:
    tree = read_tree(text, "f")
    assert tree.problems == []
    return tree


def value_of(text: str) -> object:
    tree = read(text)
    assert tree.root is not None
    return read_value(tree.root)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (
            "a: 'on'\nb: \"7\"\nc: |\n  x\nd: >-\n  y\n  z",
            {"a": "on", "b": "7", "c": "x\n", "d": "y z"},
        ),
        ("on: {no: yes}", {"on": {"no": "yes"}}),
        ("a: &x [1, 2]\nb: *x", {"a": [1, 2], "b": [1, 2]}),
        (
            "a: !!str 7\nb: !!float 7\nc: ! 7\nd: !!null ''",
            {"a": "7", "b": 7.0, "c": "7", "d": None},
        ),
        ("\ufeffa: 1", {"a": 1}),
        ("%YAML 1.2\n---\na: 1\n...\n", {"a": 1}),
        ("a:\r\n  b: 1\r\n", {"a": {"b": 1}}),
        ("? a\n: b", {"a": "b"}),
        ('"<<": 1', {"<<": 1}),
    ],
)
def test_what_a_text_means(text: str, value: object) -> None:
    assert value_of(text) == value


def test_every_key_and_value_knows_its_place() -> None:
    root = read("a: 1\nb:\n  - x\n  - {c: [d]}\n").root
    assert isinstance(root, MapNode)
    a, b = root.entries
    assert (a.mark, a.node.mark) == (Mark(1, 1), Mark(1, 4))
    assert (b.mark, b.node.mark) == (Mark(2, 1), Mark(3, 3))


def test_columns_count_characters_after_a_byte_order_mark_and_emoji() -> None:
    root = read("\ufeff{😀: é, b: c}").root
    assert isinstance(root, MapNode)
    assert [entry.mark.column for entry in root.entries] == [2, 8]


NEAT = st.characters(
    codec="utf-8",
    exclude_categories=["Cc", "Cs"],
    exclude_characters="\u2028\u2029\ufeff\ufffe\uffff",
)
TEXTS = st.text(NEAT, max_size=30)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(TEXTS, VALUES, max_size=4), st.sampled_from((None, 2)))
def test_json_is_yaml(value: dict[str, object], indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    assert value_of(text) == value


LINES = st.lists(
    st.text("ab \\'\"#:${}é", max_size=8).map(lambda s: s.rstrip()), min_size=1, max_size=5
)


@settings(max_examples=100, deadline=None)
@given(LINES, st.sampled_from(("|", "|-", "|+", ">", ">-")))
def test_each_character_of_a_block_knows_where_it_stands(lines: list[str], style: str) -> None:
    text = f"run: {style}\n" + "".join(f"  x{line}\n" if line else "\n" for line in lines)
    tree = read(text)
    assert isinstance(tree.root, MapNode)
    check_places(tree.source, tree.root.entries[0].node)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text("ab'\"\\ é", max_size=6), min_size=1, max_size=4), st.sampled_from("'\""))
def test_each_character_of_a_quoted_text_knows_where_it_stands(
    words: list[str], quote: str
) -> None:
    inner = "\n\n  ".join(
        w.replace("'", "''") if quote == "'" else json.dumps(w, ensure_ascii=False)[1:-1]
        for w in words
    )
    tree = read(f"run: {quote}{inner}{quote}\n")
    assert isinstance(tree.root, MapNode)
    check_places(tree.source, tree.root.entries[0].node)


FORMS = [
    "a: it is\n  folded\n\n\n  here\n",
    "a: 'it''s\n  folded'\n",
    'a: "x\\n\\u0041\\x42\\U00000043 y  \n\n   z\\\n   w \\\\ \\" v"\n',
    "a: |2\n    deep\n  less\n",
    "a: >+ # why\n  one\n  two\n\n    more\n    kept\n  last\n\n\n",
    "a:\r\n  b: |-\r\n    x\r\n    y\r\n",
    "a:\n  - |\n    x\n\n    y\n",
    "a:\n  - - >1\n     x\n     y\n",
    "a: |\n\n  x",
    "a: |\n\n",
    "a: 'x'",
]


@pytest.mark.parametrize("text", FORMS)
def test_places_in_every_form_of_scalar(text: str) -> None:
    tree = read(text)
    todo = [tree.root]
    while todo:
        node = todo.pop()
        if isinstance(node, MapNode):
            todo += [entry.node for entry in node.entries]
        elif isinstance(node, ListNode):
            todo += node.items
        else:
            check_places(tree.source, node, escapes="ABCnuxU")
            assert isinstance(node, ScalarNode)
            end = place_in(tree.source, node, len(node.text))
            assert end >= node.mark


def check_places(source: Source, node: object, escapes: str = "") -> None:
    assert isinstance(node, ScalarNode)
    for index, char in enumerate(node.text):
        if char in "\n \\'\"" + escapes:
            continue
        mark = place_in(source, node, index)
        assert source.line(mark.line)[mark.column - 1] == char
