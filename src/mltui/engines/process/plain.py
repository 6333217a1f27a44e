"""Which commands need no shell: the words of one program call, nothing to expand or to combine.

A stage's command written as text runs as `sh -eu -c TEXT`. Where the text is only a program and its
words, the program is started itself, as make does it: the same thing without a shell in between.
Whatever is not certainly the same goes to the shell. Used by the process engine only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_SHELL = ("sh", "-eu", "-c")
_WORD = r"(?:[A-Za-z0-9_@%+:,./=-]|'[^'\n]*')+"
_CALL = re.compile(rf"[ \t\n]*{_WORD}(?:[ \t]+{_WORD})*[ \t\n]*")
_PIECE = re.compile(r"'([^']*)'|([^\s']+)|([ \t\n]+)")
# Commands of POSIX shells, of dash and of bash: they do other things than programs so named, or
# there are none. A function can't be defined without characters that `_WORD` lacks.
_NAMES = (
    ". : [ alias bg bind break builtin caller case cd chdir command compgen complete compopt "
    "continue coproc declare dirs disown do done echo elif else enable esac eval exec exit export "
    "false fc fg fi for function getopts hash help history if in jobs kill let local logout "
    "mapfile popd printf pushd pwd read readarray readonly return select set shift shopt source "
    "suspend test then time times trap true type typeset ulimit umask unalias unset until wait "
    "while"
)
_BUILTINS = frozenset(_NAMES.split())


def without_shell(argv: Sequence[str]) -> tuple[str, ...] | None:
    """The call that a shell command comes to; None when it takes a shell, or is none."""
    if len(argv) != 4 or tuple(argv[:3]) != _SHELL or _CALL.fullmatch(argv[3]) is None:
        return None
    words: list[str] = []
    is_new = True
    for piece in _PIECE.finditer(argv[3]):
        quoted, bare, _ = piece.groups()
        text = bare if quoted is None else quoted
        if text is None:
            is_new = True
        elif is_new:
            words.append(text)
            is_new = False
        else:
            words[-1] += text
    # `a=b program` sets a variable; a name with a quote in it is left to the shell as well.
    first = words[0] if words else ""
    if not first or "=" in first or "'" in argv[3].split(None, 1)[0] or first in _BUILTINS:
        return None
    return tuple(words)
