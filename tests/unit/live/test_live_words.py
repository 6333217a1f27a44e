"""Secrets stay hidden, questions name what they mean, and every declaration is whole."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mltui.live.kinds import kind_named, kinds
from mltui.live.kinds._inspecting import as_text
from mltui.live.masking import (
    MASK,
    is_secret_name,
    mask_command,
    mask_entry,
    mask_inspection,
    mask_line,
    mask_text,
    mask_words,
)
from mltui.live.verbs import Ref, verbs, why_not


@pytest.mark.parametrize(
    "name",
    ["API_TOKEN", "github_token", "DB_PASSWORD", "MYSQL_PWD", "PASS", "AWS_SECRET_ACCESS_KEY",
     "AWS_ACCESS_KEY_ID", "SSH_PRIVATE_KEY", "apikey", "GOOGLE_APPLICATION_CREDENTIALS",
     "SECRET", "HTTP_AUTHORIZATION", "SESSION_COOKIE", "SENTRY_DSN", "SLACK_WEBHOOK", "KEY",
     "FERNET_KEY", "PASSPHRASE", "CONNECTION_STRING"],
)  # fmt: skip
def test_names_of_secrets(name: str) -> None:
    assert mask_entry(f"{name}=hunter2") == f"{name}={MASK}"


@pytest.mark.parametrize(
    "name", ["PATH", "PWD", "HOME", "LANG", "SSH_AUTH_SOCK", "KEYBOARD", "COMPASS", "MODEL", "PORT"]
)
def test_names_of_what_is_none(name: str) -> None:
    assert not is_secret_name(name)
    assert mask_entry(f"{name}=value") == f"{name}=value"


@pytest.mark.parametrize(
    "text",
    ["postgres://user:hunter2@db/x", "https://hunter2@example.org", "ghp_" + "hunter2" * 5,
     "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----",
     "hf_" + "hunter2" * 4, "sk-" + "hunter2" * 4, "eyJhunter2hunter2.eyJhunter2aaa.hunter2"],
)  # fmt: skip
def test_values_that_are_plainly_secret(text: str) -> None:
    assert "hunter2" not in mask_text(f"before {text} after")
    assert mask_text("https://example.org/a@b and me@example.org") == (
        "https://example.org/a@b and me@example.org"
    )


def test_commands() -> None:
    for words in (
        ["run", "--token", "hunter2"], ["run", "--password=hunter2"], ["env", "API_KEY=hunter2"],
        ["sh", "-c", "curl --api-key hunter2 x"], ["sh", "-c", "TOKEN='hunter2 x' run"],
        ["git", "clone", "https://u:hunter2@host/x"],
    ):  # fmt: skip
        assert "hunter2" not in " ".join(mask_words(words)), words
        assert mask_words(words)[0] == words[0]
    assert mask_command("python -m train --epochs 3 --keys all") == (
        "python -m train --epochs 3 --keys all"
    )


def test_a_whole_inspection() -> None:
    found = {
        "Config": {
            "Env": ["DB_PASSWORD=hunter2", "A=1"], "Cmd": ["x", "--token", "hunter2"],
            "Labels": {"app.secret": "hunter2", "url": "http://u:hunter2@h/", "keep": "me"},
        },
        "Path": "run", "Args": ["--password", "hunter2"], "SandboxKey": "/var/run/x",
        "State": {"Health": {"Log": [{"Output": "https://u:hunter2@h ok"}]}},
    }  # fmt: skip
    masked = mask_inspection(found)
    assert "hunter2" not in json.dumps(masked)
    assert masked["SandboxKey"] == "/var/run/x" and masked["Config"]["Labels"]["keep"] == "me"
    assert json.loads(as_text(found, True)) == found


@given(st.text())
def test_an_inspection_is_json_and_safe(text: str) -> None:
    shown = as_text({"a": text, text: 1}, True)
    assert json.loads(shown) == {"a": text, text: 1}
    assert all(char.isprintable() or char == "\n" for char in shown)


# declarations


def test_every_kind_is_whole() -> None:
    for name, kind in kinds().items():
        keys = [column.key for column in kind.columns]
        assert len(keys) == len(set(keys)) and keys[0] == "name"
        assert kind.sort[0] in keys
        assert {relation.kind for relation in kind.relations} <= kinds().keys()
        assert kind.describe is not None and kind.inspect is not None
        assert kind.list_rows is not None or kind.join is not None
        assert (kind.list_rows is None) == (kind.read is None)
        assert kind.empty and kind.engine == "docker" and kind_named(name) is kind
        assert all(kind_named(alias) is kind for alias in kind.aliases)
        known = verbs().keys() | {"prune", "pull", "push", "tag"}
        assert set(kind.actions) <= known
        for action in set(kind.actions) & verbs().keys():
            assert name in verbs()[action].kinds
        least = sum(column.narrowest + 2 for column in kind.columns if column.priority >= 110)
        assert least <= 80, f"{name} has no room at 80 columns"


def test_an_unknown_kind_says_what_was_meant() -> None:
    with pytest.raises(KeyError, match="did you mean `images`"):
        kind_named("imagse")


def test_every_verb_is_whole() -> None:
    for name_of_verb, verb in verbs().items():
        assert verb.id == name_of_verb and verb.title and verb.help and verb.doing.endswith("…")
        assert set(verb.kinds) <= kinds().keys()
        for name in verb.kinds:
            assert verb.id in kind_named(name).actions
    assert {verb.id for verb in verbs().values() if verb.danger} == {
        "stop", "restart", "kill", "remove",
    }  # fmt: skip


def _ref(name: str, kind: str = "containers", **fields: Any) -> Ref:
    return Ref(kind, kind_named(kind).title, f"id-{name}", name, **fields)


@pytest.mark.parametrize(
    ("verb", "refs", "sentence"),
    [
        ("remove", [_ref("web")], "Remove container web on docker?"),
        ("remove", [_ref("web", is_running=True)],
         "Remove container web on docker? It runs and will be killed."),
        ("remove", [_ref("a"), _ref("b", is_running=True)],
         "Remove 2 containers on docker? 1 runs and will be killed."),
        ("remove", [_ref("v", "volumes")],
         "Remove volume v on docker? What is in it is lost."),
        ("stop", [_ref("a"), _ref("b")],
         "Stop 2 containers on docker? They have some seconds to end, then they are killed."),
        ("kill", [_ref("a")],
         "Kill container a on docker? It ends at once, without saving anything."),
        ("restart", [_ref("a")], "Restart container a on docker? What it does now is cut off."),
    ],
)  # fmt: skip
def test_questions(verb: str, refs: list[Ref], sentence: str) -> None:
    question = verbs()[verb].question
    assert question is not None
    asked = question(refs, "docker")
    assert asked.sentence == sentence and asked.no == "Leave it"
    assert asked.detail == (() if len(refs) == 1 else tuple(ref.name for ref in refs))


def test_many_names_are_counted() -> None:
    question = verbs()["remove"].question
    assert question is not None
    detail = question([_ref(f"c{n}") for n in range(20)], "docker").detail
    assert len(detail) == 9 and detail[-1] == "and 12 more"


def test_a_verb_says_why_it_can_not() -> None:
    from mltui.live.kinds._container import read_listed

    def row(state: str) -> Any:
        return read_listed({"Id": "1", "Names": ["/x"], "State": state})

    assert why_not(verbs()["start"], "containers", row("running")) == "it runs already"
    assert why_not(verbs()["start"], "containers", row("exited")) is None
    assert why_not(verbs()["pause"], "containers", row("exited")) is not None
    assert why_not(verbs()["unpause"], "containers", row("paused")) is None
    assert why_not(verbs()["kill"], "images", None) == "Kill is for containers"


def test_kinds_are_declared_without_an_engine_or_a_screen() -> None:
    code = (
        "import sys, mltui.live.feed, mltui.live.listing, mltui.live.verbs.prune\n"
        "from mltui.live.kinds import kinds; kinds()\n"
        "from mltui.live.verbs import verbs; verbs()\n"
        "bad = [n for n in sys.modules if n.split('.')[0] in ('docker', 'textual', 'requests')"
        " or n.startswith('mltui.engines')]\n"
        "print(bad)"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize("text", ["a", "-", "a:", "x=", "://a", "token"])
def test_what_is_long_is_masked_as_fast_as_it_is_read(text: str) -> None:
    """A blob in a log or an annotation; a pattern that looks far would take hours."""
    long = text * (200_000 // len(text))
    assert mask_text(f"{long} https://me:pw@host") == f"{long} https://******@host"
    assert mask_line(f"{long} password: x").endswith("******")


_PARTS = (
    "eyJ", "-", ".", "a", "ghp_", "sk-", "xoxa-", "glpat-", "AKIA", "-----BEGIN ", "-----END ",
    "PRIVATE KEY-----", "://", "@", "--token", "=", '"', "'", " ", "key: ", "A" * 20, "a" * 12,
)  # fmt: skip


def _cpu_s(mask: Callable[[str], str], text: str) -> float:
    """Seconds of a processor that masking takes; the least of three is the least disturbed."""
    took = []
    for _ in range(3):
        began = time.process_time()
        mask(text)
        took.append(time.process_time() - began)
    return min(took)


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(parts=st.lists(st.sampled_from(_PARTS), min_size=1, max_size=4))
@example(parts=["eyJ", "-"])
@example(parts=["eyJ", "a" * 12, "."])
@example(parts=["-", "--token"])
def test_no_text_is_much_dearer_to_mask_than_plain_words(parts: list[str]) -> None:
    """What looks like the beginning of a secret everywhere costs a few times as much, no more."""
    unit, size = "".join(parts), 20_000
    text = unit * (size // len(unit))
    plain = "word-" * (size // 5)
    for mask in (mask_text, mask_line):
        assert _cpu_s(mask, text) < 20 * max(_cpu_s(mask, plain), 0.001)


@pytest.mark.parametrize("before", ["", "-", "Bearer-", "jwt=", "a.", "eyJ-", "x-eyJ-short-"])
def test_a_signed_token_is_masked_wherever_it_begins(before: str) -> None:
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.hunter2"
    assert "hunter2" not in mask_text(f"say {before}{token} after")
    assert mask_text(f"say {before}{token} after").endswith(f"{MASK} after")
    assert mask_text(f"{before}eyJhbGciOiJIUzI1NiJ9 only") == f"{before}eyJhbGciOiJIUzI1NiJ9 only"
