"""Completion scripts for bash, zsh and fish. Called by `mltui completion`.

Everything in them is known when they are made (commands, options, choices) but stages, which are
asked of `mltui ls stages -o name` when they are completed.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from mltui.actions.listed import DOCKER, KUBE
from mltui.cli.main import COMMANDS, parser_of

STAGES = frozenset(("STAGE", "LABEL"))
"""Metavars of arguments that name stages."""


@dataclass(frozen=True, slots=True)
class Command:
    """What can be written after one command."""

    name: str
    summary: str
    options: tuple[tuple[str, str, bool], ...]
    """An option, what it does, whether a value follows."""
    words: tuple[str, ...]
    """What its arguments can be, where that is known."""
    takes_stages: bool


def commands() -> list[Command]:
    """All of them, from their own parsers."""
    found = []
    for name, summary in COMMANDS.items():
        parser, _ = parser_of(name)
        options: list[tuple[str, str, bool]] = []
        words: list[str] = []
        takes_stages = False
        for action in parser._actions:
            takes_value = action.nargs != 0
            text = "" if action.help in (None, argparse.SUPPRESS) else str(action.help)
            options += [(each, text, takes_value) for each in action.option_strings]
            if not action.option_strings:
                words += [str(each) for each in action.choices or ()]
                metavar = action.metavar if isinstance(action.metavar, str) else action.dest
                takes_stages = takes_stages or metavar.upper() in STAGES
        if name == "ls":
            from mltui.cli.listing import KINDS, SERVING

            words += dict.fromkeys((*KINDS, *SERVING, *DOCKER, *KUBE))
        if name == "help":
            words += COMMANDS
        found.append(Command(name, summary, tuple(options), tuple(words), takes_stages))
    return found


def script(shell: str) -> str:
    """The script for a shell: `bash`, `zsh`, `fish`."""
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](commands())


_NAMES = "mltui ls stages -o name 2>/dev/null"


def _bash(found: list[Command]) -> str:
    cases = []
    for each in found:
        options = " ".join(option for option, _, _ in each.options)
        words = " ".join(each.words) + (f" $({_NAMES})" if each.takes_stages else "")
        cases.append(f'    {each.name}) options="{options}"; words="{words.strip()}" ;;')
    names = " ".join(each.name for each in found)
    return f"""\
# bash completion of mltui: source <(mltui completion bash)
_mltui() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} name="" options="" words="" at=1
  while [ $at -lt $COMP_CWORD ]; do
    case ${{COMP_WORDS[at]}} in
      -C) at=$((at + 1)) ;;
      -*) ;;
      *) name=${{COMP_WORDS[at]}}; break ;;
    esac
    at=$((at + 1))
  done
  case $name in
    "") options="-C --version --help"; words="{names}" ;;
{chr(10).join(cases)}
  esac
  if [[ $word == -* ]]; then words=$options; fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}}
complete -o default -F _mltui mltui
"""


def _quoted(text: str) -> str:
    return text.replace("\\", "").replace("'", "’").replace("[", "(").replace("]", ")")


def _zsh(found: list[Command]) -> str:
    names = "\n".join(f"    '{each.name}:{_quoted(each.summary)}'" for each in found)
    cases = []
    for each in found:
        specs = [
            f"'{option}[{_quoted(text)}]{':value:_files' if takes else ''}'"
            for option, text, takes in each.options
        ]
        if each.words or each.takes_stages:
            words = " ".join(each.words)
            if each.takes_stages:
                specs.append(f"'*:word:{{compadd -- {words} ${{(f)\"$({_NAMES})\"}}}}'")
            else:
                specs.append(f"'*:word:({words})'")
        else:
            specs.append("'*:file:_files'")
        lines = " \\\n        ".join(specs)
        cases.append(f"    {each.name}) _arguments {lines} ;;")
    return f"""\
#compdef mltui
# zsh completion of mltui: mltui completion zsh > ~/.zfunc/_mltui
_mltui() {{
  local -a names
  names=(
{names}
  )
  if [[ $words[2] == -C ]] && (( CURRENT > 3 )); then  # as if started in that folder
    words=($words[1] $words[4,-1])
    (( CURRENT -= 2 ))
  elif [[ $words[2] == -C ]]; then
    _files -/
    return
  fi
  if (( CURRENT == 2 )); then
    _describe command names
    return
  fi
  local name=$words[2]
  shift words
  (( CURRENT-- ))
  case $name in
{chr(10).join(cases)}
  esac
}}
if [[ $funcstack[1] == _mltui ]]; then  # loaded from $fpath, by the first completion
  _mltui "$@"
else
  compdef _mltui mltui
fi
"""


def _fish(found: list[Command]) -> str:
    lines = [
        "# fish completion of mltui: mltui completion fish > ~/.config/fish/completions/mltui.fish",
        "complete -c mltui -f -n __fish_use_subcommand",
        "complete -c mltui -n __fish_use_subcommand -s C -r -d 'as if started in a folder'",
    ]
    for each in found:
        summary = _quoted(each.summary)
        lines.append(f"complete -c mltui -n __fish_use_subcommand -a {each.name} -d '{summary}'")
        seen = f"-n '__fish_seen_subcommand_from {each.name}'"
        for option, text, takes in each.options:
            name = f"-l {option[2:]}" if option.startswith("--") else f"-s {option[1:]}"
            value = " -r" if takes else ""
            lines.append(f"complete -c mltui {seen} {name}{value} -d '{_quoted(text)}'")
        words = " ".join(each.words) + (f" ({_NAMES})" if each.takes_stages else "")
        if words.strip():
            lines.append(f'complete -c mltui {seen} -f -a "{words.strip()}"')
    return "\n".join(lines) + "\n"
