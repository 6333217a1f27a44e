"""Writes docs/reference/commands.md from the commands' own declarations.

    python -m mltui.cli.reference > docs/reference/commands.md
    python -m mltui.cli.reference docs/reference     (all generated pages: `make reference`)

A test fails when the file says something else.
"""

from __future__ import annotations

import argparse

from mltui.cli.main import COMMANDS, GROUPS, parser_of

_HEAD = """\
# Commands

Made by `python -m mltui.cli.reference`; do not edit. Options before the command: `-C DIR` (as if
started in DIR), `--version`, `--help`. Any subfolder of a project will do. What `-o json` and
`--json` print is in [json.md](json.md).

| exit code | means |
|---|---|
| 0 | done |
| 1 | a stage failed, or there are findings |
| 2 | wrong usage, or a wrong `mltui.yaml` |
| 3 | an engine is unreachable or refuses, or the journal can't be used |
| 4 | a gate was not passed |
| 130 | interrupted; the run goes on |

A label names a stage as it is shown: `train`, `train~3` (round 3), `train~2:3` (round 3 of a loop
in round 2 of another), `train~3.2` (its second attempt), `translate[en-es]` (an item).

## mltui

Without a command: the workbench on the project here; without a terminal, the newest run's stages as
a table.
"""


def commands_markdown() -> str:
    """The page."""
    parts = [_HEAD]
    for title, group in GROUPS:
        parts.append(f"\n## {title}\n")
        for name, _ in group:
            parts.append(_command(name))
    return "".join(parts)


def _command(name: str) -> str:
    parser, module = parser_of(name)
    actions = [a for a in parser._actions if not isinstance(a, argparse._HelpAction)]
    words = " ".join(_word(action) for action in actions if not action.option_strings)
    summary = COMMANDS[name]
    lines = [f"\n### mltui {name}", "", f"`mltui {name}{' ' + words if words else ''}`", ""]
    lines += [summary[0].upper() + summary[1:] + ".", ""]
    if actions:
        lines += ["| option | what it does |", "|---|---|"]
        lines += [f"| {_option(action)} | {action.help} |" for action in actions]
        lines.append("")
    epilog = getattr(module, "EPILOG", "")
    if epilog.startswith("examples:\n"):
        examples, _, after = epilog.removeprefix("examples:\n").partition("\n\n")
        code = [line.removeprefix("  ").rstrip() for line in examples.splitlines()]
        lines += ["```", *code, "```", ""]
        lines += [after.strip(), ""] if after.strip() else []
    elif epilog:
        lines += [epilog.strip(), ""]
    return "\n".join(lines)


def _word(action: argparse.Action) -> str:
    """A positional argument as it is written."""
    name = action.metavar if isinstance(action.metavar, str) else action.dest
    if action.nargs == "*":
        return f"[{name} …]"
    return f"[{name}]" if action.nargs == "?" else name


def _option(action: argparse.Action) -> str:
    if not action.option_strings:
        return f"`{_word(action)}`".replace("|", "\\|")
    value = ""
    if action.nargs != 0:
        choices = "\\|".join(map(str, action.choices)) if action.choices else ""
        value = f" {choices or action.metavar or action.dest.upper()}"
    return ", ".join(f"`{name}{value}`" for name in action.option_strings)


if __name__ == "__main__":
    import sys
    from pathlib import Path

    if sys.argv[1:]:
        from mltui.cli.referencing import PAGES

        for file, made in {**PAGES, "commands.md": commands_markdown}.items():
            (Path(sys.argv[1]) / file).write_text(made(), encoding="utf-8")
    else:
        print(commands_markdown(), end="")
