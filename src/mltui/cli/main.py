"""Finds the command that was asked for, imports it alone, and turns how it went into an exit code.

Called by `mltui.__main__`, and by tests with arguments of their own. Only the chosen command's
parser is built: eighteen of them would cost more than `mltui ls` may take.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence

from mltui.cli import diagnostics
from mltui.cli.output import Output

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` itself would cost `mltui ls` a tenth of what it may take
    from typing import Any, NoReturn, Protocol

    class Command(Protocol):
        """What a module of `commands/` has; also `EPILOG` where its help has more to say."""

        def add_arguments(self, parser: argparse.ArgumentParser) -> None:
            """Declare its options."""
            ...

        def run(self, args: argparse.Namespace, out: Output) -> int:
            """Do it; the exit code."""
            ...


GROUPS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Run",
        (
            ("run", "run the pipeline, or some stages of it, and follow it"),
            ("attach", "follow a run again"),
            ("retry", "new attempts at what failed, in the same run"),
            ("resume", "go on with runs whose runner is gone"),
            ("cancel", "end a run, or one stage of it"),
            ("decide", "decide a gate that was not passed"),
            ("build", "build an environment, also without the cache"),
        ),
    ),
    (
        "Look",
        (
            ("open", "the workbench, begun with a list of a cluster or of Docker, or on a bundle"),
            ("ls", "list runs, stages, containers, pods, …"),
            ("triage", "what is wrong, why, and what would fix it"),
            ("bundle", "all that is known of an incident in one file, to hand over"),
            ("logs", "logs of stages, builds, containers and pods"),
            ("describe", "a page about one thing out there, or the whole of it"),
            ("exec", "a command or a shell in a pod"),
            ("forward", "lead a port of this machine into a cluster"),
            ("table", "runs with chosen metrics and params, sorted"),
            ("diff", "runs side by side"),
            ("explain", "why a stage runs or is taken from the cache"),
            ("get", "copy a stage's output out of the store"),
            ("shell", "a shell in a stage's image or environment, with its inputs"),
        ),
    ),
    (
        "Serve",
        (
            ("serve", "serve the project's services"),
            ("deploy", "serve what a run accepted"),
            ("scale", "another number of replicas"),
            ("restart", "new replicas of the same version"),
            ("stop", "end services, or switch a monitor off"),
            ("rollback", "serve an earlier version again"),
            ("promote", "serve on another target what is served on this one"),
            ("measure", "run a monitor now, or switch it on"),
        ),
    ),
    (
        "Keep",
        (
            ("note", "say something of a run, or tag it"),
            ("gc", "free what no run or cache needs"),
            ("pin", "keep a run from gc"),
            ("unpin", "no longer keep a run from gc"),
        ),
    ),
    (
        "Project",
        (
            ("init", "write a first mltui.yaml here"),
            ("validate", "check mltui.yaml"),
            ("schema", "the JSON Schema of mltui.yaml, for editors"),
            ("demo", "run a sample project and open the workbench on it"),
        ),
    ),
    (
        "mltui",
        (
            ("doctor", "what works here, what is missing, how to get it"),
            ("config", "every setting, and where its value comes from"),
            ("completion", "a completion script for bash, zsh or fish"),
        ),
    ),
)
COMMANDS = {name: summary for _, group in GROUPS for name, summary in group}

_INTRO = """\
usage: mltui [-C DIR] [COMMAND …]

A terminal workbench for machine-learning pipelines in containers.
Without a command: the workbench on the project here. Any subfolder of a project will do.
"""
_OUTRO = """\
Options:
  -C DIR         as if started in DIR
  --version      the version
  -h, --help     this; `mltui COMMAND --help` says more of one command

Exit codes: 0 done · 1 a stage failed, or findings · 2 wrong usage or mltui.yaml ·
3 engine or journal unusable · 4 a gate was not passed · 130 interrupted (the run goes on)
"""


class Formatter(argparse.RawDescriptionHelpFormatter):
    """argparse's, told its width: asking for it itself imports `shutil`, a tenth of our time."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=26, width=min(Output().width or 80, 100) - 2)


