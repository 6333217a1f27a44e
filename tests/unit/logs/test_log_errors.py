from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mltui.logs.errors import exception_of, frame_of, last_lines

CASES = {
    "python": (
        b'Traceback (most recent call last):\n  File "a.py", line 3, in <module>\n    f()\n'
        b"ValueError: wrong shape: (3, 4)\nstage failed\n",
        "ValueError: wrong shape: (3, 4)",
    ),
    "python, chained": (
        b'Traceback (most recent call last):\n  File "a.py"\nKeyError: 1\n\n'
        b"During handling of the above exception, another exception occurred:\n\n"
        b'Traceback (most recent call last):\n  File "a.py"\nRuntimeError\n',
        "RuntimeError",
    ),
    "python, dotted, then a wrapper": (
        b'Traceback (most recent call last):\n  File "a.py"\n'
        b"sklearn.exceptions.NotFittedError: call fit first\nERROR: exit 1\n",
        "sklearn.exceptions.NotFittedError: call fit first",
    ),
    "python, exception group": (
        b"  + Exception Group Traceback (most recent call last):\n  | ExceptionGroup: two (2)\n"
        b'  +-+---- 1 ----\n    | Traceback (most recent call last):\n    |   File "a.py"\n'
        b"    | ValueError: x\n    +----\n",
        "ValueError: x",
    ),
    "coloured": (b"\x1b[31mValueError\x1b[0m: red\n", "ValueError: red"),
    "go": (
        b"panic: runtime error: index out of range [3]\n\ngoroutine 1 [running]:\nmain.main()\n",
        "panic: runtime error: index out of range [3]",
    ),
    "java": (
        b'Exception in thread "main" java.lang.RuntimeException: x\n\tat A.main(A.java:3)\n'
        b"Caused by: java.io.IOException: disk\n\tat A.b(A.java:9)\n",
        "Caused by: java.io.IOException: disk",
    ),
    "rust": (
        b"thread 'main' panicked at src/main.rs:2:5:\nout of cheese\nnote: run with RUST_BACKTRACE",
        "thread 'main' panicked at src/main.rs:2:5: out of cheese",
    ),
    "r": (
        b"Error in fit(x, y) :\n  object 'y' not found\nCalls: fit\nExecution halted\n",
        "Error in fit(x, y) : object 'y' not found",
    ),
    "c++": (
        b"terminate called after throwing an instance of 'std::bad_alloc'\n"
        b"  what():  std::bad_alloc\nAborted\n",
        "terminate called after throwing an instance of 'std::bad_alloc' what():  std::bad_alloc",
    ),
    "node": (
        b"/app/x.js:3\nTypeError: x is not a function\n    at Object.<anonymous> (/app/x.js:3:1)\n",
        "TypeError: x is not a function",
    ),
    "pip": (
        b"Collecting numpy\nERROR: No matching distribution found for numpy==1.99\n",
        "ERROR: No matching distribution found for numpy==1.99",
    ),
    "shell": (b"step 1\nsh: 1: pyhton: not found\n", "sh: 1: pyhton: not found"),
    "make": (b"cc1: error: no input\nmake: *** [all] Error 1\n", "cc1: error: no input"),
    "killed": (b"epoch 3\nKilled\n", "Killed"),
    "python, raised from another": (
        b'Traceback (most recent call last):\n  File "a.py", line 3, in <module>\n    open()\n'
        b"ConnectionRefusedError: [Errno 111] Connection refused\n\n"
        b"The above exception was the direct cause of the following exception:\n\n"
        b'Traceback (most recent call last):\n  File "a.py", line 5, in <module>\n'
        b"RuntimeError: feature store unavailable\n",
        "RuntimeError: feature store unavailable (because of ConnectionRefusedError: [Errno 111] "
        "Connection refused)",
    ),
    "python, of a child": (
        b'Traceback (most recent call last):\n  File "train.py", line 12, in <module>\n'
        b'ValueError: batch size 0\nTraceback (most recent call last):\n  File "run.py"\n'
        b"torch.distributed.elastic.multiprocessing.errors.ChildFailedError: \n====\n",
        "ValueError: batch size 0",
    ),
    "pydantic": (
        b'Traceback (most recent call last):\n  File "main.py", line 8, in <module>\n'
        b"pydantic_core._pydantic_core.ValidationError: 1 validation error for Settings\n"
        b"api_key\n  Field required [type=missing]\n    For more visit https://x\n",
        "pydantic_core._pydantic_core.ValidationError: 1 validation error for Settings: api_key: "
        "Field required [type=missing]",
    ),
    "spring": (
        b"Description:\n\nWeb server failed to start. Port 8080 was already in use.\n\nAction:\n\n"
        b"Stop the process that's listening on port 8080.\n",
        "Web server failed to start. Port 8080 was already in use.",
    ),
    "a wrong flag": (
        b"flag provided but not defined: -modle\nUsage of /app/serve:\n  -model string\n"
        b"  -port int\n    \tport (default 8080)\n",
        "flag provided but not defined: -modle",
    ),
    "npm": (
        b'npm ERR! code 1\nnpm ERR! Missing script: "start"\nnpm ERR! \nnpm ERR!   npm run\n',
        'npm ERR! Missing script: "start"',
    ),
    "perl, a module": (
        b"Can't locate JSON/XS.pm in @INC (you may need to install it).\nBEGIN failed--\n",
        "Can't locate JSON/XS.pm in @INC (you may need to install it).",
    ),
    "json": (
        b'{"level":"info","msg":"starting"}\n'
        b'{"level":"fatal","msg":"cannot reach broker","error":"lookup kafka-0: no such host"}\n'
        b'{"level":"info","msg":"bye"}\n',
        "error: cannot reach broker: lookup kafka-0: no such host",
    ),
    "nginx": (
        b'nginx: [emerg] unknown directive "servr" in /etc/nginx/nginx.conf:3\nbye\n',
        'nginx: [emerg] unknown directive "servr" in /etc/nginx/nginx.conf:3',
    ),
    "logfmt": (
        b'level=info msg=start\nlevel=fatal msg="no licence"\nstopping\n',
        'level=fatal msg="no licence"',
    ),
    "ruby": (
        b'/app/job.rb:7:in `fetch\': key not found: "REGION" (KeyError)\n'
        b"\tfrom /app/job.rb:7:in `<main>'\n",
        '/app/job.rb:7:in `fetch\': key not found: "REGION" (KeyError)',
    ),
    "perl": (
        b"reading\nCan't open rows.tsv: No such file at a.pl line 2.\nbye\n",
        "Can't open rows.tsv: No such file at a.pl line 2.",
    ),
    ".net": (
        b"Unhandled exception. System.InvalidOperationException: no model\n   at A.Main()\n",
        "Unhandled exception. System.InvalidOperationException: no model",
    ),
    "unset variable": (
        b"begin\nbash: line 2: MODEL_PATH: unbound variable\nmade nothing\n",
        "bash: line 2: MODEL_PATH: unbound variable",
    ),
    "no processes": (
        b"bash: fork: retry: Resource temporarily unavailable\nrest\n",
        "bash: fork: retry: Resource temporarily unavailable",
    ),
    "logging": (
        b"2026-11-24 12:00 ERROR trainer: lost the GPU\ndone\n",
        "2026-11-24 12:00 ERROR trainer: lost the GPU",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_failing_line_of_many_languages(name: str) -> None:
    tail, expected = CASES[name]
    assert exception_of(tail) == expected


@pytest.mark.parametrize("tail", [b"", b"\n\n", b"all good\n0 errors\nerrors=0 loss 0.1\n"])
def test_nothing_failed(tail: bytes) -> None:
    assert exception_of(tail) is None


def test_a_hostile_tail_is_bounded_and_safe() -> None:
    found = exception_of(b"ValueError: \x1b]0;t\x07" + b"x" * 100_000)
    assert found is not None
    assert len(found) < 500
    assert found.isprintable()


def test_last_lines(tmp_path: Path) -> None:
    path = tmp_path / "log"
    assert last_lines(path, 3) == []
    path.write_bytes(b"".join(b"line %d\n" % n for n in range(10_000)) + b"open")
    assert last_lines(path, 2) == [b"line 9999", b"open"]
    assert last_lines(path, 0) == []
    assert last_lines(path, 5, limit_bytes=12) == [b"open"]
    path.write_bytes(b"x" * 1000)
    assert last_lines(path, 5, limit_bytes=10) == [b"x" * 10]


UNSAFE = {"Cc", "Cs", "Zl", "Zp"}
LINES = sorted({line for tail, _ in CASES.values() for line in tail.split(b"\n")})
JSON_LINES = st.builds(
    lambda level, said: json.dumps({"level": level, "msg": said, "error": said}).encode(),
    st.sampled_from(["error", "info", "50", None, 50]),
    st.text(st.characters(exclude_categories=()), max_size=5) | st.none() | st.integers(),
)


@given(st.lists(st.sampled_from(LINES) | st.binary(max_size=20) | JSON_LINES, max_size=12))
@example([rb'{"level": "error", "msg": "\ud800"}'])
def test_whatever_a_program_wrote_last(lines: list[bytes]) -> None:
    found = exception_of(b"\n".join(lines))
    assert not found or not UNSAFE & set(map(unicodedata.category, found))
    frame_of(line.decode("utf-8", "replace") for line in lines)
