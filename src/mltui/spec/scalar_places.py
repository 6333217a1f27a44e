"""Where in the file each character of a value stands.

A value is not its source text: quotes, escapes, folded lines and block indentation lie between
them. This walks the source as YAML 1.2 §7.3 and §8.1 say and keeps the place of every character,
so that an error inside a command points into the command. Called by `mltui.spec.fields`.
"""

from __future__ import annotations

import re

from mltui.spec.model import Mark
from mltui.spec.yaml12 import ScalarNode, Source

_BREAK = re.compile(r"\r\n|\r|\n")
_HEX = {"x": 2, "u": 4, "U": 8}
_ESCAPES = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "\t": "\t", "n": "\n", "v": "\v", "f": "\f",
    "r": "\r", "e": "\x1b", " ": " ", '"': '"', "/": "/", "\\": "\\", "N": "\x85", "_": "\xa0",
    "L": "\u2028", "P": "\u2029",
}  # fmt: skip
_Chars = list[tuple[str, int]]


def place_in(source: Source, node: ScalarNode, index: int) -> Mark:
    """The mark of character `index` of `node.text`; the value's own where it can't be told."""
    raw = source.text[node.start : node.end]
    if node.style in ("|", ">"):
        chars = _block(source.text, node.start, node.end, folded=node.style == ">")
    elif node.style:
        chars = _flow(raw[1:-1], node.start + 1, node.style)
    else:
        chars = _flow(raw, node.start, "")
    if "".join(char for char, _ in chars) != node.text:
        return node.mark
    if index >= len(chars):
        return source.mark(chars[-1][1] + 1) if chars else node.mark
    return source.mark(chars[index][1])


def _flow(raw: str, base: int, style: str) -> _Chars:
    """Plain, single and double quoted: line breaks fold, escapes stand for one character."""
    out: _Chars = []
    solid = 0  # characters of `out` that folding may not strip
    at = 0
    while at < len(raw):
        char = raw[at]
        found = _BREAK.match(raw, at)
        if found:
            del out[max(solid, len("".join(c for c, _ in out).rstrip(" \t"))) :]
            count = 0
            place = base + at
            while found:
                count += 1
                at = found.end()
                while raw[at : at + 1] in (" ", "\t") and at < len(raw):
                    at += 1
                found = _BREAK.match(raw, at)
            out += [(" ", place)] if count == 1 else [("\n", place)] * (count - 1)
            solid = len(out)
        elif style == "'" and char == "'":
            out.append(("'", base + at))
            at += 2
        elif style == '"' and char == "\\":
            at = _escape(raw, at, base, out)
            solid = len(out)
        else:
            out.append((char, base + at))
            at += 1
    return out


def _escape(raw: str, at: int, base: int, out: _Chars) -> int:
    code = raw[at + 1 : at + 2]
    found = _BREAK.match(raw, at + 1)
    if found:
        at = found.end()
        while raw[at : at + 1] in (" ", "\t") and at < len(raw):
            at += 1
        return at
    if code in _HEX:
        end = at + 2 + _HEX[code]
        out.append((chr(int(raw[at + 2 : end], 16)), base + at))
        return end
    out.append((_ESCAPES.get(code, code), base + at))
    return at + 2


def _block(text: str, start: int, end: int, *, folded: bool) -> _Chars:
    """Literal and folded blocks, with their indentation and chomping indicators."""
    first = _BREAK.search(text, start)
    if first is None:
        return []
    header = text[start : first.start()].split("#")[0]
    lines: list[tuple[int, str]] = []
    at = first.end()
    while at < max(end, first.end()) and at < len(text):
        found = _BREAK.search(text, at)
        stop = found.start() if found else len(text)
        lines.append((at, text[at:stop]))
        at = found.end() if found else len(text) + 1
    ends_in_break = at <= len(text)
    full = [line for _, line in lines if line.strip(" ")]
    indent = len(full[0]) - len(full[0].lstrip(" ")) if full else 0
    digit = re.search("[1-9]", header)
    if digit:
        parent = _parent_indent(text, start)
        indent = parent + int(digit.group())
    out: _Chars = []
    pending: _Chars = []
    was_plain: bool | None = None  # None before the first line with content
    for number, (offset, line) in enumerate(lines):
        content = line[indent:]
        if content:
            is_plain = content[0] not in " \t"
            if folded and was_plain and is_plain and pending:
                pending = [(" ", pending[0][1])] if len(pending) == 1 else pending[1:]
            out += pending
            out += [(char, offset + indent + i) for i, char in enumerate(content)]
            pending = []
            was_plain = is_plain
        if number + 1 < len(lines) or ends_in_break:
            pending.append(("\n", offset + len(line)))
    if "+" in header:
        return out + pending
    return out if "-" in header or was_plain is None else out + pending[:1]


def _parent_indent(text: str, start: int) -> int:
    """The indentation of the mapping or list that a block scalar is in."""
    begin = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    lead = re.compile(r"[ ]*(?:- +)*").match(text, begin, start)
    end = lead.end() if lead else begin
    return text.rfind("-", begin, start) - begin if end == start else end - begin