class Parser(argparse.ArgumentParser):
    """argparse with our words for what is wrong, and the nearest right spelling."""

    rest = ""
    """The name of what follows `--`, where a command takes that as it is."""

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Its own options end at `--` where the rest is a command line of its own."""
        given = list(args or ())
        at = given.index("--") if self.rest and "--" in given else len(given)
        found = super().parse_args(given[:at], namespace)
        if self.rest:
            setattr(found, self.rest, given[at + 1 :])
        return found

    def error(self, message: str) -> NoReturn:
        """One sentence and exit code 2, instead of the whole usage."""
        prefix = "unrecognized arguments: "
        if message.startswith(prefix):
            from mltui.spec.spelling import nearest

            word = message.removeprefix(prefix).split()[0]
            message = f"unknown option `{word}`" if word[0] == "-" else f"what is `{word}`?"
            near = nearest(word, self._option_string_actions) if word[0] == "-" else None
            message += f" (did you mean `{near}`?)" if near else ""
        diagnostics.fail(f"{message}; see `{self.prog} --help`")
        raise SystemExit(diagnostics.WRONG)


def help_text() -> str:
    """What `mltui --help` prints."""
    parts = [_INTRO]
    for title, group in GROUPS:
        parts.append(f"{title}:")
        parts += [f"  {name:<15}{summary}" for name, summary in group]
        parts.append("")
    return "\n".join([*parts, _OUTRO]).rstrip()


def parser_of(name: str) -> tuple[Parser, Command]:
    """A command and its parser; imports the command's module."""
    module: Any = importlib.import_module(f"mltui.cli.commands.{name}")
    parser = Parser(
        prog=f"mltui {name}",
        description=COMMANDS[name][0].upper() + COMMANDS[name][1:] + ".",
        epilog=getattr(module, "EPILOG", None),
        formatter_class=Formatter,
        allow_abbrev=False,
    )
    module.add_arguments(parser)
    return parser, module


def main(argv: Sequence[str]) -> int:
    """Run one command line; the exit code. Comes back to the folder it was called in."""
    out = Output()
    before = _here()
    try:
        return _guarded(list(argv), out)
    finally:
        if before is not None and _here() != before:
            os.chdir(before)


def _here() -> str | None:
    """The working folder; None when it has been removed."""
    try:
        return os.getcwd()  # noqa: PTH109 - `pathlib` costs more than all of this
    except FileNotFoundError:
        return None


def _guarded(argv: list[str], out: Output) -> int:
    try:
        code = _dispatch(argv, out)
        out.status("")
        out.flush()
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else diagnostics.DONE
    except BrokenPipeError:
        _close_quietly()
        return diagnostics.DONE
    except KeyboardInterrupt:
        return diagnostics.INTERRUPTED
    except Exception as error:
        if isinstance(error, FileNotFoundError) and _here() is None:
            diagnostics.fail("the folder that this was started in no longer exists")
            return diagnostics.WRONG
        _finish(lambda: out.status(""))
        return diagnostics.report(error)
    return code


def _finish(act: Callable[[], None]) -> None:
    try:
        act()
    except OSError:
        _close_quietly()


def _close_quietly() -> None:
    """Whoever read our output is gone; keep Python from saying so when it ends."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        pass


def _go_to(folder: str) -> None:
    """What `-C` asks for."""
    try:
        os.chdir(folder)
    except OSError as error:
        diagnostics.fail(f"-C {folder}: {error.strerror}")
        raise SystemExit(diagnostics.WRONG) from None


def _dispatch(argv: list[str], out: Output) -> int:
    while argv and argv[0].startswith("-"):
        option = argv.pop(0)
        if option in ("-h", "--help"):
            out.line(out.say(help_text()))
            return diagnostics.DONE
        if option in ("-V", "--version"):
            from mltui import __version__

            out.line(f"mltui {__version__}")
            return diagnostics.DONE
        if option == "-C" and argv:
            _go_to(argv.pop(0))
        elif option.startswith("-C") and len(option) > 2:
            _go_to(option[2:])
        else:
            wants = "-C needs a folder" if option == "-C" else f"unknown option `{option}`"
            diagnostics.fail(f"{wants}; see `mltui --help`")
            return diagnostics.WRONG
    if not argv:
        from mltui.cli.commands import home

        return home.run(out)
    name, *rest = argv
    if name == "help":
        if not rest:
            out.line(out.say(help_text()))
            return diagnostics.DONE
        name, rest = rest[0], ["--help"]
    if name not in COMMANDS:
        from mltui.spec.spelling import nearest

        near = f"ls {name}" if name in ("runs", "stages") else nearest(name, COMMANDS)
        hint = f"did you mean `mltui {near}`?" if near else "see `mltui --help`"
        diagnostics.fail(f"there is no command `{name}`: {hint}")
        return diagnostics.WRONG
    parser, command = parser_of(name)
    return command.run(parser.parse_args(rest), out)
