"""What PyYAML's syntax errors mean for a person, and where the fault really is.

PyYAML says where it gave up: for an open quote that is the end of the file, for a line indented
too little it is the next line. This looks at the tokens before that place and names the culprit.
Both of PyYAML's readers are understood. Called by `mltui.spec.yaml12` only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mltui.errors import Problem
from mltui.spec.model import Mark

if TYPE_CHECKING:
    import yaml

    from mltui.spec.yaml12 import Source

_KEY_ON_LINE = re.compile(r"""\s*(?:-\s+)*("[^"]*"|'[^']*'|[^\s"'#{\[][^#]*?)\s*:\s""")
_CLOSING = {"{": "}", "[": "]"}
QUOTE_HINT = "quote the whole value: '…' or \"…\""


@dataclass(frozen=True, slots=True)
class _Token:
    name: str
    start: Mark
    end: Mark
    quoted: bool


def explain_fault(source: Source, error: yaml.YAMLError) -> Problem:
    """The problem behind a YAMLError, at the place to repair."""
    import yaml

    if not isinstance(error, yaml.MarkedYAMLError):
        return source.problem(Mark(1, 1), f"this is not YAML: {str(error).splitlines()[0]}")
    at = _mark(error.problem_mark) or _mark(error.context_mark) or Mark(1, 1)
    context = _mark(error.context_mark)
    said = f"{error.context or ''}: {error.problem or ''}"
    return _Fault(source, said, at, context or at).explain()


def _mark(mark: Any) -> Mark | None:
    return None if mark is None else Mark(mark.line + 1, mark.column + 1)


