from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltui.spec.expr import ExprError, format_expr, read_best, read_expr
from mltui.spec.model import And, Best, Compare, Expr, Metric, Not, Or, Param, Round

A = Compare(">", Metric("a"), 1)
B = Compare("<=", Metric("b.c"), 0.5)
C = Compare("==", Round(), Param("x-y"))


@pytest.mark.parametrize(
    ("text", "expr"),
    [
        ("a > 1", A),
        ("a>1", A),
        ("b.c <= .5", B),
        ("${round} == ${params.x-y}", C),
        ("a > 1 and b.c <= 0.5 or ${round}==${params.x-y}", Or((And((A, B)), C))),
        ("a > 1 and (b.c <= 0.5 or ${round}==${params.x-y})", And((A, Or((B, C))))),
        ("not a > 1 and b.c <= 0.5", And((Not(A), B))),
        ("not (a > 1 and b.c <= 5e-1)", Not(And((A, B)))),
        ("not not a > 1", Not(Not(A))),
        ("((a > 1))", A),
        ("a > -1.5", Compare(">", Metric("a"), -1.5)),
        ("0.01 != a", Compare("!=", 0.01, Metric("a"))),
        ("nothing > 1", Compare(">", Metric("nothing"), 1)),
        ("a > 99999999999999999999", Compare(">", Metric("a"), 1e20)),
    ],
)
def test_what_an_expression_means(text: str, expr: Expr) -> None:
    found = read_expr(text)
    assert found.expr == expr
    assert read_expr(format_expr(expr)).expr == expr


def test_names_know_their_offsets() -> None:
    names = read_expr("a > ${params.t} and b < ${round}").names
    assert [(n.offset, n.operand) for n in names] == [
        (0, Metric("a")),
        (4, Param("t")),
        (20, Metric("b")),
        (24, Round()),
    ]


@pytest.mark.parametrize(
    ("text", "offset", "hint"),
    [
        ("a = 1", 2, "write `==`"),
        ("a => 1", 2, "write `>=`"),
        ("a ≥ 1", 2, "write `>=`"),
        ("a > 1 && b > 1", 6, "write `and`"),
        ("a > 1 || b > 1", 6, "write `or`"),
        ("! a > 1", 0, "write `not`"),
        ("a > 1 Or b > 1", 6, "write `or`"),
        ("0 < a < 1", 6, "write `0 < a and a < …`"),
        ("a", 1, "write e.g. `a >= 0.9`"),
        ("a and b > 1", 2, "write e.g. `a >= 0.9`"),
        ("a > 98%", 6, "write 98% as `0.98`"),
        ("a > 1 +1", 6, "let the stage write the metric that the gate needs"),
        ("a > ${t}", 4, "write `${params.t}`"),
        ("a > ${metrics}", 4, "write `${params.metrics}`"),
        ("a > ${params.t", 4, "write `${params.t}`"),
        ("a > True", 4, "a metric is a number: compare with 1 or 0"),
        ("a > 1e400", 4, ""),
        ("a > 1x", 4, ""),
        ("max(a) > 1", 0, ""),
        ("a..b > 1", 0, ""),
        ("(a > 1", 0, "write `)`"),
        ("(a > 1 b", 7, ""),
        ("", 0, ""),
        ("and", 0, ""),
        ("a > 1)", 5, ""),
        ("a > 'b'", 4, "write the name of the metric as it is"),
        ("(" * 60 + "a > 1" + ")" * 60, 41, ""),
        ("not " * 60 + "a > 1", 164, ""),
    ],
)
def test_a_wrong_expression(text: str, offset: int, hint: str) -> None:
    with pytest.raises(ExprError) as caught:
        read_expr(text)
    assert (caught.value.fault.offset, caught.value.fault.hint) == (offset, hint)


OPERANDS = (
    st.from_regex(r"[a-z_][a-z0-9_]{0,4}(\.[a-z]{1,3})?", fullmatch=True)
    .filter(
        lambda s: (
            s not in ("and", "or", "not", "nan", "inf", "true", "false", "null", "none", "yes")
        )
    )
    .map(Metric)
    | st.from_regex(r"[a-z][a-z0-9_-]{0,4}", fullmatch=True).map(Param)
    | st.just(Round())
    | st.integers(-(10**14), 10**14)
    | st.floats(allow_nan=False, allow_infinity=False)
)
COMPARISONS = st.builds(
    Compare, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), OPERANDS, OPERANDS
)
EXPRESSIONS: st.SearchStrategy[Expr] = st.recursive(
    COMPARISONS,
    lambda inner: (
        st.builds(Not, inner)
        | st.lists(inner, min_size=2, max_size=3).map(lambda t: And(tuple(t)))
        | st.lists(inner, min_size=2, max_size=3).map(lambda t: Or(tuple(t)))
    ),
    max_leaves=8,
)


@settings(max_examples=60)
@given(EXPRESSIONS)
def test_an_expression_comes_back_from_its_text(expr: Expr) -> None:
    assert read_expr(format_expr(expr)).expr == expr


@given(st.text("ab.1<>=!&|()$ {}paramsround-+*%'", max_size=40))
def test_noise_is_a_fault_with_an_offset_inside(text: str) -> None:
    try:
        read_expr(text)
    except ExprError as error:
        assert 0 <= error.fault.offset <= len(text)


def test_best() -> None:
    assert read_best("max(accuracy)") == Best("max", "accuracy")
    assert read_best(" min( val.loss ) ") == Best("min", "val.loss")
    for text, hint in (
        ("accuracy", "write `max(accuracy)`"),
        ("minimise loss", "write `min(loss)`"),
        ("max", "write `max(accuracy)`"),
        ("max(a + b)", "write `max(a)`"),
    ):
        with pytest.raises(ExprError) as caught:
            read_best(text)
        assert caught.value.fault.hint == hint
