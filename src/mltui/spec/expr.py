"""Gate expressions: `accuracy >= ${params.target} and not loss > 0.3`.

Comparisons joined by `and`, `or`, `not` and parentheses; no arithmetic and no calls, so that a
gate can be shown, explained and judged again from stored metrics. Read by `mltui.spec.fields`;
`format_expr` gives the canonical text for screens.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from mltui.spec.model import And, Best, Compare, Expr, Metric, Not, Operand, Or, Param, Round
from mltui.spec.template import Fault

METRIC_PATTERN = r"[A-Za-z_][A-Za-z0-9_.]*"
MAX_DEPTH = 40

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?(?![\w.]))
    | (?P<param>\$\{[^}]*\}?)
    | (?P<op><=|>=|==|!=|<>|=>|=<|<|>|=|≤|≥|≠)
    | (?P<paren>[()])
    | (?P<word>[A-Za-z_][A-Za-z0-9_.]*)
    | (?P<other>&&|\|\||\S)
    )""",
    re.VERBOSE,
)
_OPERATORS = frozenset({"<", "<=", ">", ">=", "==", "!="})
_INSTEAD = {
    "=": "==", "=>": ">=", "=<": "<=", "<>": "!=", "≤": "<=", "≥": ">=", "≠": "!=",
    "&&": "and", "&": "and", "||": "or", "|": "or", "!": "not",
}  # fmt: skip
_CONSTANTS = frozenset({"true", "false", "null", "none", "nan", "inf", "yes"})


@dataclass(frozen=True, slots=True)
class Name:
    """A metric, param or `${round}` in an expression and its offset in the text."""

    offset: int
    operand: Metric | Param | Round


@dataclass(frozen=True, slots=True)
class ReadExpr:
    """An expression with where its names stand."""

    expr: Expr
    names: tuple[Name, ...]