class _Fault:
    def __init__(self, source: Source, said: str, at: Mark, context: Mark) -> None:
        self.source = source
        self.said = said
        self.at = at
        self.context = context
        self.tokens = _tokens(source)

    def explain(self) -> Problem:
        swallowing = self.swallowing_quote()
        if swallowing is not None:
            return self.problem(swallowing, "this quote is not closed on its line")
        bracket = self.open_bracket()
        if bracket and bracket.line < self.at.line and not self.goes_on(bracket):
            return self.unclosed(bracket)
        if "quoted scalar" in self.said or "double-quoted" in self.said:
            return self.in_quotes()
        if "cannot start any token" in self.said or "tab character" in self.said:
            return self.bad_start()
        if "mapping values are not allowed" in self.said:
            return self.second_colon()
        if "could not find expected ':'" in self.said:
            word = self.source.line(self.context.line)[self.context.column - 1 :].split(" #")[0]
            return self.problem(self.context, f"`{word.strip()}` has no `:` after it")
        if "scanning an a" in self.said:  # an alias or an anchor without a name
            what = f"a value can't begin with `{self.char(self.context)}`"
            return self.problem(self.context, what, QUOTE_HINT)
        if "unexpected ':'" in self.said:
            return self.problem(self.at, "a value with `:` in it needs quotes here", QUOTE_HINT)
        if "flow" in self.said:
            return self.in_brackets()
        if re.search("block|document start|entries|mapping keys", self.said):
            return self.in_block()
        return self.problem(self.at, f"this is not YAML: {self.said.strip(': ')}")

    def problem(self, mark: Mark, message: str, hint: str = "") -> Problem:
        return self.source.problem(mark, message, hint)

    def char(self, mark: Mark) -> str:
        return self.source.line(mark.line)[mark.column - 1 : mark.column]

    def swallowing_quote(self) -> Mark | None:
        """An earlier quote that ran on over lines that look like `key: value` or `- item`."""
        for token in self.tokens:
            if token.quoted and token.end.line > token.start.line and token.start < self.at:
                lines = range(token.start.line + 1, token.end.line + 1)
                texts = [self.source.line(n) for n in lines]
                if any(_KEY_ON_LINE.match(t + " ") or t.lstrip()[:2] == "- " for t in texts):
                    return token.start
        return None

    def in_quotes(self) -> Problem:
        if "end of stream" in self.said or "document separator" in self.said:
            return self.problem(self.context, "this quote is never closed")
        line = self.source.line(self.at.line)
        column = self.at.column
        if self.char(self.at) != "\\":
            column = line.rfind("\\", 0, column) + 1 or column
        escape = line[column - 1 : column + 1]
        hint = "write `\\\\` for a backslash, or use single quotes"
        return self.problem(Mark(self.at.line, column), f"`{escape}` is no escape in quotes", hint)

    def bad_start(self) -> Problem:
        char = self.char(self.at)
        if char == "\t":
            return self.problem(self.at, "a tab can't indent in YAML", "use spaces")
        return self.problem(self.at, f"a value can't begin with `{char}`", QUOTE_HINT)

    def second_colon(self) -> Problem:
        line = self.source.line(self.at.line)
        before = _KEY_ON_LINE.match(line[: self.at.column - 1])
        if before:
            rest = line[before.end() :].strip()
            hint = f"quote it: {_quoted(rest)}" if rest else QUOTE_HINT
            start = Mark(self.at.line, before.end() + 1)
            return self.problem(start, "a value with `: ` in it needs quotes", hint)
        above = self.line_above(self.at.line)
        text = self.source.line(above)
        if above and not _KEY_ON_LINE.match(text + " ") and not text.lstrip().startswith("- "):
            start = Mark(above, _indent(text) + 1)
            return self.problem(start, f"`{text.split(' #')[0].strip()}` has no `:` after it")
        further = self.line_above(above)
        # Two neighbours agree and the line between them does not: that one is wrong.
        if above and further and self.indent(further) == self.indent(self.at.line):
            message = "wrong indentation: the line below belongs to no block"
            return self.problem(Mark(above, self.indent(above) + 1), message)
        start = Mark(self.at.line, _indent(line) + 1)
        return self.problem(start, "wrong indentation: this line continues the value above it")

    def in_brackets(self) -> Problem:
        char = self.char(self.at)
        line = self.source.line(self.at.line)
        bracket = self.open_bracket() or self.context
        if char == "{" and line[self.at.column - 2 : self.at.column - 1] == "$":
            return self.cut_reference(line)
        if not self.source.text[self.source.offset(self.at) :].strip():
            return self.unclosed(bracket)
        closing = _CLOSING.get(self.char(bracket), "}")
        if char in "}]" and char != "":
            text = f"`{char}` closes the `{self.char(bracket)}` of column {bracket.column}"
            return self.problem(self.at, text, f"write `{closing}` first")
        if char in ",:" and char != "":
            return self.problem(self.at, f"there is no value before this `{char}`", QUOTE_HINT)
        where = f"the `{self.char(bracket)}` on line {bracket.line}"
        return self.problem(self.at, f"expected `,` or `{closing}` for {where}", QUOTE_HINT)

    def cut_reference(self, line: str) -> Problem:
        """`{require: a >= ${params.x}}`: inside braces a plain value ends at `{`."""
        head = line[: self.at.column - 2]
        begin = max(head.rfind(": ") + 1, head.rfind("[") + 1, head.rfind(",") + 1)
        begin += len(head[begin:]) - len(head[begin:].lstrip())
        close = line.find("}", self.at.column)
        end = close + 1 if close >= 0 else len(line)
        end += len(re.match(r"[^,}\]]*", line[end:]).group().rstrip())  # type: ignore[union-attr]
        message = "inside `{…}` or `[…]` the `{` of `${…}` ends the value"
        hint = f"quote it: {_quoted(line[begin:end])}"
        return self.problem(Mark(self.at.line, begin + 1), message, hint)

    def unclosed(self, bracket: Mark) -> Problem:
        char = self.char(bracket)
        hint = f"write `{_CLOSING.get(char, '}')}` at the end"
        return self.problem(bracket, f"this `{char}` is not closed", hint)

    def open_bracket(self) -> Mark | None:
        stack: list[Mark] = []
        for token in self.tokens:
            if token.start >= self.at:
                break
            if token.name.startswith("Flow"):
                if token.name.endswith("StartToken"):
                    stack.append(token.start)
                elif token.name.endswith("EndToken") and stack:
                    stack.pop()
        return stack[-1] if stack else None

    def in_block(self) -> Problem:
        char = self.char(self.at)
        line = self.source.line(self.at.line)
        before = line[: self.at.column - 1]
        if before.strip():
            if char in "}]" and char != "":
                return self.problem(self.at, f"this `{char}` closes nothing", QUOTE_HINT)
            if before.rstrip()[-1] in "\"'":
                message = "there is text after the closing quote"
                return self.problem(self.at, message, "quote the value as a whole")
            if "sequence entries" in self.said:
                return self.problem(self.at, "a list item can't begin here", QUOTE_HINT)
            return self.problem(self.at, f"`{char}` is not expected here", QUOTE_HINT)
        above = self.source.line(self.line_above(self.at.line))
        if " #" in above and not _KEY_ON_LINE.match(line + " "):
            message = "the value ended at the ` #` above, so this line belongs to nothing"
            return self.problem(self.at, message, QUOTE_HINT)
        if line[self.at.column - 1 :].startswith("- ") and "block mapping" in self.said:
            return self.problem(self.at, "a list item can't stand among `key: value` lines")
        if "block collection" in self.said:
            return self.problem(self.at, "expected `- ` as on the other items of this list")
        parent = self.at.line
        while parent and self.indent(parent) >= self.at.column - 1:
            parent = self.line_above(parent)
        sibling = self.line_above(parent)
        while sibling and self.indent(sibling) >= self.at.column:
            sibling = self.line_above(sibling)
        # The less indented line above is the wrong one when its neighbours agree with each other,
        # when it left the key above it empty, or when no other line is indented like it.
        agree = bool(sibling) and self.indent(sibling) == self.at.column - 1
        emptied = bool(parent) and self.is_empty_key(self.line_above(parent), self.indent(parent))
        indents = [_indent(text) for text in self.source.text.splitlines() if text.strip()]
        alone = indents.count(self.indent(parent)) == 1 < indents.count(self.at.column - 1)
        if parent and (agree or emptied or alone):
            message = f"wrong indentation: line {self.at.line} no longer fits below this"
            return self.problem(Mark(parent, self.indent(parent) + 1), message)
        return self.problem(self.at, "wrong indentation: no block is open at this column")

    def goes_on(self, bracket: Mark) -> bool:
        """Whether a bracket was meant to be closed on a later line: what follows is indented."""
        rest = self.source.line(bracket.line)[bracket.column :].split(" #")[0].rstrip()
        if rest and rest[-1] not in ",{[":
            return False
        below = self.source.line(bracket.line + 1)
        return below.lstrip()[:1] in ("}", "]") or _indent(below) > self.indent(bracket.line)

    def is_empty_key(self, number: int, indent: int) -> bool:
        """Whether a line is a `key:` without a value, at this indentation."""
        text = self.source.line(number).split(" #")[0].rstrip()
        return text.endswith(":") and _indent(text) == indent

    def line_above(self, number: int) -> int:
        """The nearest line above that is not blank or a comment; 0 when there is none."""
        for n in range(number - 1, 0, -1):
            text = self.source.line(n).strip()
            if text and not text.startswith("#"):
                return n
        return 0

    def indent(self, number: int) -> int:
        return _indent(self.source.line(number))


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _quoted(text: str) -> str:
    text = text.strip()
    if len(text) > 72:
        text = text[:71] + "…"
    return f"'{text}'" if "'" not in text else '"' + text.replace('"', '\\"') + '"'


def _tokens(source: Source) -> list[_Token]:
    """The tokens before the fault; the scanner may stop earlier than the parser did."""
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: list[_Token] = []
    try:
        for token in yaml.scan(source.text, Loader=loader):
            start, end = _mark(token.start_mark), _mark(token.end_mark)
            if start is not None and end is not None:
                quoted = getattr(token, "style", None) in ("'", '"')
                found.append(_Token(type(token).__name__, start, end, quoted))
    except yaml.YAMLError:
        pass
    return found
