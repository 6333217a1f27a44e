"""Text with `${…}` in it: found when a project is read, filled when an attempt starts.

A string `run` is a shell script: values are quoted for `sh` as they go in, so a reference that
stands inside quotes already, or in a here-document, would be quoted twice or not at all; it is
refused. `$HOME`, `$(…)` and `$1` are the shell's; `$${x}` is a literal `${x}`. Read by
`mltui.spec.fields`, filled by the runner and by `mltui.pipeline` for the cache key.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from mltui.spec.model import Command, ParamValue, Ref, Template

SINGLES = ("metrics", "round", "port", "records")
"""References without a name after a dot."""
KINDS = ("inputs", "outputs", "params")
"""References with one: `${inputs.raw}`."""

UNCLOSED = " is not closed in the shell's eyes"
"""How the message about an open quote ends."""

_NAME = r"[A-Za-z_][A-Za-z0-9_-]*"
_REFERENCE = re.compile(rf"({_NAME})(?:\.({_NAME}))?")
_BRACES = re.compile(r"\$\{([^{}\n]*)\}")
_DOUBLED = re.compile(rf"\$\{{\{{\s*({_NAME}(?:\.{_NAME})?)\s*\}}\}}")
_SHELL_EXPANSION = re.compile(r"\$\{[A-Za-z_@*#!?0-9][A-Za-z0-9_]*[:#%/+=?^,\[-]")
_HEREDOC = re.compile(r"<<(-?)[ \t]*(?:'([^'\n]+)'|\"([^\"\n]+)\"|\\?([^\s'\"<>|&;()]+))")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at an offset of a text."""

    offset: int
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Spot:
    """A reference and its offset in the text."""

    offset: int
    ref: Ref


@dataclass(frozen=True, slots=True)
class ReadTemplate:
    """A template with where its references stand and what is wrong with it."""

    template: Template
    spots: tuple[Spot, ...]
    faults: tuple[Fault, ...]


def read_template(text: str, *, shell: bool = False) -> ReadTemplate:
    """Finds the references of a text; `shell` also minds the quotes of `sh` (POSIX 2.2, 2.7.4).

    A name alone that is no built-in (`${pair}`) becomes `Ref("item", "pair")`; whether such a
    variable, or any input or param, exists is for `mltui.spec.lint` to say.
    """
    scan = _Scan(text, shell)
    scan.run()
    return ReadTemplate(
        Template(text, tuple(scan.parts)), tuple(scan.spots), tuple(sorted(scan.faults, key=_at))
    )


def escape(text: str) -> str:
    """The template that means exactly this text."""
    return text.replace("${", "$${")