class ExprError(ValueError):
    """The text is no gate expression; `fault` says why and at which offset."""

    def __init__(self, offset: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.fault = Fault(offset, message, hint)


def read_expr(text: str) -> ReadExpr:
    """Reads a gate's `require`. Raises ExprError at the first fault."""
    parser = _Parser(text)
    expr = parser.either(0)
    parser.expect_end()
    return ReadExpr(expr, tuple(parser.names))


def read_best(text: str) -> Best:
    """Reads `max(metric)` or `min(metric)`. Raises ExprError."""
    found = re.fullmatch(rf"\s*(max|min)\s*\(\s*({METRIC_PATTERN})\s*\)\s*", text)
    if found:
        return Best(found[1], found[2])
    name = re.search(METRIC_PATTERN, re.sub(r"\b(max|min|maximi[sz]e|minimi[sz]e)\b", "", text))
    direction = "min" if "min" in text else "max"
    hint = f"write `{direction}({name[0] if name else 'accuracy'})`"
    raise ExprError(0, f"`{text}` is neither `max(metric)` nor `min(metric)`", hint)


def format_expr(expr: Expr) -> str:
    """The expression as text that `read_expr` reads back to the same expression."""
    if isinstance(expr, Compare):
        return f"{format_operand(expr.left)} {expr.op} {format_operand(expr.right)}"
    if isinstance(expr, Not):
        inner = format_expr(expr.term)
        return f"not ({inner})" if isinstance(expr.term, And | Or) else f"not {inner}"
    word = " and " if isinstance(expr, And) else " or "
    return word.join(
        f"({format_expr(term)})" if isinstance(term, And | Or) else format_expr(term)
        for term in expr.terms
    )


def format_operand(operand: Operand) -> str:
    """A metric, param, `${round}` or number as text."""
    if isinstance(operand, Metric):
        return operand.name
    if isinstance(operand, Param):
        return f"${{params.{operand.name}}}"
    return "${round}" if isinstance(operand, Round) else repr(operand)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    offset: int


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.names: list[Name] = []
        self.tokens: list[_Token] = []
        self.index = 0
        for found in _TOKEN.finditer(text):
            kind = found.lastgroup or ""
            self.tokens.append(_Token(kind, found[kind], found.start(kind)))
        self.tokens.append(_Token("end", "", len(text.rstrip())))

    @property
    def now(self) -> _Token:
        return self.tokens[self.index]

    def is_word(self, word: str) -> bool:
        token = self.now
        if token.kind == "other" and _INSTEAD.get(token.text) == word:
            raise ExprError(token.offset, f"`{token.text}` is not used here", f"write `{word}`")
        if token.kind == "word" and token.text != word and token.text.lower() == word:
            raise ExprError(token.offset, f"`{token.text}` is not used here", f"write `{word}`")
        return token.kind == "word" and token.text == word

    def either(self, depth: int) -> Expr:
        terms = [self.both(depth)]
        while self.is_word("or"):
            self.index += 1
            terms.append(self.both(depth))
        return terms[0] if len(terms) == 1 else Or(tuple(terms))

    def both(self, depth: int) -> Expr:
        terms = [self.negation(depth)]
        while self.is_word("and"):
            self.index += 1
            terms.append(self.negation(depth))
        return terms[0] if len(terms) == 1 else And(tuple(terms))

    def negation(self, depth: int) -> Expr:
        if depth > MAX_DEPTH:
            raise ExprError(self.now.offset, f"nested more than {MAX_DEPTH} deep")
        if self.is_word("not"):
            self.index += 1
            return Not(self.negation(depth + 1))
        if self.now.text != "(":
            return self.comparison()
        opened = self.now
        self.index += 1
        expr = self.either(depth + 1)
        if self.now.text != ")":
            if self.now.kind == "end":
                raise ExprError(opened.offset, "this `(` is not closed", "write `)`")
            raise self.unexpected("`and`, `or` or `)`")
        self.index += 1
        return expr

    def comparison(self) -> Compare:
        left = self.operand()
        op = self.operator()
        if op is None:
            if self.now.kind == "end" or self.now.text == ")" or self.now.text in ("and", "or"):
                shown = format_operand(left)
                hint = f"write e.g. `{shown} >= 0.9`"
                raise ExprError(self.now.offset, f"`{shown}` is not compared with anything", hint)
            raise self.unexpected("one of `< <= > >= == !=`")
        right = self.operand()
        again = self.now
        if self.operator() is not None:
            middle = format_operand(right)
            shown = f"{format_operand(left)} {op} {middle} and {middle} {again.text} …"
            raise ExprError(again.offset, "comparisons can't be chained", f"write `{shown}`")
        return Compare(op, left, right)

    def operator(self) -> str | None:
        token = self.now
        if token.kind != "op":
            return None
        if token.text not in _OPERATORS:
            hint = f"write `{_INSTEAD[token.text]}`"
            raise ExprError(token.offset, f"`{token.text}` is no comparison", hint)
        self.index += 1
        return token.text

    def operand(self) -> Operand:
        token = self.now
        if token.kind == "number":
            self.index += 1
            return self.number(token)
        if token.kind == "param":
            self.index += 1
            return self.param(token)
        if token.kind == "word" and token.text not in ("and", "or", "not"):
            if token.text.lower() in _CONSTANTS:
                hint = "a metric is a number: compare with 1 or 0"
                raise ExprError(token.offset, f"`{token.text}` is not a number", hint)
            if token.text.endswith(".") or ".." in token.text:
                raise ExprError(token.offset, f"`{token.text}` is no metric name")
            self.index += 1
            if self.now.text == "(":
                raise ExprError(token.offset, "a gate calls no functions")
            metric = Metric(token.text)
            self.names.append(Name(token.offset, metric))
            return metric
        self.is_word("not")
        raise self.unexpected("a metric, a number, `${params.x}` or `${round}`")

    def number(self, token: _Token) -> float | int:
        if re.fullmatch(r"[-+]?[0-9]{1,15}", token.text):
            return int(token.text)
        number = float(token.text)
        if not math.isfinite(number):
            raise ExprError(token.offset, f"`{token.text}` is too large")
        return number

    def param(self, token: _Token) -> Param | Round:
        found = re.fullmatch(r"\$\{(?:params\.([A-Za-z_][A-Za-z0-9_-]*)|round)\}", token.text)
        if not found:
            inner = token.text[2:].rstrip("}").strip().rpartition(".")[2]
            hint = "write `${round}`" if inner == "round" else f"write `${{params.{inner or 'x'}}}`"
            message = f"`{token.text}` can't stand in a gate; only `${{params.…}}` and `${{round}}`"
            raise ExprError(token.offset, message, hint)
        operand = Param(found[1]) if found[1] else Round()
        self.names.append(Name(token.offset, operand))
        return operand

    def expect_end(self) -> None:
        if self.now.kind != "end":
            raise self.unexpected("`and`, `or` or the end")

    def unexpected(self, wanted: str) -> ExprError:
        token = self.now
        if token.kind == "end":
            return ExprError(token.offset, f"the expression stops early: expected {wanted}")
        if token.text == "%":
            return ExprError(token.offset, "`%` is not used here", "write 98% as `0.98`")
        if token.text in ("'", '"', "`"):
            hint = "write the name of the metric as it is"
            return ExprError(token.offset, "quotes are not used in a gate", hint)
        if token.text in "+-*/^" or (token.kind == "number" and token.text[0] in "+-"):
            hint = "let the stage write the metric that the gate needs"
            return ExprError(token.offset, "a gate does no arithmetic", hint)
        return ExprError(token.offset, f"expected {wanted}, not `{token.text}`")
