"""A Dockerfile as instructions with their lines, so that a failing step can be shown in it. Pure.

Called by the builders, which map what a builder calls a step to a line, and by the engine for the
base images. Source: Dockerfile reference (parser directives, line continuation, heredocs, ARG).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_DIRECTIVE = re.compile(r"#\s*(?P<name>[a-zA-Z][a-zA-Z0-9]*)\s*=\s*(?P<value>.+?)\s*$")
_HEREDOC = re.compile(
    r"(?<!<)<<(?P<tabs>-?)\s*(?P<quote>['\"]?)(?P<word>[A-Za-z_][\w.]*)(?P=quote)"
)
_VARIABLE = re.compile(
    r"\\(?P<escaped>.)|\$(?:\{(?P<braced>\w+)(?::?(?P<op>[-+])(?P<word>[^}]*))?\}|(?P<bare>\w+))"
)
_VERTEX = re.compile(
    r"\[(?:(?P<stage>.+) )?(?P<index>\d+)/(?P<total>\d+)\] (?P<text>.*)", re.DOTALL
)
_FLAG = re.compile(r"--(?P<name>[a-z-]+)(?:=(?P<value>\S*))?\s*")
_STEPS = frozenset({"RUN", "COPY", "ADD", "WORKDIR"})
"""What BuildKit counts in `[stage 2/4]`, beside a FROM that is an image."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction. `text` is what follows the keyword, in one line; lines count from 1."""

    keyword: str
    text: str
    line: int
    end: int
    stage: int
    """Which FROM it belongs to, from 0; -1 before the first."""

    @property
    def flags(self) -> dict[str, str]:
        """`--from=x` and the like before its words."""
        found, rest = {}, self.text
        while match := _FLAG.match(rest):
            found[match["name"]] = match["value"] or ""
            rest = rest[match.end() :]
        return found

    @property
    def words(self) -> list[str]:
        """Its words after the flags, cut at white space."""
        rest = self.text
        while match := _FLAG.match(rest):
            rest = rest[match.end() :]
        return rest.split()