def format_value(value: ParamValue) -> str:
    """A value as a command sees it: text as it is, null as nothing, all else as compact JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def fill(template: Template, values: Mapping[Ref, ParamValue], *, shell: bool = False) -> str:
    """The text with its references replaced, quoted for `sh` when `shell`.

    Raises KeyError for a reference without a value: a fault of the caller, not of the project.
    """
    quote = shlex.quote if shell else str
    return "".join(
        part if isinstance(part, str) else quote(format_value(values[part]))
        for part in template.parts
    )


def render(command: Command, values: Mapping[Ref, ParamValue]) -> list[str]:
    """What to execute: a shell string as `sh -eu -c TEXT`, a list as it is.

    Raises KeyError for a reference without a value.
    """
    if command.shell is not None:
        return ["sh", "-eu", "-c", fill(command.shell, values, shell=True)]
    return [fill(template, values) for template in command.argv]


def _at(fault: Fault) -> int:
    return fault.offset


@dataclass(slots=True)
class _Scan:
    """One pass over a text. `context` holds the quotes and brackets that are open."""

    text: str
    shell: bool
    at: int = 0
    parts: list[str | Ref] = field(default_factory=list)
    spots: list[Spot] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    context: list[tuple[str, int]] = field(default_factory=list)
    heredocs: list[tuple[str, bool]] = field(default_factory=list)
    backslash: int = -2

    def run(self) -> None:
        while self.at < len(self.text):
            if self.text.startswith("$${", self.at):
                self.emit("${")
                self.at += 3
            elif self.text.startswith("${", self.at):
                self.reference()
            elif self.shell:
                self.shell_char()
            else:
                self.skip(1)
        for opened, offset in self.context:
            if opened in "'\"":
                hint = f"close it, or write `\\{opened}` for the character"
                self.faults.append(Fault(offset, f"this {opened}{UNCLOSED}", hint))
                break

    def emit(self, text: str) -> None:
        if self.parts and isinstance(self.parts[-1], str):
            self.parts[-1] += text
        elif text:
            self.parts.append(text)

    def skip(self, count: int) -> None:
        self.emit(self.text[self.at : self.at + count])
        self.at += count

    def fault(self, message: str, hint: str = "") -> None:
        self.faults.append(Fault(self.at, message, hint))

    def reference(self, where: str = "") -> None:
        found = _BRACES.match(self.text, self.at)
        if found is None or not _REFERENCE.fullmatch(found[1]):
            self.bad_reference(found)
            return
        name = _REFERENCE.fullmatch(found[1])
        assert name is not None
        opened = self.context[-1][0] if self.context else ""
        if opened in ("'", '"'):
            after = f"…{opened}{found[0]}{opened}…"
            self.fault(f"`{found[0]}` stands inside quotes", f"it is quoted as it goes in: {after}")
        elif where:
            hint = "use the environment variable, e.g. `$MLTUI_PARAM_X`"
            self.fault(f"`{found[0]}` stands inside {where}", hint)
        elif self.backslash == self.at - 1:
            self.fault("a backslash does not keep `${…}` literal", f"write `$${found[0][1:]}`")
        kind, rest = name[1], name[2] or ""
        ref = Ref("item", kind) if not rest and kind not in SINGLES else Ref(kind, rest)
        self.spots.append(Spot(self.at, ref))
        self.parts.append(ref)
        self.at = found.end()

    def bad_reference(self, found: re.Match[str] | None) -> None:
        doubled = _DOUBLED.match(self.text, self.at)
        if doubled:
            message = f"`{doubled[0]}` is not a reference"
            self.fault(message, f"write `${{{doubled[1]}}}`")
            self.skip(doubled.end() - self.at)
            return
        if _SHELL_EXPANSION.match(self.text, self.at):
            shown = found[0] if found else self.text[self.at :].split()[0]
            self.fault(f"`{shown}` is the shell's", f"write `${shown}` to leave it to the shell")
        elif found is None:
            self.fault("this `${` is not closed", "write `}` after the name, or `$${` for the text")
        else:
            inner = _REFERENCE.fullmatch(found[1].strip())
            hint = f"write `${{{inner[0]}}}`" if inner else "write e.g. `${params.seed}`"
            self.fault(f"`{found[0]}` is not a reference", hint)
        self.skip(found.end() - self.at if found else 2)

    def shell_char(self) -> None:
        char = self.text[self.at]
        opened = self.context[-1][0] if self.context else ""
        if opened == "'":
            if char == "'":
                self.context.pop()
        elif char == "\\":
            # The escaped character itself means nothing to the shell; `${` is looked at still.
            self.backslash = self.at
            self.skip(1 if self.text.startswith("\\$", self.at) else 2)
            return
        elif char == '"':
            if opened == '"':
                self.context.pop()
            else:
                self.context.append(('"', self.at))
        elif char == "`":
            if opened == "`":
                self.context.pop()
            else:
                self.context.append(("`", self.at))
        elif char == "(" and (opened != '"' or self.text[self.at - 1 : self.at] == "$"):
            self.context.append(("(", self.at))
        elif opened != '"':
            self.unquoted(char, opened)
            return
        self.skip(1)

    def unquoted(self, char: str, opened: str) -> None:
        if char == "'":
            self.context.append(("'", self.at))
        elif char == ")" and opened == "(":
            self.context.pop()
        elif char == "#" and (self.at == 0 or self.text[self.at - 1] in " \t\n;&|()"):
            # A comment is left as it is: a value with a line break in it would end it.
            end = self.text.find("\n", self.at)
            end = end if end >= 0 else len(self.text)
            self.emit(self.text[self.at : end].replace("$${", "${"))
            self.at = end
            return
        elif char == "<" and self.text.startswith("<<", self.at):
            if self.text.startswith("<<<", self.at):
                self.skip(3)
                return
            found = _HEREDOC.match(self.text, self.at)
            if found:
                word = found[2] or found[3] or found[4]
                self.heredocs.append((word, found[1] == "-"))
                self.skip(found.end() - self.at)
                return
        elif char == "\n" and self.heredocs:
            self.skip(1)
            self.heredoc_bodies()
            return
        self.skip(1)

    def heredoc_bodies(self) -> None:
        for word, strips in self.heredocs:
            while self.at < len(self.text):
                end = self.text.find("\n", self.at)
                end = len(self.text) if end < 0 else end + 1
                line = self.text[self.at : end].rstrip("\n")
                if (line.lstrip("\t") if strips else line) == word:
                    self.skip(end - self.at)
                    break
                while self.at < end:
                    if self.text.startswith("$${", self.at):
                        self.emit("${")
                        self.at += 3
                    elif self.text.startswith("${", self.at):
                        self.reference("a here-document")
                    else:
                        self.skip(1)
        self.heredocs = []
