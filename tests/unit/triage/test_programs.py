"""What the kernel and the shell say of a program that can't be run, told apart."""

from __future__ import annotations

import pytest

from mltui.triage.rules._programs import why_not_run

IN = "image web:1"


@pytest.mark.parametrize(
    ("said", "headline", "cause"),
    [
        (
            'exec: "/app/run.sh": stat /app/run.sh: no such file or directory: unknown',
            "there is no program /app/run.sh",
            "image web:1 has no program /app/run.sh",
        ),
        (
            'exec: \\"serve\\": executable file not found in $PATH',
            "there is no program serve",
            "image web:1 has no program serve",
        ),
        (
            'exec: "/etc/passwd": permission denied: unknown',
            "/etc/passwd may not be executed",
            "is not executable",
        ),
        (
            "exec /s/run.sh: no such file or directory",
            "what /s/run.sh is run by is not there",
            "/s/run.sh is there, but what runs it is not",
        ),
        (
            "/usr/bin/env: \u2018python3\\r\u2019: No such file or directory",
            "a script has Windows line ends",
            "(CRLF)",
        ),
        (
            "/bin/bash: ./a.sh: /bin/sh^M: bad interpreter: No such file or directory",
            "a script has Windows line ends",
            "(CRLF)",
        ),
        (
            "exec /s/run.sh: exec format error",
            "/s/run.sh has no first line",
            "a script without a first line like #!/bin/sh",
        ),
        (
            "exec /app/server: exec format error",
            "/app/server is for another architecture",
            "made for another processor",
        ),
        (
            "OSError: [Errno 8] Exec format error: './tool'",
            "its program is for another architecture",
            "made for another processor",
        ),
        (
            "/app/infer: error while loading shared libraries: libgomp.so.1: cannot open shared "
            "object file: No such file or directory",
            "it lacks the library libgomp.so.1",
            "libgomp.so.1, which its program needs",
        ),
        (
            "/app/infer: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.38' not found",
            "its libc.so.6 is too old",
            "GLIBC_2.38",
        ),
    ],
)
def test_each_is_told_by_its_own_words(said: str, headline: str, cause: str) -> None:
    found = why_not_run(said, IN)
    assert found is not None
    assert headline in found[0]
    assert cause in found[1]


@pytest.mark.parametrize(
    "said",
    [
        "FileNotFoundError: [Errno 2] No such file or directory: 'data.csv'",
        "sh: 1: pyhton: not found",
        "404 page not found",
        "could not exec the query: no such table",
    ],
)
def test_other_failures_are_none_of_these(said: str) -> None:
    assert why_not_run(said, IN) is None
