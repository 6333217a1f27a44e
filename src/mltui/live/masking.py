"""Keeps secrets of containers off the screen unless they are asked for. Pure.

Used wherever an environment, a command or an inspection is shown: a screen is shared, recorded and
looked at over a shoulder. What is hidden is hidden whole: its length would tell something too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

MASK = "******"

_NAMES = re.compile(
    r"TOKEN|SECRET|PASSW|PWD$|(^|_)PASS($|_)|PASSPHRASE|CREDENTIAL|PRIVATE|API_?KEY|ACCESS_?KEY"
    r"|(^|[_-])KEY($|[_-]?(ID)?$)|KEY$|AUTH|COOKIE|SALT($|_)|SIGNATURE|(^|_)DSN($|_)"
    r"|CONNECTION_?STRING|WEBHOOK",
    re.IGNORECASE,
)
_HARMLESS = re.compile(r"^(PWD|OLDPWD|SSH_AUTH_SOCK|XAUTHORITY|AUTHORS?|GPG_KEYS?)$", re.IGNORECASE)
_URL = re.compile(r"(?<=[A-Za-z0-9+.-])://[^\s/?#@]*@")
"""This and what follows is tried at each place of a text, so nothing in it looks far: a megabyte
without a blank is common in logs and annotations."""
_SHAPES = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\A[A-Za-z0-9+/=\s]+-----END [A-Z ]*PRIVATE KEY-----"
    r"|\b(?:ghp|gho|ghs|ghu|ghr)_[A-Za-z0-9]{20,}|\bgithub_pat_[A-Za-z0-9_]{20,}"
    r"|\bhf_[A-Za-z0-9]{20,}|\bsk-[A-Za-z0-9_-]{20,}|\bAKIA[0-9A-Z]{16}\b"
    r"|\bxox[abprs]-[A-Za-z0-9-]{10,}|\bglpat-[A-Za-z0-9_-]{15,}",
    re.DOTALL,
)
_TOKEN = re.compile(
    r"(?<![A-Za-z0-9_-])(?=[A-Za-z0-9_-]++\.[A-Za-z0-9_-]{10,}+\.)"
    r"(?P<before>(?:[A-Za-z0-9_]*+-)*?)"
    r"eyJ[A-Za-z0-9_-]{10,}+\.[A-Za-z0-9_-]{10,}+\.[A-Za-z0-9_-]*+"
)
"""A signed token (JWT). That the words before and after a dot are there is looked at once for a run
of such characters, where it begins; only then where in it the token does."""
_OPTION = re.compile(r"(?<![A-Za-z0-9_.-])[A-Za-z0-9_.]*+-[A-Za-z0-9_.-]*+(?=[=\s])")
_SECRET = re.compile(
    r"token|secret|passw(?:or)?d|passphrase|api[_-]?key|access[_-]?key|private[_-]?key|credential",
    re.IGNORECASE,
)
_GIVEN = re.compile(r"(?:=|\s++)(?P<value>\"[^\"]*\"|'[^']*'|\S++)")
_WORD = re.compile(r"token|secret|passw|passphrase|key|credential", re.IGNORECASE)
"""What every such option has: most texts need no closer look."""
_FREE = ("Labels", "Options", "DriverOpts", "Annotations", "Config", "Sysctls", "BuildArgs")
"""Parts of an inspection whose names are people's; the API's own names are not looked at."""
_SAID = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_.-]{0,63}+)[\"']?\s{0,9}:\s{0,9}(?=\S)")
"""`password: x`, as programs write it; whatever is behind it on the line goes."""
_RAISED = re.compile(r".*(Error|Exception|Warning)$")
_NUMBER = re.compile(r"[-+0-9.,eE%]+\b.{0,20}")
"""`tokens: 4096`, `tokens: 4096 of 8192`."""
_ASSIGNED = re.compile(r"\b(?P<name>[A-Za-z_][A-Za-z0-9_]*)=(?P<value>\"[^\"]*\"|'[^']*'|\S+)")


def is_secret_name(name: str) -> bool:
    """Whether a variable of this name usually holds a secret."""
    return bool(_NAMES.search(name)) and not _HARMLESS.match(name)


def mask_text(text: str) -> str:
    """Text without what is plainly a secret: users in URLs, known shapes of tokens."""
    text = _URL.sub(f"://{MASK}@", text)
    if "eyJ" in text:
        text = _TOKEN.sub(rf"\g<before>{MASK}", text)
    return _SHAPES.sub(MASK, text)


def mask_lines(lines: Iterable[str]) -> list[str]:
    """The same of lines that follow one another: a key goes over several."""
    return mask_text("\n".join(lines)).split("\n")


def mask_value(name: str, value: str) -> str:
    """The value of a variable or label, as it may be shown."""
    if not value:
        return value
    return MASK if is_secret_name(name) else mask_text(value)


def mask_command(text: str) -> str:
    """A command line without the values of its secret options and assignments."""

    def assigned(found: re.Match[str]) -> str:
        value = found["value"]
        return f"{found['name']}={MASK if is_secret_name(found['name']) else value}"

    if _WORD.search(text) is not None:
        text = "".join(_without_options(text))
    return mask_text(_ASSIGNED.sub(assigned, text))


def _without_options(text: str) -> Iterator[str]:
    """`--token x`, `-api-key=x` and the like without their values."""
    done = 0
    for option in _OPTION.finditer(text):
        start, end = option.span()
        if start < done or _SECRET.search(text, text.index("-", start), end) is None:
            continue
        given = _GIVEN.match(text, end)
        if given is not None:
            yield text[done : given.start("value")]
            yield MASK
            done = given.end()
    yield text[done:]


def mask_line(line: str) -> str:
    """A line of a log without what is plainly secret."""
    for found in _SAID.finditer(line):
        name, start = found["name"], found.end()
        if is_secret_name(name) and not (_RAISED.match(name) or _NUMBER.fullmatch(line, start)):
            line = f"{line[:start]}{MASK}"
            break
    return mask_text(mask_command(line))


def mask_log(text: str) -> str:
    """A log so; what goes over several lines, as keys do, first."""
    return "\n".join(map(mask_line, mask_text(text).split("\n")))


def mask_words(words: list[str]) -> list[str]:
    """The words of a command: an option's value may be the next word."""
    out: list[str] = []
    is_value = False
    for word in words:
        if is_value and not word.startswith("-"):
            out.append(MASK)
            is_value = False
            continue
        is_value = word.startswith("-") and "=" not in word and is_secret_name(word.lstrip("-"))
        out.append(mask_command(word))
    return out


def mask_entry(entry: str) -> str:
    """`NAME=value` of an environment."""
    name, sign, value = entry.partition("=")
    return f"{name}{sign}{mask_value(name, value)}"


def mask_inspection(found: Any, key: str = "") -> Any:
    """An inspection with every secret masked, wherever in it that is."""
    if isinstance(found, dict):
        is_free = key in _FREE
        return {
            name: MASK
            if is_free and isinstance(value, str) and value and is_secret_name(str(name))
            else mask_inspection(value, str(name))
            for name, value in found.items()
        }
    if isinstance(found, list):
        if key == "Env":
            return [mask_entry(str(entry)) for entry in found]
        if key in ("Cmd", "Args", "Entrypoint", "Test") and all(isinstance(w, str) for w in found):
            return mask_words(found)
        return [mask_inspection(each, key) for each in found]
    if isinstance(found, str):
        return mask_command(found) if key in ("Path", "CreatedBy", "Output") else mask_text(found)
    return found
