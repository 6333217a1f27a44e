"""Why a program that is there can't be run, or one is not there; of stages, containers and pods.

The kernel's words are few and mean several things: "exec format error" is another processor or a
script without a first line, "no such file" of a file that is there is what its first line names.
"""

from __future__ import annotations

import re

_NOT_THERE = re.compile(
    r'exec: \\?"(?P<a>[^"\\]+)\\?": (?:executable file not found|stat [^:]*: no such file)'
    r"|exec: (?P<b>[^\s:]+): (?:not found|executable file not found)"
)
_MAY_NOT = re.compile(r'exec: \\?"?(?P<a>[^"\\:\s]+)\\?"?: (?:permission denied|is a directory)')
_FORMAT = re.compile(r'(?:exec:? )?\\?"?(?P<a>[\w./@+-]*)\\?"?:? ?exec format error', re.IGNORECASE)
_INTERPRETER = re.compile(
    r"(?:^|[\s:])exec (?P<a>/?[^\s:\"]+): no such file or directory"
    r"|(?P<b>[^\s:]+): (?:[^:]+: )?bad interpreter"
)
_CRLF = re.compile(r"/usr/bin/env: [‘'](?P<a>[^\s'’]+?)(?:\\r|\^M)[’']: No such file"
                   r"|\^M: bad interpreter|\$'\\r': command not found")  # fmt: skip
_LIBRARY = re.compile(r"error while loading shared libraries: (?P<a>[^\s:]+): (?P<why>[^:]+)")
_VERSION = re.compile(r"(?P<lib>lib[\w.+-]+): version [`'](?P<a>[^\s']+)' not found")
_SCRIPTS = (".sh", ".bash", ".py", ".pl", ".rb", ".js", "entrypoint")


def why_not_run(said: str, image: str) -> tuple[str, str] | None:
    """The rest of a headline, `x may not be executed`, and a cause. `image`: what it is in."""
    if found := _LIBRARY.search(said):
        why = f"the shared library {found['a']}, which its program needs, can't be loaded"
        return f"it lacks the library {found['a']}", f"{why}: {found['why'].strip()}"
    if found := _VERSION.search(said):
        return (
            f"its {found['lib']} is too old",
            f"its program was built with a newer {found['lib']} ({found['a']}) than {image} has",
        )
    if _CRLF.search(said):
        return (
            "a script has Windows line ends",
            "a script has Windows line ends (CRLF), which become part of the names in it",
        )
    if found := _NOT_THERE.search(said):
        program = found["a"] or found["b"]
        return f"there is no program {program}", f"{image} has no program {program}"
    if found := _MAY_NOT.search(said):
        return (
            f"{found['a']} may not be executed",
            f"{found['a']} is in {image} and is not executable",
        )
    if found := _INTERPRETER.search(said):
        name = found["a"] or found["b"]
        return (
            f"what {name} is run by is not there",
            f"{name} is there, but what runs it is not: the program that its first line (#!) "
            "names, with any Windows line end, or its loader",
        )
    if found := _FORMAT.search(said):
        return _format(found["a"], image)
    return None


def _format(program: str, image: str) -> tuple[str, str]:
    if program.endswith(_SCRIPTS):
        return (
            f"{program} has no first line that says what runs it",
            f"{program} is a script without a first line like #!/bin/sh, so nothing can run it",
        )
    name = program or "its program"
    return (
        f"{name} is for another architecture",
        f"{name} in {image} is made for another processor than this machine's, or is a script "
        "without a first line like #!/bin/sh",
    )