@dataclass(frozen=True, slots=True)
class Stage:
    """A FROM and what follows it."""

    index: int
    name: str
    """As BuildKit calls it: the name after AS in lower case, else `stage-N`."""
    base: str
    """What is after FROM, variables not yet replaced."""
    start: Instruction


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """A Dockerfile that was read; whether it makes sense is the builder's to say."""

    text: str
    instructions: tuple[Instruction, ...]
    stages: tuple[Stage, ...]
    escape: str = "\\"
    _counted: dict[tuple[int, bool], tuple[Instruction, ...]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def line(self, number: int) -> str:
        """A line's text; empty when there is none."""
        lines = self.text.splitlines()
        return lines[number - 1] if 0 < number <= len(lines) else ""

    def bases(self, args: Mapping[str, str], target: str | None = None) -> dict[str, Instruction]:
        """The images it starts from or copies from, up to the stage `target`; name → where."""
        values = self._global_args(args)
        last = self._target_index(target)
        names: set[str] = set()
        found: dict[str, Instruction] = {}
        for stage in self.stages[: last + 1]:
            base = substitute(stage.base, values)
            if base.lower() not in names and base != "scratch" and "$" not in base and base:
                found.setdefault(base, stage.start)
            names.update((stage.name, str(stage.index)))
        for each in self.instructions:
            source = each.flags.get("from", "") if each.keyword == "COPY" else ""
            is_image = source and source.lower() not in names and not source.isdigit()
            if is_image and "$" not in source and each.stage <= last:
                found.setdefault(source, each)
        return found

    def _global_args(self, args: Mapping[str, str]) -> dict[str, str]:
        values: dict[str, str] = {}
        for each in self.instructions:
            if each.keyword == "ARG" and each.stage < 0:
                for word in each.words:
                    name, is_set, default = word.partition("=")
                    if name in args:
                        values[name] = args[name]
                    elif is_set:
                        values[name] = substitute(default.strip("\"'"), values)
        return values

    def _target_index(self, target: str | None) -> int:
        for stage in self.stages:
            if target and target.lower() in (stage.name, str(stage.index)):
                return stage.index
        return len(self.stages) - 1

    def declares(self, name: str) -> bool:
        """Whether it has an `ARG name`."""
        return any(
            each.keyword == "ARG" and name in (word.partition("=")[0] for word in each.words)
            for each in self.instructions
        )

    def at_step(self, number: int) -> Instruction | None:
        """The instruction of the classic builder's `Step number/…`."""
        return self.instructions[number - 1] if 0 < number <= len(self.instructions) else None

    def at_vertex(self, name: str) -> tuple[str, Instruction | None]:
        """Of BuildKit's `[stage-0 2/4] RUN …`: the stage's name, the instruction if it is known."""
        match = _VERTEX.fullmatch(name)
        if match is None or not self.stages:
            return "", None
        wanted = (match["stage"] or "").split(" ")[-1].lower()
        stage = next((s for s in self.stages if s.name == wanted), None)
        if stage is None:
            if wanted:
                return wanted, None
            stage = self.stages[-1]
        keyword = match["text"].split(" ", 1)[0].upper()
        for has_base in (True, False):
            steps = self._steps(stage.index, has_base)
            index, total = int(match["index"]), int(match["total"])
            fits = len(steps) == total and 0 < index <= total
            if fits and steps[index - 1].keyword == keyword:
                return stage.name, steps[index - 1]
        # Counted otherwise by this builder: the text decides, if only one has it.
        plain = "".join(match["text"].split())
        same = [
            each
            for each in self.instructions
            if each.stage == stage.index and "".join(f"{each.keyword}{each.text}".split()) == plain
        ]
        return stage.name, same[0] if len(same) == 1 else None

    def _steps(self, stage: int, has_base: bool) -> tuple[Instruction, ...]:
        key = (stage, has_base)
        if key not in self._counted:
            self._counted[key] = tuple(
                each
                for each in self.instructions
                if each.stage == stage
                and (each.keyword in _STEPS or (has_base and each.keyword == "FROM"))
            )
        return self._counted[key]

    def excerpt(self, line: int, end: int | None = None, around: int = 2) -> list[str]:
        """The lines around a place, `>>>` before those meant, as BuildKit prints them."""
        lines = self.text.splitlines()
        last = min(max(end or line, line), line + 7)
        first, until = max(1, line - around), min(len(lines), last + around)
        return [
            f"{number:4} | {'>>>' if line <= number <= last else '   '} {lines[number - 1]}"
            for number in range(first, until + 1)
        ]


def parse(text: str) -> Dockerfile:
    """Read a Dockerfile. Never fails: what is wrong is the builder's to say, with its line."""
    lines = text.removeprefix("\ufeff").splitlines()
    escape = _escape(lines)
    continued = re.compile(rf"{re.escape(escape)}[ \t]*$")
    instructions: list[Instruction] = []
    stages: list[Stage] = []
    at = 0
    while at < len(lines):
        first = lines[at].strip()
        start = at + 1
        at += 1
        if not first or first.startswith("#"):
            continue
        parts = [first]
        while continued.search(parts[-1]) and at < len(lines):
            parts[-1] = continued.sub("", parts[-1])
            following = lines[at].strip()
            at += 1
            while (not following or following.startswith("#")) and at < len(lines):
                following = lines[at].strip()
                at += 1
            parts.append("" if following.startswith("#") else following)
        parts[-1] = continued.sub("", parts[-1])
        logical = " ".join(part.strip() for part in parts if part.strip())
        keyword, _, rest = logical.partition(" ")
        keyword = keyword.upper()
        if keyword in ("RUN", "COPY", "ADD"):
            at = _after_heredocs(lines, at, rest)
        if keyword == "FROM":
            stages.append(_stage(len(stages), rest, start, at))
        instructions.append(Instruction(keyword, rest.strip(), start, at, len(stages) - 1))
    return Dockerfile(text, tuple(instructions), tuple(stages), escape)


def _escape(lines: Sequence[str]) -> str:
    for line in lines:
        match = _DIRECTIVE.match(line.strip())
        if match is None:
            break
        if match["name"].lower() == "escape" and match["value"] in ("`", "\\"):
            return match["value"]
    return "\\"


def _after_heredocs(lines: Sequence[str], at: int, text: str) -> int:
    """The line after the last heredoc that an instruction opens."""
    for match in _HEREDOC.finditer(text):
        end = at
        while end < len(lines):
            line = lines[end].lstrip("\t") if match["tabs"] else lines[end]
            end += 1
            if line == match["word"]:
                at = end
                break
    return at


def _stage(index: int, rest: str, line: int, end: int) -> Stage:
    start = Instruction("FROM", rest.strip(), line, end, index)
    words = start.words
    base = words[0] if words else ""
    name = words[2].lower() if len(words) == 3 and words[1].upper() == "AS" else f"stage-{index}"
    return Stage(index, name, base, start)


def substitute(text: str, values: Mapping[str, str]) -> str:
    """Replace `$NAME`, `${NAME}`, `${NAME:-word}`, `${NAME:+word}`; the unknown stay."""

    def put(match: re.Match[str]) -> str:
        if match["escaped"] is not None:
            return match["escaped"]
        value = values.get(match["braced"] or match["bare"])
        if match["op"] == "-":
            return value or substitute(match["word"], values)
        if match["op"] == "+":
            return substitute(match["word"], values) if value else ""
        return match[0] if value is None else value

    return _VARIABLE.sub(put, text)
